"""Averaging in the tasks of a round: training the rows of a shard, and merging the changes of shards."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import BinaryType, IntegerType, StringType, StructField, StructType

from vecmill.core.arrays import Doubles, Floats
from vecmill.core.blocks import blocks
from vecmill.core.kernels import Kernel, Tables
from vecmill.core.merging import MERGES
from vecmill.core.rows import Rows
from vecmill.core.schedule import Pace
from vecmill.core.shards import train_rows
from vecmill.models import Table
from vecmill.storage.checkpoints import block
from vecmill.storage.schemas import BLOCKS, METRICS, arrow_schema
from vecmill.storage.task_table import ArrowMap, TaskTable

# Converts the batches of a partition, which holds one shard, to the shard's number and its rows.
RowsOfTask = Callable[[Iterator[pa.RecordBatch]], Iterator[tuple[int, Rows]]]


class ShardTask(NamedTuple):
    """The settings of a task that trains one shard in one round.

    kernel         changes the shard's own copy of the tables in place
    threads        batches trained at once on that copy, without locks
    merges         by table: a name of `core.merging.MERGES`
    expected_rows  by shard: the approximate number of its rows, over which the learning rate falls
    """

    kernel: Kernel
    threads: int
    merges: Mapping[str, str]
    expected_rows: Mapping[int, float]
    pace: Pace


class TablesSource(Protocol):
    """The tables before a round: a broadcast, or an object that reads or computes them in a task."""

    @property
    def value(self) -> Tables:
        """Every table by its name, (rows, columns) float32."""


class StartTables(NamedTuple):
    """The tables before any training, computed from the seed."""

    tables: tuple[Table, ...]
    seed: int

    @property
    def value(self) -> dict[str, Floats]:
        """Every table by its name, (rows, columns) float32, computed again at each access."""
        return {table.name: table.start(range(table.rows), self.seed) for table in self.tables}


# The change of one block of rows by one shard; for the table METRICS, the metrics of the shard.
CHANGES = StructType(
    [
        StructField("table", StringType(), False),
        StructField("first_row", IntegerType(), False),
        StructField("shard", IntegerType(), False),
        StructField("rows", IntegerType(), False),
        StructField("values", BinaryType(), False),
    ]
)
_ARROW_CHANGES = arrow_schema(CHANGES)
_ARROW_BLOCKS = arrow_schema(BLOCKS)


def train_round(shards: TaskTable, rows_of: RowsOfTask, start: TablesSource, task: ShardTask) -> DataFrame:
    """One partition per shard -> BLOCKS: the parameters after the round, and one METRICS row per shard.

    Each task copies the tables, trains them on its rows and returns its changes by blocks of rows. Spark
    groups the changes of each block, and a task merges them. A single shard returns the tables themselves.
    A worker holds the model twice, and a few batches.
    """
    read = shards.read
    if len(task.expected_rows) == 1:
        alone = train_alone(rows_of, start, task)
        return shards.partitions.mapInArrow(lambda batches: alone(read(batches)), BLOCKS)
    train = train_shard(rows_of, start, task)
    return (
        shards.partitions.mapInArrow(lambda batches: train(read(batches)), CHANGES)
        .groupBy("table", "first_row")
        .applyInArrow(lambda _, changes: merge_block(changes, start.value, task.merges), BLOCKS)
    )


def train_alone(rows_of: RowsOfTask, start: TablesSource, task: ShardTask) -> ArrowMap:
    """The task of a single shard: a partition to BLOCKS, the tables after the round."""

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for changes in _train(batches, rows_of, start, task, lambda old, new: new):
            yield changes.drop_columns(["shard"])

    return work


def train_shard(rows_of: RowsOfTask, start: TablesSource, task: ShardTask) -> ArrowMap:
    """The task of one shard among several: a partition to CHANGES, one batch per block.

    All shards give their batches in the same order and METRICS last; a partition without rows gives none.
    """

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _train(batches, rows_of, start, task, lambda old, new: new - old)

    return work


def _train(
    batches: Iterator[pa.RecordBatch],
    rows_of: RowsOfTask,
    start: TablesSource,
    task: ShardTask,
    result: Callable[[Floats, Floats], Floats],
) -> Iterator[pa.RecordBatch]:
    """Train one shard; `result` computes the values of each block from its rows before and after."""
    started = time.process_time()
    numbered = rows_of(batches)
    first = next(numbered, None)
    if first is None:
        return
    shard = first[0]
    rows = (of_batch for _, of_batch in itertools.chain([first], numbered))
    base = start.value
    tables = {name: values.copy() for name, values in base.items()}
    metrics = train_rows(tables, rows, task.kernel, task.pace, task.expected_rows[shard], task.threads)
    for name, values in tables.items():
        for part in blocks(*values.shape):
            own = slice(part.start, part.stop)
            yield _change(name, part.start, shard, result(base[name][own], values[own]))
    spent = metrics._replace(cpu_seconds=time.process_time() - started)
    yield _change(METRICS, shard, shard, np.array([spent], np.float64))


def _change(table: str, first_row: int, shard: int, values: Floats | Doubles) -> pa.RecordBatch:
    change = {"table": table, "first_row": first_row, "shard": shard, "rows": len(values)}
    return pa.RecordBatch.from_pylist([{**change, "values": values.tobytes()}], _ARROW_CHANGES)


def merge_blocks(
    start: TablesSource, merges: Mapping[str, str]
) -> Callable[[Iterator[pa.Table]], Iterator[pa.Table]]:
    """The task that applies `merge_block` to one block after another."""

    def work(changes: Iterator[pa.Table]) -> Iterator[pa.Table]:
        base = start.value
        return (merge_block(of_block, base, merges) for of_block in changes)

    return work


def merge_block(changes: pa.Table, base: Tables, merges: Mapping[str, str]) -> pa.Table:
    """CHANGES of one block -> BLOCKS: `base` plus the merged changes; METRICS are not merged."""
    # The changes come in any order, and floating-point sums depend on it.
    changes = changes.sort_by("shard")
    name, first_row = changes["table"][0].as_py(), changes["first_row"][0].as_py()
    if name == METRICS:
        # Spark's columns may hold nulls, and all batches of a task need one schema.
        return changes.drop_columns(["shard"]).cast(_ARROW_BLOCKS)
    old = base[name][first_row : first_row + changes["rows"][0].as_py()]
    buffers = (value.as_buffer() for value in changes["values"])
    merge = MERGES[merges[name]]
    new = old + merge([np.frombuffer(b, np.float32).reshape(old.shape) for b in buffers])
    return pa.Table.from_batches([block(name, first_row, new)])
