"""The commands that ask a finished run: neighbors and analogy."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from vecmill import session
from vecmill.config import Config
from vecmill.word_vectors import Answers, WordVectors, is_local, read_run


def neighbors(arguments: argparse.Namespace) -> Iterator[str]:
    """The nearest words of each word, as lines. Raises InputError for the first unknown word."""
    vectors = _vectors(arguments)
    for word in arguments.words:
        yield f"{word}:"
        yield from _told(vectors.similar(word, arguments.n))


def analogy(arguments: argparse.Namespace) -> Iterator[str]:
    """What c is to as a is to b, as lines. Raises InputError for the first unknown word."""
    a, b, c = arguments.words
    answers = _vectors(arguments).analogy(a, b, c, arguments.n)
    yield f"{a} is to {b} as {c} is to:"
    yield from _told(answers)


def _vectors(arguments: argparse.Namespace) -> WordVectors:
    root = Config.load_output(arguments.config, arguments.overrides)
    if is_local(root):
        return read_run(root)
    with session.opened(arguments.spark_conf) as spark:
        return read_run(root, spark)


def _told(answers: Answers) -> Iterator[str]:
    for word, cosine in answers:
        yield f"  {cosine:.3f}  {word}"
