"""Arguments that several commands have, and what they read from them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from vecmill.errors import ConfigError
from vecmill.formatting import shorten

if TYPE_CHECKING:
    from vecmill.vectors.word_vectors import WordVectors

VECTORS_HELP = (
    "word vectors to use: the folder of a run, or a file (word2vec text or binary, GloVe text, .npy, "
    "safetensors or Parquet); the format is detected"
)


def positive_integer(text: str) -> int:
    """A number of at least 1, for `type=`."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, got {shorten(repr(text), 60)}") from None
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {shorten(str(number), 60)}")
    return number


def add_vectors(parser: argparse.ArgumentParser) -> None:
    """Add --vectors, which replaces the vectors of the configured run."""
    parser.add_argument("--vectors", metavar="FILE", help=VECTORS_HELP)


def add_answer_count(parser: argparse.ArgumentParser) -> None:
    """Add -n."""
    parser.add_argument(
        "-n", type=positive_integer, default=10, metavar="N", help="number of answers (default: 10)"
    )


def load_vectors(arguments: argparse.Namespace) -> WordVectors:
    """The vectors that --vectors names, or those of the configured run.

    Raises ConfigError if the arguments name both, and InputError if the vectors cannot be read.
    """
    if arguments.vectors and (arguments.config or arguments.overrides):
        raise ConfigError(["--vectors replaces the vectors of a run; leave out --config and --set"])
    from vecmill.config import Config
    from vecmill.spark import session
    from vecmill.vectors.word_vectors import is_local, load

    source = arguments.vectors or Config.load_output(arguments.config, arguments.overrides)
    if is_local(source):
        return load(source)
    with session.opened(arguments.spark_conf) as spark:
        return load(source, spark)


def format_answers(answers: Iterable[tuple[str, float]]) -> Iterator[str]:
    """One line per word, with its cosine."""
    for word, cosine in answers:
        yield f"  {cosine:.3f}  {word}"
