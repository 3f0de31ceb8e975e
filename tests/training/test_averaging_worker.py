"""One round of averaging against the kernel run by hand on the same rows."""

from __future__ import annotations

import itertools
import threading
from typing import Any, NamedTuple

import numpy as np
import pytest
from pyspark.sql import SparkSession

from tests.training.small_shards import (
    MODEL,
    ROWS,
    SIZE,
    all_shards,
    pairs_of,
    shard_task,
    tables_before,
    trained_by_hand,
)
from tests.training.trained_blocks import Result, assert_same_tables, collect
from vecmill.core.arrays import Floats
from vecmill.core.kernels import has_numba
from vecmill.core.rows import Rows, take
from vecmill.core.shards import BATCH_ROWS
from vecmill.examples.pairs import rows_with_shard
from vecmill.models import Size
from vecmill.spark.session import using
from vecmill.storage.schemas import METRICS
from vecmill.storage.task_table import TaskTable
from vecmill.training.averaging.worker import (
    ShardTask,
    StartTables,
    train_alone,
    train_round,
    train_shard,
)


class GivenTables(NamedTuple):
    """Tables in the form in which a task gets them."""

    value: dict[str, Floats]


def run(spark: SparkSession, shards: TaskTable, task: ShardTask) -> Result:
    broadcast = spark.sparkContext.broadcast(tables_before())
    try:
        return collect(train_round(shards, rows_with_shard, broadcast, task))
    finally:
        broadcast.destroy()


@pytest.fixture(scope="module")
def by_hand() -> dict[int, tuple[dict[str, Floats], float]]:
    return {shard: trained_by_hand(rows) for shard, rows in ROWS.items()}


@pytest.fixture(scope="module")
def three_shards(spark: SparkSession) -> Result:
    return run(spark, all_shards(spark), shard_task())


def test_one_shard_of_several_is_trained_as_the_kernel_trains_its_rows(spark, by_hand):
    result = run(spark, TaskTable(pairs_of(spark, 0)), shard_task())

    expected, _ = by_hand[0]
    before = tables_before()
    for name in ("W", "C"):
        assert np.abs(expected[name] - before[name]).max() > 0.01
        np.testing.assert_allclose(result.tables[name], expected[name], rtol=1e-5, atol=1e-7)


def test_a_single_shard_gives_the_bytes_of_the_kernel(spark, by_hand, three_shards):
    alone = {0: shard_task().expected_rows[0]}
    result = run(spark, TaskTable(pairs_of(spark, 0)), shard_task(expected_rows=alone))

    assert_same_tables(result.tables, by_hand[0][0])
    heads = [row[:3] for row in three_shards.raw]
    assert [row[:3] for row in result.raw] == heads, "the same blocks as of several shards"
    assert result.metrics[0][:2] == three_shards.metrics[0][:2]


def test_several_shards_give_the_mean_of_their_tables(three_shards, by_hand):
    for name in ("W", "C"):
        of_each = [by_hand[shard][0][name].astype(np.float64) for shard in ROWS]
        np.testing.assert_allclose(three_shards.tables[name], sum(of_each) / 3, rtol=1e-5, atol=1e-7)


def test_every_table_is_merged_by_its_own_merge(spark, by_hand):
    result = run(spark, all_shards(spark), shard_task(merges={"W": "mean", "C": "sum"}))

    before = tables_before()["C"].astype(np.float64)
    changes = [by_hand[shard][0]["C"] - before for shard in ROWS]
    np.testing.assert_allclose(result.tables["C"], before + sum(changes), rtol=1e-5, atol=1e-6)
    of_each = [by_hand[shard][0]["W"].astype(np.float64) for shard in ROWS]
    np.testing.assert_allclose(result.tables["W"], sum(of_each) / 3, rtol=1e-5, atol=1e-7)


def test_every_block_comes_once_with_its_first_row_and_number_of_rows(three_shards):
    heads = [(name, first_row, rows) for name, first_row, rows, _ in three_shards.raw]

    blocks = [(0, 2621), (2621, 2621), (5242, SIZE.words - 5242)]
    assert heads == [(name, *block) for name in ("C", "W") for block in blocks]


def test_every_shard_reports_its_pairs_loss_and_cpu_seconds(three_shards, by_hand):
    assert set(three_shards.metrics) == set(ROWS)
    for shard, metrics in three_shards.metrics.items():
        assert metrics.pairs == len(ROWS[shard].words)
        assert metrics.loss == pytest.approx(by_hand[shard][1], rel=1e-9)
        assert metrics.cpu_seconds > 0


def test_the_result_does_not_depend_on_the_rows_per_arrow_batch(spark, three_shards):
    with using(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": "7"}):
        result = run(spark, all_shards(spark), shard_task())

    assert result.raw == three_shards.raw


def test_neither_the_order_of_partitions_nor_an_empty_one_changes_the_result(spark, three_shards):
    pairs = pairs_of(spark, *ROWS)

    result = run(spark, TaskTable(pairs.repartitionById(4, 3 - pairs["shard"])), shard_task())

    assert result.raw == three_shards.raw


def test_the_start_tables_are_those_of_the_model_and_follow_from_the_seed():
    size = Size(50, 8)
    tables = MODEL.tables(size)

    first, again = (StartTables(tables, seed=3).value for _ in range(2))

    assert first.keys() == {"W", "C"}
    for name, table in MODEL.start(size, seed=3).items():
        np.testing.assert_array_equal(first[name], table)
        np.testing.assert_array_equal(again[name], table)
    assert not first["C"].any()
    assert (first["W"] != StartTables(tables, seed=4).value["W"]).any()


def batches_of(rows: Rows) -> list[tuple[int, Rows]]:
    """The rows of shard 0 in three batches, as `rows_of` gives them to a task."""
    cuts = [0, 7, 400, len(rows.centers)]
    return [(0, take(rows, begin, end)) for begin, end in itertools.pairwise(cuts)]


def test_a_task_trains_with_the_threads_of_the_round():
    """Two batches meet in the kernel, which one thread alone would not leave."""
    together = threading.Barrier(2, timeout=30)

    def meet(tables, rows, rates):
        together.wait()
        return 1.0

    task = shard_task(kernel=meet, threads=2, expected_rows={0: 1.0})
    # A third batch would wait for a fourth.
    rows = take(ROWS[0], 0, BATCH_ROWS + 1)

    blocks = list(train_alone(lambda _: iter([(0, rows)]), GivenTables(tables_before()), task)(iter([])))

    [metrics] = [block for block in blocks if block["table"][0].as_py() == METRICS]
    assert np.frombuffer(metrics["values"][0].as_buffer(), np.float64)[1] == 2.0


@pytest.mark.skipif(not has_numba(), reason="needs Numba")
@pytest.mark.parametrize("threads", [2, 3])
def test_a_task_with_threads_trains_every_row_once(threads):
    """Rows without a common word commute, so several threads give the bytes of one thread."""
    n_rows = 3 * BATCH_ROWS + 10
    own = np.arange(n_rows, dtype=np.int32)
    rows = Rows(own, np.arange(n_rows + 1, dtype=np.int32), own, np.zeros((n_rows, 0), np.int32))
    random = np.random.default_rng(0).normal(size=(2, n_rows, 4)).astype(np.float32)
    start = GivenTables(dict(zip("WC", random, strict=True)))

    def trained(threads: int) -> list[tuple[Any, ...]]:
        task = shard_task(kernel=MODEL.kernels["numba"], threads=threads, expected_rows={0: float(n_rows)})
        blocks = train_alone(lambda _: iter(batches_of(rows)), start, task)(iter([]))
        found = [tuple(column[0].as_py() for column in block.columns) for block in blocks]
        return [of_block for of_block in found if of_block[0] != METRICS]

    assert trained(threads) == trained(1)


@pytest.mark.parametrize("work", [train_alone, train_shard])
def test_a_partition_without_rows_is_not_trained(work):
    def fail(tables, rows, rates):
        pytest.fail("the kernel was called without rows")

    train = work(rows_with_shard, GivenTables(tables_before()), shard_task(kernel=fail))

    assert list(train(iter([]))) == []
