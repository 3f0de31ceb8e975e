"""How the parameters of a round come to its tasks, and how what the tasks changed comes together."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pyspark import Broadcast
from pyspark.sql import DataFrame

from vecmill.core.kernels import Tables
from vecmill.storage import batch_files, checkpoints, tables
from vecmill.storage.checkpoints import Checkpoint, MetricsTable
from vecmill.storage.files import Folder, local_path
from vecmill.storage.schemas import METRICS
from vecmill.storage.task_files import TaskTable
from vecmill.training.averaging.worker import (
    Initial,
    Model,
    Round,
    TaskRows,
    merging,
    train_round,
    training,
    training_alone,
)

_CHANGES = f"{tables.STAGING}/changes"


class Mover(Protocol):
    """Rounds are told by their numbers; 0 is the model before the first."""

    def train(self, partitions: DataFrame, rows_of: TaskRows, task: Round, number: int) -> None:
        """Train round `number`, a partition a shard, and publish its checkpoint."""

    def model(self, number: int) -> Tables:
        """The tables after a round, on the driver."""

    def metrics(self, number: int) -> MetricsTable:
        """The METRICS of a round's shards."""


def mover(folder: Folder, initial: Initial) -> Mover:
    """By files where tasks can open them, and by Spark elsewhere."""
    here = local_path(folder.qualified(_CHANGES))
    return Broadcasts(folder, initial) if here is None else Files(folder, initial, here)


class Files:
    """Tasks read the last checkpoint and leave what they changed in files, which other tasks merge.

    Nothing of the model passes through Java, and the driver holds none of it but what it is asked for.
    """

    def __init__(self, folder: Folder, initial: Initial, changes: Path) -> None:
        self._folder, self._initial, self._changes = folder, initial, changes

    def train(self, partitions: DataFrame, rows_of: TaskRows, task: Round, number: int) -> None:
        """Train round `number`, a partition a shard, and publish its checkpoint."""
        model = self._before(number)
        if len(task.expected_rows) == 1:
            alone = TaskTable(partitions, training_alone(rows_of, model, task))
            checkpoints.write_by_tasks(alone, self._folder, number)
            return
        self._folder.delete(_CHANGES)
        self._changes.mkdir(parents=True)
        of_shards = TaskTable(partitions, training(rows_of, model, task))
        left = batch_files.leave(of_shards, self._changes)
        merged = batch_files.gather(self._folder.spark, left, merging(model, task.merge))
        checkpoints.write_by_tasks(merged, self._folder, number)
        self._folder.delete(_CHANGES)

    def _before(self, number: int) -> Model:
        last = checkpoints.stored(self._folder, number - 1) if number > 1 else None
        return last or self._initial

    def model(self, number: int) -> Tables:
        """The tables after a round, read anew."""
        return checkpoints.read(self._folder, number).parameters if number else self._initial.value

    def metrics(self, number: int) -> MetricsTable:
        """The METRICS of a round's shards."""
        return checkpoints.read(self._folder, number, only=[METRICS]).metrics


class Broadcasts:
    """The model goes out by broadcast, and Spark brings together what the tasks changed.

    The driver holds the model twice, as an array and as the pickle that is broadcast.
    """

    def __init__(self, folder: Folder, initial: Initial) -> None:
        self._folder, self._initial = folder, initial
        self._last: tuple[int, Checkpoint] | None = None

    def train(self, partitions: DataFrame, rows_of: TaskRows, task: Round, number: int) -> None:
        """Train round `number`, a partition a shard, and publish its checkpoint."""
        broadcast: Broadcast[Tables] = self._folder.spark.sparkContext.broadcast(self.model(number - 1))
        try:
            result = train_round(partitions, rows_of, broadcast, task)
            checkpoints.write(result, self._folder, number)
        finally:
            broadcast.destroy()

    def model(self, number: int) -> Tables:
        """The tables after a round, which stay in memory until another is asked for."""
        return self._after(number).parameters if number else self._initial.value

    def metrics(self, number: int) -> MetricsTable:
        """The METRICS of a round's shards."""
        return self._after(number).metrics

    def _after(self, number: int) -> Checkpoint:
        if self._last is None or self._last[0] != number:
            self._last = None
            self._last = number, checkpoints.read(self._folder, number)
        return self._last[1]
