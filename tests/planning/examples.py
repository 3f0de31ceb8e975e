"""A corpus, configurations and resources for tests of planning."""

from __future__ import annotations

import dataclasses

from vecmill.config import Config
from vecmill.formatting import GIB
from vecmill.planning.corpus import Corpus
from vecmill.planning.resources import Resources

CORPUS = Corpus(
    tokens=1_100_000, covered=1_000_000, vocabulary=65_536, keep_ratio=0.5, hottest=0.01, origin=("",)
)

ROOMY = Resources(
    local=True,
    executors=1,
    slots=2,
    threads=1,
    heap=8 * GIB,
    driver_heap=8 * GIB,
    overhead=8 * GIB,
    by_files=True,
    contained=False,
    max_result=8 * GIB,
    available=64 * GIB,
    output_free=1 << 40,
    scratch_free=1 << 40,
)
LAPTOP = dataclasses.replace(
    ROOMY,
    heap=2 * GIB,
    driver_heap=2 * GIB,
    overhead=0,
    max_result=GIB,
    available=12 * GIB,
    output_free=None,
    scratch_free=None,
)
CLUSTER = dataclasses.replace(
    LAPTOP,
    local=False,
    executors=16,
    slots=4,
    heap=4 * GIB,
    overhead=6 * GIB,
    by_files=False,
    contained=True,
    available=None,
)


def load_config(*overrides: str) -> Config:
    return Config.load(None, ["input.path=a", "output.path=b", *overrides])


def corpus_of(words: int, vocabulary: int, hottest: float = 0.012) -> Corpus:
    return Corpus(words, words, vocabulary, 0.77, hottest, ())
