"""Valid files of every format that is read, and how they are read."""

from __future__ import annotations

import io
import json
import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.evaluation import score_table, scores, word_tests
from vecmill.evaluation.score_table import RunScores
from vecmill.report import page, reading, report_data
from vecmill.vectors import sources
from vecmill.vectors.formats import EXPORTS, Block, Vectors
from vecmill.vectors.word_vectors import WordVectors

WORDS = [
    *("the", "of", "king", "queen", "man", "woman", "café", "ördek", "he", "she", "Hot", "hot", "cold"),
    *("k\N{LATIN SMALL LETTER DOTLESS I}r", "kir", "a-b", "1999", "don't", "bread", "music", "water", "😀"),
    *("war", "joy", "red", "doctor"),
]
DIM = 5
VECTORS = np.random.default_rng(1).normal(size=(len(WORDS), DIM)).astype(np.float32).round(3)
RULES = scores.Rules(restrict=20)


class Subject(NamedTuple):
    """A kind of input.

    files  content by name, below the folder of a case
    read   reads them in that folder; raises VecmillError, or AssertionError for a value that cannot be
    """

    name: str
    files: dict[str, bytes]
    read: Callable[[Path], object]


def subjects() -> list[Subject]:
    """All kinds of input."""
    logging.disable(logging.CRITICAL)
    return [*_vectors(), *_tables(), *_tests(), *_run_files()]


def _vectors() -> Iterator[Subject]:
    for form in ("word2vec-text", "word2vec-binary", "npy", "safetensors"):
        name = EXPORTS[form].file_name
        yield Subject(form, _exported(form), lambda folder, name=name: check(_load(folder / name)))
    npy = EXPORTS["npy"].file_name
    yield Subject(
        "npy, not mapped", _exported("npy"), lambda folder: check(sources.read(str(folder / npy)))
    )
    rows = zip(WORDS, VECTORS.tolist(), strict=True)
    glove = "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in rows)
    yield Subject("GloVe text", {"g": glove.encode()}, lambda folder: check(_load(folder / "g")))
    c_text = f"{len(WORDS)} {DIM}\r\n" + glove.replace("\n", " \r\n")
    yield Subject("word2vec.c text", {"v": c_text.encode()}, lambda folder: check(_load(folder / "v")))


def _exported(form: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        block = Block(WORDS, range(len(WORDS), 0, -1), VECTORS)
        written = EXPORTS[form].write(Path(folder) / EXPORTS[form].file_name, [block], *VECTORS.shape)
        return {path.name: path.read_bytes() for path in written}


def _load(path: Path) -> Vectors:
    return sources.read_or_map(str(path))


def _tables() -> Iterator[Subject]:
    ids = pa.array(range(len(WORDS)), pa.int32())
    vectors = pa.array(VECTORS.tolist(), pa.list_(pa.float32()))
    table = pa.table({"id": ids, "word": WORDS, "count": list(range(len(WORDS), 0, -1)), "vector": vectors})
    few = sources.select(3, ["KING", "café", "kir"], ignore_case=True)
    parts = {f"vectors/part-{n}.parquet": _parquet(table[n::2]) for n in (0, 1)}
    plain = {"v.parquet": _parquet(table, compression="none", use_dictionary=False)}
    yield Subject("Parquet file", plain, lambda folder: check(_load(folder / "v.parquet")))
    yield Subject("Parquet folder", parts, lambda folder: check(sources.read(str(folder), selection=few)))


def _parquet(table: pa.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def check(vectors: Vectors) -> None:
    """Every word has a row, is text and can be asked for."""
    words, rows = vectors
    assert rows.ndim == 2
    assert len(words) == len(rows)
    assert len(set(words)) == len(words)
    assert all(isinstance(word, str) and word.encode() is not None for word in words)
    if words:
        assert len(WordVectors(words, rows).similar(words[0], 3)) <= 3


TESTS = {
    "similarity": {
        "pairs.tsv": "word1\tword2\tSimLex999\nking\tqueen\t8.6\nman\twoman\t8.3\ncafé\tred\t1\n",
        "pairs.csv": '"king","queen",8\n"man","woman",7\n"New York","war",3\n',
        "spreadsheet.csv": "Wort1;Wort2;Wert\r\nking;queen;8,5\r\nman;woman;7,25\r\n",
        "pairs.txt": "# rated\nking queen 8\nman woman 7\nhot cold 5\n",
    },
    "analogies": {
        "questions.txt": ": family\nking queen man woman\nhe she man woman\n: other\nhot cold war joy\n",
        "msr.txt": "king queen man NN_NN woman\nhot cold war JJ_JJR joy\n",
    },
    "odd one out": {
        "888.txt": "king\nqueen\nman\n\nwater\nbread\n",
        "lines.txt": "king queen man water\nhot cold red joy bread\n",
    },
    "categories": {
        "categories.tsv": "word\tcategory\nking\troyal\nqueen\troyal\nwater\tdrink\nbread\tfood\n"
    },
    "word sets": {
        "weat.json": json.dumps(
            {
                "math": ["king", "queen", "1999"],
                "arts": ["music", "café"],
                "male_terms": ["he", "man"],
                "female_terms": ["she", "woman"],
                "mine": {"targets": ["math", ["war", "joy"]], "attributes": [["he"], ["she"]]},
            },
            indent=1,
        )
    },
}


def _tests() -> Iterator[Subject]:
    for kind, files in TESTS.items():
        for name, text in files.items():
            file = {name: text.encode()}
            yield Subject(f"{kind}: {name}", file, lambda folder, name=name: _score(folder / name))


def _score(path: Path) -> None:
    test = word_tests.read(path)
    runs = [RunScores("run", scores.score_tests([test], Vectors(WORDS, VECTORS), RULES))]
    assert score_table.json_text(score_table.to_json(runs, RULES)).encode()
    assert "\n".join(score_table.format_tables(runs, RULES)).encode()


def _run_files() -> Iterator[Subject]:
    done = {"state": "done", "seconds": 2.5, "finished": "2026-01-01T00:00:00Z"}
    record = {
        "stages": {
            "tokenize": {**done, "documents": 7, "tokens": 200_000},
            "texts": {**done, "words": 1000},
            "pairs": {**done, "epochs": [1, 2, 3]},
            "train": {**done, "state": "running", "round": 2, "rounds": 3, "words": 3000, "loss": 2.5},
        },
        "model": {"kind": "sgns", "title": "skip-gram with negative sampling"},
        "configuration": {"input": {"path": "a.txt"}, "train": {"dim": DIM, "epochs": 3}},
        "seed": 7,
        "versions": {"vecmill": "0.1.0"},
        "input": {"files": 1, "bytes": 5000, "fingerprint": "abc"},
    }
    line = {"epoch": 1, "words": 1000, "loss": 2.5, "held_out_loss": 2.6, "learning_rate": 0.05}
    rounds = [{**line, "round": number, "words_per_second": 500 * number} for number in (1, 2, 3)]
    score = scores.Score("p.tsv", "", "similarity", {"Spearman": 0.5, "Pearson": 0.4}, (0.1, 0.9), 9, 1, 8)
    weat = scores.Score(
        "w.json", "WEAT 6", "word-sets", {"effect size": 1.25, "p": 0.01}, None, 9, 1, 8, "a", ("b",)
    )
    evaluation = score_table.to_json([RunScores("run", [score, weat])], RULES)
    files = {
        "run.json": json.dumps(record, indent=1).encode(),
        "metrics.jsonl": "".join(json.dumps(one) + "\n" for one in rounds).encode(),
        "evaluation.json": json.dumps(evaluation, indent=1).encode(),
    }
    for name in files:
        ordered = {name: files[name], **files}
        yield Subject(f"report: {name}", ordered, _render)


def _render(folder: Path) -> None:
    report = report_data.collect_run(reading.opened(str(folder), None), ())
    assert page.render(report).encode()
