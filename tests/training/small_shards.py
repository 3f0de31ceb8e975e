"""Three small shards, and a task that trains them, for tests of averaging."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from vecmill import models
from vecmill.core.arrays import Floats
from vecmill.core.rows import Rows, concatenate
from vecmill.core.sampling import alias_table
from vecmill.core.schedule import Pace
from vecmill.core.shards import BATCH_ROWS
from vecmill.core.windows import draw_rows
from vecmill.examples.pairs import Task, rows_to_arrow
from vecmill.models import Size
from vecmill.storage.schemas import PAIRS
from vecmill.storage.task_table import TaskTable
from vecmill.training.averaging.worker import ShardTask

# Each table has three blocks: 2,621 rows of 100 columns make a mebibyte.
SIZE = Size(words=6000, dim=100)
MODEL = models.build("sgns", {})
# One shard has more rows than a batch, two have fewer; none has a multiple of the kernel's steps.
ROWS_OF_SHARD = {0: BATCH_ROWS + 901, 1: 2500, 2: 700}


def random_rows(count: int, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    ids = np.minimum(rng.zipf(1.3, count), SIZE.words).astype(np.int32) - 1
    return concatenate(
        [
            *draw_rows(
                ids,
                np.array([count]),
                keep=np.ones(SIZE.words, np.float32),
                noise=alias_table(np.ones(SIZE.words)),
                window=2,
                negatives=2,
                rng=rng,
            )
        ]
    )


ROWS = {shard: random_rows(count, seed=shard) for shard, count in ROWS_OF_SHARD.items()}


def tables_before() -> dict[str, Floats]:
    """The tables of the model as if they had been trained before."""
    tables = MODEL.start(SIZE, seed=9)
    tables["C"] += np.random.default_rng(8).normal(0, 0.1, tables["C"].shape).astype(np.float32)
    return tables


def shard_task(**changed: Any) -> ShardTask:
    """The second quarter of a training that expects fewer rows of each shard than it has."""
    return ShardTask(
        **{
            "kernel": MODEL.kernels["numpy"],
            "threads": 1,
            "merges": {"W": "mean", "C": "mean"},
            "expected_rows": {shard: 0.9 * count for shard, count in ROWS_OF_SHARD.items()},
            "pace": Pace(0.25, 0.5, learning_rate=0.04, min_rate=0.0001),
            **changed,
        }
    )


def trained_by_hand(rows: Rows) -> tuple[dict[str, Floats], float]:
    """The tables after the rows of one shard, and the loss. The rates follow the rule in plain words."""
    count = len(rows.centers)
    shares = [min(row / (0.9 * count), 1) for row in range(count)]
    rates = np.array([0.04 * (1 - (0.25 + 0.25 * share)) for share in shares], np.float32)
    tables = tables_before()
    loss = MODEL.kernels["numpy"](tables, rows, rates)
    return tables, loss


def pairs_of(spark: SparkSession, *shards: int) -> DataFrame:
    """PAIRS of some shards in one partition."""
    batches = [rows_to_arrow(ROWS[shard], 1, Task(0, shard)) for shard in shards]
    return spark.createDataFrame(pa.Table.from_batches(batches), PAIRS).coalesce(1)


def all_shards(spark: SparkSession) -> TaskTable:
    """PAIRS of all shards, one partition per shard."""
    return TaskTable(pairs_of(spark, *ROWS).repartitionById(len(ROWS), "shard"))
