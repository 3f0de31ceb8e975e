"""Planted vectors, small test files, and `vecmill evaluate` as a fixture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vecmill import cli
from vecmill.vectors.formats import EXPORTS, Block

# Sorted by falling frequency. Royal, female and warm are directions; lengths do not matter.
PLANTED = {
    "he": [0, -1, 0, 0.1],
    "she": [0, 1, 0, 0.1],
    "man": [0.1, -1, 0, 0],
    "woman": [0.1, 1, 0, 0],
    "king": [1, -1, 0, 0],
    "queen": [2, 2, 0, 0],
    "warm": [0, 0, 3, 0],
    "hot": [0, 0, 1, 0.1],
    "cold": [0, 0, -1, 0.2],
    "Hot": [0, 0, 0, 1],
    "maid": [0, 0.5, 0, 1],
    "soldier": [0, -0.5, 0, 1],
}

# Ranked like the planted cosines, which are 1, 0.7, 0 and -1.
PAIRS = "warm\thot\t9\nwarm\tcold\t1\nking\tman\t7\nhe\twarm\t5\n"
ANALOGIES = ": royal\nman woman king queen\nwoman man queen king\n: wrong\nman woman king cold\n"


class Outcome(NamedTuple):
    """The exit code of a command, its output, and the last line of its messages."""

    code: int
    printed: str
    message: str


Vecmill = Callable[..., Outcome]
Evaluate = Callable[..., dict[str, Any]]
WriteFile = Callable[[str, str], Path]


@pytest.fixture
def vecmill(capsys: pytest.CaptureFixture[str]) -> Vecmill:
    """Run a command line."""

    def run(*arguments: object) -> Outcome:
        code = cli.main([str(argument) for argument in arguments])
        printed, messages = capsys.readouterr()
        return Outcome(code, printed, messages.strip().splitlines()[-1] if messages.strip() else "")

    return run


@pytest.fixture
def evaluate(vecmill: Vecmill) -> Evaluate:
    """The JSON of `vecmill evaluate`."""

    def run(*arguments: object) -> dict[str, Any]:
        outcome = vecmill("evaluate", *arguments, "--json", "-")
        assert outcome.code == 0, outcome.message
        return json.loads(outcome.printed)

    return run


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A file of the planted vectors."""
    return write_vectors(tmp_path / "planted.txt", PLANTED)


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    """Write a test file of a name and a text."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def write_vectors(path: Path, vectors: dict[str, Any], form: str = "word2vec-text") -> Path:
    """Write `vectors` by word in a format of EXPORTS, or as "glove-text" or "parquet"."""
    matrix = np.array(list(vectors.values()), np.float32)
    words = list(vectors)
    if form == "glove-text":
        lines = [" ".join([word, *map(str, row)]) for word, row in zip(words, matrix, strict=True)]
        path.write_text("\n".join(lines) + "\n")
    elif form == "parquet":
        path.mkdir()
        columns = [("id", pa.int32()), ("word", pa.string()), ("vector", pa.list_(pa.float32()))]
        rows = [
            {"id": id_, "word": word, "vector": row.tolist()}
            for id_, (word, row) in enumerate(zip(words, matrix, strict=True))
        ]
        for part in (0, 1):
            table = pa.Table.from_pylist(rows[part::2][::-1], pa.schema(columns))
            pq.write_table(table, path / f"part-{part}.parquet")
    else:
        counts = np.arange(len(words), 0, -1)
        EXPORTS[form].write(path, [Block(words, counts, matrix)], *matrix.shape)
    return path


def random_vectors(seed: int, words: int = 80, dim: int = 6) -> dict[str, Any]:
    """Vectors of words such as w7 and, for every tenth, also of W7."""
    rng = np.random.default_rng(seed)
    names = [name for i in range(words) for name in ([f"w{i}", f"W{i}"] if i % 10 == 0 else [f"w{i}"])]
    return dict(zip(names, rng.normal(size=(len(names), dim)).astype(np.float32), strict=True))


def scores_by_name(content: dict[str, Any], run: int = 0) -> dict[str, dict[str, Any]]:
    """The scores of one run, by file and section."""
    scores = content["runs"][run]["scores"]
    return {":".join(filter(None, (score["file"], score["section"]))): score for score in scores}
