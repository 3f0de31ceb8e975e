"""A small run directory, with the files and tables that the stages write."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vecmill.evaluation import word_lists

DIM = 12

WORDS = list(
    dict.fromkeys(
        [
            "the",
            *word_lists.FAMILIAR_WORDS,
            *(word for analogy in word_lists.ANALOGIES for word in analogy),
            *(word for pair in word_lists.GENDER_PAIRS for word in pair),
            *(word for family in word_lists.COMPARATIVES for word in family),
            *(word for family in word_lists.CAPITALS for word in family),
            *word_lists.OCCUPATIONS,
        ]
    )
)

SCORES = [
    {
        "file": "questions.txt",
        "section": None,
        "kind": "analogies",
        "measure": "3CosAdd",
        "score": 0.375,
        "figures": {"3CosAdd": 0.375, "3CosMul": 0.5},
        "interval": None,
        "asked": 20,
        "unknown": 4,
        "scored": 16,
    },
    {
        "file": "weat.json",
        "section": "WEAT 6",
        "kind": "word-sets",
        "measure": "effect size",
        "score": 1.25,
        "figures": {"effect size": 1.25, "p": 0.0125},
        "interval": None,
        "asked": 32,
        "unknown": 0,
        "scored": 32,
        "about": "male and female names, career and family",
    },
]


def metrics_line(number: int, loss: float) -> dict[str, Any]:
    return {
        "epoch": number,
        "round": number,
        "words": 1000,
        "loss": loss,
        "held_out_loss": loss + 0.1,
        "learning_rate": 0.05 / number,
        "words_per_second": 500,
    }


def write_tables(root: Path, words: Sequence[str], dim: int = DIM) -> None:
    counts = np.maximum(10_000 // np.arange(1, len(words) + 1), 5)
    vectors = np.random.default_rng(1).normal(size=(len(words), dim)).astype(np.float32)
    ids = pa.array(np.arange(len(words)), pa.int32())
    shared = {"id": ids, "word": pa.array(words), "count": pa.array(counts)}
    noise = counts**0.75 / (counts**0.75).sum()
    vocabulary = {**shared, "keep_probability": np.minimum(1, 50 / counts), "noise_probability": noise}
    vector = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), dim).cast(pa.list_(pa.float32()))
    for name, columns in (("vocabulary", vocabulary), ("vectors", {**shared, "vector": vector})):
        (root / name).mkdir(parents=True)
        pq.write_table(pa.table(columns), root / name / "part-0.parquet")


def write_run(root: Path, words: Sequence[str] = WORDS, dim: int = DIM) -> Path:
    """A finished and evaluated run at `root`, with metrics of three rounds."""
    write_tables(root, words, dim)
    done = {"state": "done", "seconds": 2.0, "finished": "2026-01-01T00:00:00Z"}
    record = {
        "stages": {
            "tokenize": {**done, "documents": 7, "tokens": 200_000},
            "vocabulary": {**done, "words": len(words)},
            "texts": {**done, "words": 1000},
            "pairs": {**done, "epochs": [1, 2, 3], "rows": 900},
            "train": {**done, "round": 3, "rounds": 3, "words": 3000, "loss": 2.5},
            "export": {**done, "words": len(words), "dim": dim},
        },
        "model": {"kind": "sgns", "title": "skip-gram with negative sampling"},
        "configuration": {
            "input": {"path": "books/bible.txt", "format": "text"},
            "train": {"dim": dim, "epochs": 3, "seed": 7},
        },
        "seed": 7,
        "versions": {"vecmill": "0.1.0", "spark": "4.3.0"},
        "input": {"files": 1, "bytes": 5000, "fingerprint": "abc123"},
    }
    (root / "run.json").write_text(json.dumps(record))
    lines = [json.dumps(metrics_line(number, 3.0 - number / 10)) for number in (1, 2, 3)]
    (root / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    evaluation = {"settings": {"unknown": "left out"}, "runs": [{"name": "run", "scores": SCORES}]}
    (root / "evaluation.json").write_text(json.dumps(evaluation))
    return root


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


@pytest.fixture
def edit_record(run: Path) -> Callable[[Callable[[dict[str, Any]], object]], None]:
    """Change run.json in place."""

    def edit(change: Callable[[dict[str, Any]], object]) -> None:
        record = json.loads((run / "run.json").read_text())
        change(record)
        (run / "run.json").write_text(json.dumps(record))

    return edit


@pytest.fixture
def without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without the extra `viz`."""
    # None in sys.modules makes the import fail.
    monkeypatch.setitem(__import__("sys").modules, "sklearn.manifold", None)
