"""`vecmill report`: write an HTML page about a run or about a file of word vectors."""

from __future__ import annotations

import argparse
from pathlib import Path

from vecmill.commands.arguments import add_vectors, load_vectors
from vecmill.commands.command import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the page, --vectors, --words and --tests."""
    parser.add_argument(
        "target",
        nargs="?",
        metavar="PAGE",
        help="file to write (default: report.html in the run's folder; with --vectors, FILE.html)",
    )
    add_vectors(parser)
    parser.add_argument(
        "--words", nargs="+", default=[], metavar="WORD", help="show the neighbours of these words"
    )
    parser.add_argument(
        "--tests",
        nargs="+",
        default=[],
        metavar="FILE",
        help="score the vectors in these test files and show that instead of the run's own evaluation",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the page and print its path."""
    print(write_page(arguments))
    return 0


def write_page(arguments: argparse.Namespace) -> str:
    """Write the page about a run or a file of vectors, and return its path.

    Raises InputError if the run or a file cannot be read or a word is unknown, and ConfigError if the page
    cannot be written.
    """
    from vecmill import report
    from vecmill.config import Config
    from vecmill.evaluation import word_tests
    from vecmill.spark import session
    from vecmill.vectors.word_vectors import is_local

    tests = word_tests.read_all(arguments.tests)
    if arguments.vectors:
        title = Path(arguments.vectors).name
        vectors = load_vectors(arguments)
        target = arguments.target or f"{title}.html"
        return report.write_vectors(vectors, target, title=title, words=arguments.words, tests=tests)
    root = Config.load_output(arguments.config, arguments.overrides)
    if is_local(root):
        return report.write(root, arguments.target, words=arguments.words, tests=tests)
    with session.opened(arguments.spark_conf) as spark:
        return report.write(root, arguments.target, spark=spark, words=arguments.words, tests=tests)


COMMAND = Command("report", "write an HTML page about a run or a file of vectors", run, add_arguments)
