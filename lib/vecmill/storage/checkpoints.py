"""The parameters after each round: what training resumes from, and what its next round starts from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from vecmill.core.arrays import Doubles, Floats, Ids
from vecmill.core.blocks import blocks
from vecmill.storage.arrow_store import ArrowStore
from vecmill.storage.files import Files
from vecmill.storage.parquet import read_file
from vecmill.storage.schemas import BLOCKS, METRICS, arrow_schema
from vecmill.storage.store import Store
from vecmill.storage.task_table import ArrowMap, TaskTable

# The last round is what training resumes from; the one before it is kept in case the last is in doubt.
_KEPT = 2

# The columns of BLOCKS that say which block it is.
_HEAD = ("table", "first_row", "rows")


class Checkpoint(NamedTuple):
    """The result of one round in memory.

    parameters  every table by its name, (rows, columns) float32
    metrics     (workers, M) float64, in the order of the workers
    """

    parameters: dict[str, Floats]
    metrics: Doubles


def name(round_: int) -> str:
    """Where the parameters after round `round_` lie; rounds count from 1."""
    return f"model/round={round_}"


def block(table: str, first_row: int, values: Floats | Doubles) -> pa.RecordBatch:
    """Neighbouring rows (rows, columns) of a table as one row of BLOCKS."""
    row = {"table": table, "first_row": first_row, "rows": len(values), "values": values.tobytes()}
    return pa.RecordBatch.from_pylist([row], _ARROW_BLOCKS)


_ARROW_BLOCKS = arrow_schema(BLOCKS)


def blocks_of(table: str, values: Floats) -> Iterator[pa.RecordBatch]:
    """A whole table (rows, columns), block by block."""
    for rows in blocks(*values.shape):
        yield block(table, rows.start, values[rows.start : rows.stop])


def write(parameters: TaskTable, store: Store, round_: int) -> None:
    """Publish the checkpoint of a round from tasks that make its blocks."""
    store.write([parameters], name(round_), BLOCKS)


def write_frame(parameters: DataFrame, store: Store, round_: int) -> None:
    """The same from rows that Spark holds. Uncompressed: trained floats do not compress."""
    store.publish(store.stage_frame(parameters, name(round_), compression="none"), name(round_))


class TablesInFiles(NamedTuple):
    """The tables of a checkpoint for tasks that open its files, and read them when they need them."""

    folder: Path

    @property
    def value(self) -> dict[str, Floats]:
        """Every table by its name, (rows, columns) float32, read again at each access."""
        files = sorted(self.folder.glob("*.parquet"))
        heads = [batch for file in files for batch in read_file(str(file), list(_HEAD))]
        batches = (batch for file in files for batch in read_file(str(file)))
        return _assemble(heads, batches, None).parameters


def in_files(store: ArrowStore, round_: int) -> TablesInFiles:
    """The checkpoint of a round for tasks."""
    return TablesInFiles(store.folder / name(round_))


def read(store: Store, round_: int, only: Collection[str] | None = None) -> Checkpoint:
    """The checkpoint of a round, or some of its tables. Raises InputError if it does not exist.

    Takes the memory of the tables, and as much again while Spark collects them if tasks cannot open files.
    """
    if not store.tasks_open_files:
        batches = list(store.batches(name(round_), BLOCKS))
        return _assemble(batches, batches, only)
    heads = list(store.batches(name(round_), BLOCKS, _HEAD))
    return _assemble(heads, store.batches(name(round_), BLOCKS), only)


def read_rows(store: Store, round_: int, ids: Ids) -> Checkpoint:
    """Only the rows `ids` (rising) of every table of a checkpoint, and the metrics.

    The driver holds these rows alone, and one block at a time. Raises InputError if it does not exist.
    """
    select = rows_of(ids)
    if store.tasks_open_files:
        batches = list(select(store.batches(name(round_), BLOCKS)))
    else:
        chosen = store.frame(name(round_), BLOCKS).mapInArrow(select, BLOCKS)
        batches = chosen.toArrow().to_batches()
    return _assemble(batches, batches, None)


def rows_of(ids: Ids) -> ArrowMap:
    """BLOCKS -> BLOCKS of the rows `ids` (rising) alone, numbered by their places in `ids`, and METRICS."""

    def select(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in range(batch.num_rows):
                table, first, rows = (batch.column(column)[number].as_py() for column in _HEAD)
                if table == METRICS:
                    yield batch.slice(number, 1).select(BLOCKS.fieldNames())
                    continue
                begin, end = np.searchsorted(ids, (first, first + rows))
                if begin < end:
                    values = np.frombuffer(batch.column("values")[number].as_buffer(), np.float32)
                    yield block(table, int(begin), values.reshape(rows, -1)[ids[begin:end] - first])

    return select


def bounds(store: Store, round_: int, table: str) -> Ids:
    """The first row of every block of a table, rising: one number per block on the driver."""
    heads = pa.Table.from_batches(list(store.batches(name(round_), BLOCKS, _HEAD)))
    own = heads.filter(pc.equal(heads["table"], table))
    return np.sort(own["first_row"].to_numpy())


def _assemble(
    heads: Iterable[pa.RecordBatch], batches: Iterable[pa.RecordBatch], only: Collection[str] | None
) -> Checkpoint:
    """Tables put together from their blocks, which come in any order; `heads` has their columns _HEAD."""
    sizes: dict[str, int] = {}
    for head in heads:
        for table, first, rows in zip(*(head.column(column).to_pylist() for column in _HEAD), strict=True):
            sizes[table] = max(sizes.get(table, 0), first + rows)
    whole: dict[str, Floats] = {}
    of_workers: dict[int, Doubles] = {}
    for batch in batches:
        places = zip(*(batch.column(column).to_pylist() for column in _HEAD), strict=True)
        for (table, first, rows), values in zip(places, batch.column("values"), strict=True):
            if only is not None and table not in only:
                continue
            if table == METRICS:
                of_workers[first] = np.frombuffer(values.as_buffer(), np.float64)
                continue
            part = np.frombuffer(values.as_buffer(), np.float32).reshape(rows, -1)
            if table not in whole:
                whole[table] = np.empty((sizes[table], part.shape[1]), np.float32)
            whole[table][first : first + rows] = part
    # Workers without examples have no row.
    metrics = [of_workers[worker] for worker in sorted(of_workers)]
    return Checkpoint(whole, np.stack(metrics) if metrics else np.zeros((0, 0)))


def prune(files: Files, round_: int) -> None:
    """Delete the checkpoints that no run resumes from once round `round_` is recorded."""
    kept = {name(number) for number in range(round_ - _KEPT + 1, round_ + 1)}
    for found in files.names("model"):
        if found.startswith("round=") and f"model/{found}" not in kept:
            files.delete(f"model/{found}")
