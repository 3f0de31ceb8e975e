"""The parameters after each round: what a run goes on from, and where its next round finds them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from vecmill.storage import shard_files, tables, task_files
from vecmill.storage.files import Folder, local_path
from vecmill.storage.schemas import BLOCKS, METRICS
from vecmill.storage.task_files import TaskTable

# The last round is what a run goes on from; the one before it is there should a person doubt it.
_KEPT = 2

# What tells a block from others, and how many rows of its table it holds.
_HEAD = ("table", "block", "rows")

MetricsTable = npt.NDArray[np.float64]


class Checkpoint(NamedTuple):
    """One round's result in memory: the whole model, and a row of numbers a shard.

    parameters  every table by its name, (V, D) float32
    metrics     (shards, M) float64, in the order of the shards
    """

    parameters: dict[str, npt.NDArray[np.float32]]
    metrics: MetricsTable


def name(round_: int) -> str:
    """Where the parameters after round `round_` lie; rounds count from 1."""
    return f"model/round={round_}"


def write(blocks: DataFrame, folder: Folder, round_: int) -> None:
    """BLOCKS -> the checkpoint of a round. Uncompressed: floats that were trained do not compress."""
    tables.write(blocks, folder, name(round_), compression="none")


def write_by_tasks(blocks: TaskTable, folder: Folder, round_: int) -> None:
    """The same, written by the tasks that make the blocks."""
    folder.publish(task_files.stage([blocks], folder, name(round_), BLOCKS).place, name(round_))


class Stored(NamedTuple):
    """The tables of a checkpoint for tasks that can open its files, which read them when they need them."""

    folder: Path

    @property
    def value(self) -> dict[str, npt.NDArray[np.float32]]:
        """Every table by its name, (V, D) float32, read anew."""
        return _from_files(self.folder).parameters


def stored(folder: Folder, round_: int) -> Stored | None:
    """The checkpoint of a round as tasks can open it; None where they cannot."""
    local = local_path(folder.qualified(name(round_)))
    return None if local is None else Stored(local)


def read(folder: Folder, round_: int, only: Collection[str] | None = None) -> Checkpoint:
    """The checkpoint of a round, or some of its tables. Raises InputError where there is none.

    Takes the memory of one model, twice while it is put together where files cannot be opened here.
    """
    tables.check_exists(folder, name(round_))
    there = stored(folder, round_)
    if there is None:
        return assemble(tables.collect(folder, name(round_), BLOCKS), only)
    return _from_files(there.folder, only)


def assemble(rows: pa.Table, only: Collection[str] | None = None) -> Checkpoint:
    """Rows of BLOCKS, in any order, as what they hold; blocks that are not there leave no gap."""
    return _assemble(rows, rows.to_batches(), only)


def _from_files(folder: Path, only: Collection[str] | None = None) -> Checkpoint:
    files, heads = sorted(folder.glob("*.parquet")), []
    for file in files:
        with pq.ParquetFile(file) as parquet:
            tables.check_names(parquet.schema_arrow.names, BLOCKS, str(file))
            heads.append(parquet.read(columns=list(_HEAD)))
    if not files:
        return Checkpoint({}, np.zeros((0, 0)))
    batches = itertools.chain.from_iterable(shard_files.read_file(str(file)) for file in files)
    return _assemble(pa.concat_tables(heads), batches, only)


def _assemble(
    heads: pa.Table, batches: Iterable[pa.RecordBatch], only: Collection[str] | None
) -> Checkpoint:
    """Tables put together block by block; `heads` has the columns _HEAD of all blocks."""
    sizes: dict[str, int] = {}
    begins: dict[tuple[str, int], int] = {}
    for table, block, rows in sorted(zip(*(heads[column].to_pylist() for column in _HEAD), strict=True)):
        begins[table, block] = sizes.get(table, 0)
        sizes[table] = begins[table, block] + rows
    whole: dict[str, npt.NDArray[Any]] = {}
    for batch in batches:
        places = zip(*(batch.column(column).to_pylist() for column in _HEAD), strict=True)
        for (table, block, rows), values in zip(places, batch.column("values"), strict=True):
            if only is not None and table not in only:
                continue
            kind = np.float64 if table == METRICS else np.float32
            part = np.frombuffer(values.as_buffer(), kind).reshape(rows, -1)
            if table not in whole:
                whole[table] = np.empty((sizes[table], part.shape[1]), kind)
            whole[table][begins[table, block] : begins[table, block] + rows] = part
    return Checkpoint(whole, whole.pop(METRICS, np.zeros((0, 0))))


def prune(folder: Folder, round_: int) -> None:
    """Remove the checkpoints that no run will go on from once round `round_` is recorded."""
    kept = {name(number) for number in range(round_ - _KEPT + 1, round_ + 1)}
    for found in folder.names("model"):
        if found.startswith("round=") and f"model/{found}" not in kept:
            folder.delete(f"model/{found}")
