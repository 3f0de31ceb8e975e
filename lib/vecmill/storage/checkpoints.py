"""Checkpoints: the parameters and metrics after each round, from which the next one starts or resumes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from vecmill.core.arrays import Doubles, Floats, Ids
from vecmill.core.blocks import blocks
from vecmill.storage.arrow_store import ArrowStore
from vecmill.storage.parquet import read_file
from vecmill.storage.schemas import BLOCKS, METRICS, arrow_schema
from vecmill.storage.store import Store
from vecmill.storage.task_table import ArrowMap, TaskTable

# Training resumes from the last round; the one before it is kept as a reserve.
_KEPT = 2

# The columns of BLOCKS that identify a block.
_HEAD = ("table", "first_row", "rows")


class Checkpoint(NamedTuple):
    """The result of one round in memory.

    parameters  every table by its name, (rows, columns) float32
    metrics     (workers, M) float64, in the order of the workers; those without examples have no row
    """

    parameters: dict[str, Floats]
    metrics: Doubles


def name(round_: int) -> str:
    """The name of the table that holds the checkpoint of a round; rounds count from 1."""
    return f"model/round={round_}"


def block(table: str, first_row: int, values: Floats | Doubles) -> pa.RecordBatch:
    """The rows of a table from `first_row` on, (rows, columns), as one row of BLOCKS."""
    row = {"table": table, "first_row": first_row, "rows": len(values), "values": values.tobytes()}
    return pa.RecordBatch.from_pylist([row], _ARROW_BLOCKS)


_ARROW_BLOCKS = arrow_schema(BLOCKS)


def blocks_of(table: str, values: Floats) -> Iterator[pa.RecordBatch]:
    """A whole table (rows, columns) as rows of BLOCKS."""
    for rows in blocks(*values.shape):
        yield block(table, rows.start, values[rows.start : rows.stop])


def write(parameters: TaskTable, store: Store, round_: int) -> None:
    """Write and publish the checkpoint of a round from the tasks that compute its blocks."""
    store.write([parameters], name(round_), BLOCKS)


def write_frame(parameters: DataFrame, store: Store, round_: int) -> None:
    """The same from rows of Spark."""
    store.publish(store.stage_frame(parameters, name(round_), options=_BY_SPARK), name(round_))


_BY_SPARK = {
    # Trained floats do not compress.
    "compression": "none",
    # A page per block. Readers hold a whole page, and Spark would put a hundred blocks into one.
    "parquet.page.size.row.check.min": "1",
    "parquet.page.size.row.check.max": "1",
    "parquet.page.size.check.estimate": "false",
}


class TablesInFiles(NamedTuple):
    """The tables of a checkpoint for tasks that open its files: small to send, read on access."""

    folder: Path

    @property
    def value(self) -> dict[str, Floats]:
        """Every table by its name, (rows, columns) float32, read again at each access."""
        files = sorted(self.folder.glob("*.parquet"))
        heads = (batch for file in files for batch in read_file(str(file), list(_HEAD)))
        batches = (batch for file in files for batch in read_file(str(file)))
        return _assemble(heads, batches, None).parameters


def in_files(store: ArrowStore, round_: int) -> TablesInFiles:
    """The checkpoint of a round for tasks."""
    return TablesInFiles(store.folder / name(round_))


def read(store: Store, round_: int, only: Collection[str] | None = None) -> Checkpoint:
    """The checkpoint of a round, or only some of its tables. Raises InputError if it does not exist.

    Takes the memory of the tables; twice as much if tasks cannot open files, while Spark collects them.
    """
    if not store.tasks_open_files:
        batches = list(store.batches(name(round_), BLOCKS))
        return _assemble(batches, batches, only)
    heads = list(store.batches(name(round_), BLOCKS, _HEAD))
    return _assemble(heads, store.batches(name(round_), BLOCKS), only)


def read_rows(store: Store, round_: int, ids: Ids) -> Checkpoint:
    """The rows `ids` (ascending) of every table of a checkpoint, and the metrics.

    The driver holds these rows and a few blocks at a time. Raises InputError if the checkpoint does not
    exist.
    """
    select = rows_of(ids)
    if store.tasks_open_files:
        batches = list(select(store.batches(name(round_), BLOCKS)))
    else:
        selected = store.frame(name(round_), BLOCKS).mapInArrow(select, BLOCKS)
        batches = selected.toArrow().to_batches()
    return _assemble(batches, batches, None)


def rows_of(ids: Ids) -> ArrowMap:
    """BLOCKS -> BLOCKS of the rows `ids` (ascending), numbered by their positions in `ids`, and METRICS."""

    def select(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for table, first, values in _blocks_in(batch):
                if table == METRICS:
                    # Copied, or it would keep the memory of the whole batch.
                    yield block(table, first, values)
                    continue
                begin, end = np.searchsorted(ids, (first, first + len(values)))
                if begin < end:
                    yield block(table, int(begin), values[ids[begin:end] - first])

    return select


def _blocks_in(batch: pa.RecordBatch) -> Iterator[tuple[str, int, Floats | Doubles]]:
    """Of each block in a batch of BLOCKS: its table, first row and values (rows, columns), not copied."""
    heads = zip(*(batch.column(column).to_pylist() for column in _HEAD), strict=True)
    for (table, first, rows), values in zip(heads, batch.column("values"), strict=True):
        buffer = values.as_buffer()
        if table == METRICS:
            yield table, first, np.frombuffer(buffer, np.float64).reshape(rows, -1)
        else:
            yield table, first, np.frombuffer(buffer, np.float32).reshape(rows, -1)


def bounds(store: Store, round_: int, table: str) -> Ids:
    """The first row of every block of a table (blocks,), ascending. Raises InputError as `read` does."""
    heads = [head for batch in store.batches(name(round_), BLOCKS, _HEAD) for head in batch.to_pylist()]
    first_rows = [head["first_row"] for head in heads if head["table"] == table]
    return np.sort(np.array(first_rows, np.int32))


def _assemble(
    heads: Iterable[pa.RecordBatch], batches: Iterable[pa.RecordBatch], only: Collection[str] | None
) -> Checkpoint:
    """The tables of blocks that come in any order; `heads` has the columns _HEAD of the same blocks."""
    sizes: dict[str, int] = {}
    for head in heads:
        for table, first, rows in zip(*(head.column(column).to_pylist() for column in _HEAD), strict=True):
            sizes[table] = max(sizes.get(table, 0), first + rows)
    parameters: dict[str, Floats] = {}
    of_workers: dict[int, Doubles] = {}
    for batch in batches:
        for table, first, values in _blocks_in(batch):
            if only is not None and table not in only:
                continue
            if table == METRICS:
                of_workers[first] = np.array(values[0], np.float64)
                continue
            if table not in parameters:
                parameters[table] = np.empty((sizes[table], values.shape[1]), np.float32)
            parameters[table][first : first + len(values)] = values
    metrics = [of_workers[worker] for worker in sorted(of_workers)]
    return Checkpoint(parameters, np.stack(metrics) if metrics else np.zeros((0, 0)))


def prune(store: Store, round_: int) -> None:
    """Delete the checkpoints that no run resumes from once round `round_` is recorded."""
    kept = {name(number) for number in range(round_ - _KEPT + 1, round_ + 1)}
    for found in store.files.names("model"):
        if found.startswith("round=") and f"model/{found}" not in kept:
            store.files.delete(f"model/{found}")
            store.digests.pop(f"model/{found}", None)
