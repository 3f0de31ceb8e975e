"""Sending parameters to the tasks of a round of averaging, and merging the changes."""

from __future__ import annotations

from typing import Protocol

from pyspark import Broadcast

from vecmill.core.arrays import Ids
from vecmill.core.kernels import Tables
from vecmill.storage import batch_files, checkpoints
from vecmill.storage.arrow_store import ArrowStore
from vecmill.storage.checkpoints import Checkpoint
from vecmill.storage.store import Store
from vecmill.storage.task_table import TaskTable
from vecmill.training.averaging.worker import (
    RowsOfTask,
    ShardTask,
    StartTables,
    TablesSource,
    merge_blocks,
    train_alone,
    train_round,
    train_shard,
)


class Parameters(Protocol):
    """The parameters of a run, before and after each of its rounds. Rounds count from 1."""

    def train(self, shards: TaskTable, rows_of: RowsOfTask, task: ShardTask, number: int) -> None:
        """Train round `number`, one partition per shard, and publish its checkpoint."""

    def rows_after(self, number: int, ids: Ids) -> Checkpoint:
        """The rows `ids` (rising) of every table after round `number`, and its metrics."""


def parameters_of(store: Store, start: StartTables) -> Parameters:
    """In files if tasks can open the files of the store, else by Spark."""
    return (
        ParametersInFiles(store, start)
        if isinstance(store, ArrowStore)
        else ParametersBySpark(store, start)
    )


class ParametersInFiles:
    """Tasks read the last checkpoint and write their changes to files, which other tasks merge.

    No part of the model passes through Java, and the driver holds only requested rows.
    """

    def __init__(self, store: ArrowStore, start: StartTables) -> None:
        self._store, self._start = store, start
        self._changes = f"{store.staging}/changes"

    def train(self, shards: TaskTable, rows_of: RowsOfTask, task: ShardTask, number: int) -> None:
        """See Parameters."""
        before: TablesSource = self._start
        if number > 1:
            before = checkpoints.in_files(self._store, number - 1)
        read = shards.read
        if len(task.expected_rows) == 1:
            alone = train_alone(rows_of, before, task)
            trained = TaskTable(shards.partitions, lambda batches: alone(read(batches)))
            checkpoints.write(trained, self._store, number)
            return
        changes = self._store.folder / self._changes
        self._store.files.delete(self._changes)
        changes.mkdir(parents=True)
        train = train_shard(rows_of, before, task)
        of_shards = TaskTable(shards.partitions, lambda batches: train(read(batches)))
        left = batch_files.leave(of_shards, changes)
        merged = batch_files.gather(self._store.spark, left, merge_blocks(before, task.merges))
        checkpoints.write(merged, self._store, number)
        self._store.files.delete(self._changes)

    def rows_after(self, number: int, ids: Ids) -> Checkpoint:
        """See Parameters."""
        return checkpoints.read_rows(self._store, number, ids)


class ParametersBySpark:
    """The model is broadcast, and Spark shuffles the changes of the tasks.

    The driver holds the model twice, as arrays and as the broadcast pickle.
    """

    def __init__(self, store: Store, start: StartTables) -> None:
        self._store, self._start = store, start
        self._last: tuple[int, Checkpoint] | None = None

    def train(self, shards: TaskTable, rows_of: RowsOfTask, task: ShardTask, number: int) -> None:
        """See Parameters."""
        before = self._after(number - 1).parameters if number > 1 else self._start.value
        broadcast: Broadcast[Tables] = self._store.spark.sparkContext.broadcast(before)
        try:
            result = train_round(shards, rows_of, broadcast, task)
            checkpoints.write_frame(result, self._store, number)
        finally:
            broadcast.destroy()

    def rows_after(self, number: int, ids: Ids) -> Checkpoint:
        """See Parameters."""
        whole = self._after(number)
        return Checkpoint({name: table[ids] for name, table in whole.parameters.items()}, whole.metrics)

    def _after(self, number: int) -> Checkpoint:
        """The checkpoint of a round, kept until that of another round is read."""
        if self._last is None or self._last[0] != number:
            self._last = None
            self._last = number, checkpoints.read(self._store, number)
        return self._last[1]
