"""The cost of pairs on a worker: to draw them, to convert them to Arrow, to write and to read them.

    python -m tests.bench.pairs --words 4000000

CPU of all threads in microseconds per word of the corpus, the least of some repeats; bytes per triple.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from tests.bench import text

from vecmill.core.rows import Rows
from vecmill.examples.pairs import PairSettings, Task, draw_task, rows_from_arrow, rows_to_arrow
from vecmill.storage import parquet
from vecmill.storage.schemas import PAIRS_BY


def drawn(of: text.Text) -> Iterator[Rows]:
    """The rows of the text block by block, as a task draws them."""
    offsets = np.append(0, of.ends).astype(np.int32)
    place = {name: np.zeros(len(of.ends), np.int32) for name in ("slice", "shard")}
    batch = pa.RecordBatch.from_pydict({**place, "ids": pa.ListArray.from_arrays(offsets, of.ids)})
    settings = PairSettings(text.WINDOW, text.NEGATIVES, seed=2)
    return (rows for _, rows in draw_task(iter([batch]), of.tables, settings, epoch=1))


def encoded(of: text.Text) -> Iterator[pa.RecordBatch]:
    """The same rows as Arrow batches."""
    return (rows_to_arrow(rows, 1, Task(0, 0)) for rows in drawn(of))


def triples(of: text.Text) -> int:
    """The number of triples (w, c, label) of the rows, with noise words that equal their centre."""
    return sum(len(rows.words) * (1 + text.NEGATIVES) for rows in drawn(of))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--words", type=int, default=2_000_000)
    parser.add_argument("--vocabulary", type=int, default=70_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    of = text.text(arguments.words, arguments.vocabulary, seed=1)

    def least(work: Callable[[], object]) -> float:
        spent = []
        for _ in range(arguments.repeats):
            started = time.process_time()
            work()
            spent.append(time.process_time() - started)
        return min(spent) / arguments.words * 1e6

    with tempfile.TemporaryDirectory() as folder:

        def write() -> Path:
            [report] = parquet.write(encoded(of), Path(folder), list(PAIRS_BY), "w")
            return Path(folder) / report["file"][0].as_py()

        file = write()
        steps = {
            "draw": lambda: list(map(len, drawn(of))),
            "draw and encode": lambda: sum(batch.num_rows for batch in encoded(of)),
            "draw, encode and write": write,
            "read": lambda: sum(
                len(rows_from_arrow(batch).centers) for batch in parquet.read_file(str(file))
            ),
        }
        for name, work in steps.items():
            print(f"{name:<24} {least(work):6.3f} us of CPU per word", flush=True)
        print(f"{'on disk':<24} {file.stat().st_size / triples(of):6.3f} bytes per triple")


if __name__ == "__main__":
    main()
