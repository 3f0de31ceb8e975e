"""The commands that ask a finished run, or a file of vectors: neighbors, analogy and report."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from vecmill.config import Config
from vecmill.errors import ConfigError
from vecmill.spark import session
from vecmill.vectors.word_vectors import Answers, WordVectors, is_local, load


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


def report(arguments: argparse.Namespace) -> str:
    """Write the page about a run or a file of vectors; where it is now."""
    from vecmill import report as pages
    from vecmill.evaluation import word_tests

    tests = word_tests.read_all(arguments.tests)
    if arguments.vectors:
        title = Path(arguments.vectors).name
        vectors = _vectors(arguments)
        target = arguments.target or f"{title}.html"
        return pages.write_vectors(vectors, target, title=title, words=arguments.words, tests=tests)
    root = Config.load_output(arguments.config, arguments.overrides)
    if is_local(root):
        return pages.write(root, arguments.target, words=arguments.words, tests=tests)
    with session.opened(arguments.spark_conf) as spark:
        return pages.write(root, arguments.target, spark=spark, words=arguments.words, tests=tests)


def _vectors(arguments: argparse.Namespace) -> WordVectors:
    if arguments.vectors and (arguments.config or arguments.overrides):
        raise ConfigError(["--vectors names what to ask instead of a run; leave out --config and --set"])
    source = arguments.vectors or Config.load_output(arguments.config, arguments.overrides)
    if is_local(source):
        return load(source)
    with session.opened(arguments.spark_conf) as spark:
        return load(source, spark)


def _told(answers: Answers) -> Iterator[str]:
    for word, cosine in answers:
        yield f"  {cosine:.3f}  {word}"
