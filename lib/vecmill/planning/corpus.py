"""The numbers about a corpus that a plan needs: counted, or estimated from a sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from pyspark.sql import SparkSession

from vecmill.config import Config, Vocabulary
from vecmill.formatting import format_bytes
from vecmill.planning.growth import Growth
from vecmill.planning.sample import Sample, read_sample
from vecmill.runs.manifest import Manifest
from vecmill.runs.run import vocabulary_columns
from vecmill.storage.store import Store


@dataclass(frozen=True)
class Corpus:
    """The numbers that requirements are computed from.

    tokens      all tokens
    covered     tokens whose word is in the vocabulary
    vocabulary  words that get a vector
    keep_ratio  share of the covered tokens that subsampling keeps
    hottest     share of the most frequent word in the tokens that are kept
    origin      how these are known, in sentences
    between     for each of the first three that is estimated, by its name: the least and the largest
                that are likely
    """

    tokens: int
    covered: int
    vocabulary: int
    keep_ratio: float
    hottest: float
    origin: tuple[str, ...]
    between: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def at_most(self) -> Corpus:
        """The largest corpus that is likely."""
        largest = {name: limits[1] for name, limits in self.between.items()}
        return replace(self, **largest, between={})  # type: ignore[arg-type]


def estimated_corpus(spark: SparkSession, config: Config) -> Corpus:
    """The corpus of the input, estimated from a sample of it. Raises InputError as `read_sample`."""
    return estimate(read_sample(spark, config), config)


def estimate(sample: Sample, config: Config) -> Corpus:
    """The corpus of which a sample was read: counted if the sample is all of it."""
    growth, settings = sample.growth, config.vocabulary
    tokens = sample.tokens.rounded(1, math.inf)
    if sample.is_whole:
        counts = np.sort(growth.counts[growth.counts >= settings.min_count])[::-1][: settings.max_size]
        words = covered = (1, 1, 1)
        if len(counts):
            words, covered = (len(counts),) * 3, (int(counts.sum()),) * 3
        origin: tuple[str, ...] = ("Counted in the whole text, which is small.",)
    else:
        words = _vocabulary(growth, tokens, settings)
        low, middle, high = (
            round(growth.covered(count, settings.min_count, settings.max_size)) for count in tokens
        )
        covered = (low, middle, high)
        origin = (
            f"AN ESTIMATE from {format_bytes(sample.bytes)} of text in {sample.files:,} "
            f"{'file' if sample.files == 1 else 'files'} "
            f"({growth.tokens:,} tokens, {len(growth.counts):,} words), by Heaps' law as it holds in them.",
            "'vecmill vocabulary' counts tokens and words, and the plan then uses its counts.",
        )
    estimates = {"tokens": tokens, "covered": covered, "vocabulary": words}
    return Corpus(
        tokens[1],
        covered[1],
        words[1],
        *growth.kept(config.pairs.subsample),
        origin,
        {} if sample.is_whole else {name: (low, high) for name, (low, _, high) in estimates.items()},
    )


def _vocabulary(growth: Growth, tokens: Sequence[int], settings: Vocabulary) -> tuple[int, int, int]:
    """The words of the vocabulary among the least, the likely and the largest number of tokens."""
    least, likely, largest = (growth.words_at(count, settings.min_count) for count in tokens)
    most = settings.max_size or math.inf
    # No more words than tokens / min_count can occur so often.
    low, middle, high = (
        max(1, round(min(words, count / settings.min_count, most)))
        for words, count in zip((least.low, likely.middle, largest.high), tokens, strict=True)
    )
    return low, middle, high


class Kept(NamedTuple):
    """The share of tokens that subsampling keeps, and the share of the most frequent word in them."""

    ratio: float
    hottest: float


def counted(stages: Mapping[str, Mapping[str, Any]], kept: Kept) -> Corpus:
    """The corpus from the records of the stages "tokenize" and "vocabulary" of a run."""
    vocabulary = stages["vocabulary"]
    return Corpus(
        stages["tokenize"]["tokens"],
        vocabulary["tokens_covered"],
        vocabulary["words"],
        *kept,
        ("Tokens and vocabulary are counted; the output has them already.",),
    )


def counted_corpus(store: Store, manifest: Manifest) -> Corpus:
    """The corpus of a run directory that has a vocabulary: 16 bytes per word on the driver.

    Raises InputError if the vocabulary lacks a file.
    """
    store.check_whole("vocabulary")
    columns = vocabulary_columns(store, "count", "keep_probability")
    count, keep = (column.to_numpy() for column in columns.values())
    kept = count * keep
    return counted(
        manifest.content["stages"], Kept(float(kept.sum() / count.sum()), float(kept.max() / kept.sum()))
    )
