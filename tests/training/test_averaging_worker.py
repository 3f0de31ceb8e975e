"""One round of training against the kernel run by hand on the same rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from vecmill.core.kernels import Tables, kernel
from vecmill.core.kernels.sgns_numpy import initialise
from vecmill.core.rows import Rows
from vecmill.core.sampling import alias_table
from vecmill.core.windows import draw_rows
from vecmill.examples.pairs import Task, rows_to_arrow
from vecmill.spark.session import using
from vecmill.storage.schemas import BLOCKS, METRICS, PAIRS
from vecmill.training.averaging.worker import (
    BATCH_ROWS,
    Initial,
    Metrics,
    Round,
    rows_with_shard,
    train_round,
    train_rows,
)

# A table of three blocks.
VOCABULARY_SIZE, DIM = 6000, 100
# More rows than the kernel is given at once, and fewer; neither a multiple of its steps.
ROWS_OF_SHARD = {0: BATCH_ROWS + 901, 1: 2500, 2: 700}

Floats = npt.NDArray[np.float32]


def some_rows(count: int, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    ids = np.minimum(rng.zipf(1.3, count), VOCABULARY_SIZE).astype(np.int32) - 1
    return draw_rows(
        ids,
        np.array([count]),
        keep=np.ones(VOCABULARY_SIZE, np.float32),
        noise=alias_table(np.ones(VOCABULARY_SIZE)),
        window=2,
        negatives=2,
        rng=rng,
    )


ROWS = {shard: some_rows(count, seed=shard) for shard, count in ROWS_OF_SHARD.items()}


def start() -> dict[str, Floats]:
    words, contexts = initialise(VOCABULARY_SIZE, DIM, np.random.default_rng(9))
    contexts += np.random.default_rng(8).normal(0, 0.1, contexts.shape).astype(np.float32)
    return {"W": words, "C": contexts}


def settings(**changed: Any) -> Round:
    """The second quarter of a training that expects of each shard fewer rows than it has."""
    return Round(
        **{
            "kernel": kernel("numpy"),
            "threads": 1,
            "merge": "mean",
            "expected_rows": {shard: 0.9 * count for shard, count in ROWS_OF_SHARD.items()},
            "begin": 0.25,
            "end": 0.5,
            "learning_rate": 0.04,
            "min_learning_rate": 0.0001,
            **changed,
        }
    )


def trained_by_hand(rows: Rows) -> tuple[dict[str, Floats], float]:
    """The tables after the rows of one shard, and the loss, with rates from the rule in words."""
    count = len(rows.centers)
    shares = [min(row / (0.9 * count), 1) for row in range(count)]
    rates = np.array([0.04 * (1 - (0.25 + 0.25 * share)) for share in shares], np.float32)
    tables = start()
    loss = kernel("numpy")(tables, rows, rates)
    return tables, loss


class Result(NamedTuple):
    """What a round gave: the tables put together, a row of METRICS a shard, and the raw rows."""

    tables: dict[str, Floats]
    metrics: dict[int, Metrics]
    raw: list[tuple[Any, ...]]


def run(spark: SparkSession, partitions: DataFrame, round_: Round) -> Result:
    broadcast = spark.sparkContext.broadcast(start())
    try:
        result = train_round(partitions, rows_with_shard, broadcast, round_)
        assert result.schema == BLOCKS
        rows = sorted(tuple(row.values()) for row in result.toArrow().to_pylist())
    finally:
        broadcast.destroy()
    parts: dict[str, list[Floats]] = {}
    for name, _, count, values in rows:
        if name != METRICS:
            parts.setdefault(name, []).append(np.frombuffer(values, np.float32).reshape(count, -1))
    metrics = {
        block: Metrics(*np.frombuffer(values, np.float64))
        for name, block, _, values in rows
        if name == METRICS
    }
    whole = {name: np.concatenate(found) for name, found in parts.items()}
    return Result(whole, metrics, [row for row in rows if row[0] != METRICS])


def pairs_of(spark: SparkSession, *shards: int) -> DataFrame:
    batches = [rows_to_arrow(ROWS[shard], 1, Task(0, shard)) for shard in shards]
    return spark.createDataFrame(pa.Table.from_batches(batches), PAIRS).coalesce(1)


@pytest.fixture(scope="module")
def by_hand() -> dict[int, tuple[dict[str, Floats], float]]:
    return {shard: trained_by_hand(rows) for shard, rows in ROWS.items()}


@pytest.fixture(scope="module")
def of_three_shards(spark: SparkSession) -> Result:
    return run(spark, pairs_of(spark, *ROWS).repartitionById(3, "shard"), settings())


def test_one_shard_of_several_trains_as_the_kernel_does_on_the_same_rows(spark, by_hand):
    result = run(spark, pairs_of(spark, 0), settings())

    expected, _ = by_hand[0]
    before = start()
    for name in ("W", "C"):
        assert np.abs(expected[name] - before[name]).max() > 0.01
        np.testing.assert_allclose(result.tables[name], expected[name], rtol=1e-5, atol=1e-7)


def test_a_shard_alone_becomes_what_the_kernel_makes_of_it_to_the_byte(spark, by_hand, of_three_shards):
    alone = {0: settings().expected_rows[0]}
    result = run(spark, pairs_of(spark, 0), settings(expected_rows=alone))

    expected, _ = by_hand[0]
    for name in ("W", "C"):
        np.testing.assert_array_equal(result.tables[name], expected[name])
    places = [row[:3] for row in of_three_shards.raw]
    assert [row[:3] for row in result.raw] == places, "the same blocks as of several shards"
    assert result.metrics[0][:3] == of_three_shards.metrics[0][:3]


def test_shards_become_the_mean_of_what_each_makes_of_the_model(of_three_shards, by_hand):
    for name in ("W", "C"):
        of_each = [by_hand[shard][0][name].astype(np.float64) for shard in ROWS]
        np.testing.assert_allclose(of_three_shards.tables[name], sum(of_each) / 3, rtol=1e-5, atol=1e-7)


def test_every_block_comes_once_with_its_number_of_rows(of_three_shards):
    # 2621 rows of 100 columns make a mebibyte.
    sizes = [(name, block, rows) for name, block, rows, _ in of_three_shards.raw]
    assert sizes == [
        (name, block, rows)
        for name in ("C", "W")
        for block, rows in enumerate([2621, 2621, VOCABULARY_SIZE - 2 * 2621])
    ]


def test_each_shard_tells_its_rows_pairs_and_loss(of_three_shards, by_hand):
    assert set(of_three_shards.metrics) == set(ROWS)
    for shard, told in of_three_shards.metrics.items():
        assert told.rows == len(ROWS[shard].centers)
        assert told.pairs == len(ROWS[shard].words)
        assert told.loss == pytest.approx(by_hand[shard][1], rel=1e-9)
        assert told.cpu_seconds > 0


def test_the_result_does_not_depend_on_how_many_rows_arrow_puts_into_a_batch(spark, of_three_shards):
    with using(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": "7"}):
        result = run(spark, pairs_of(spark, *ROWS).repartitionById(3, "shard"), settings())

    assert result.raw == of_three_shards.raw


def test_neither_the_order_of_partitions_nor_an_empty_one_changes_the_result(spark, of_three_shards):
    pairs = pairs_of(spark, *ROWS)

    result = run(spark, pairs.repartitionById(4, 3 - pairs["shard"]), settings())

    assert result.raw == of_three_shards.raw


def test_the_first_tables_follow_from_the_seed():
    first, again = (Initial(50, 8, seed=3).value for _ in range(2))

    np.testing.assert_array_equal(first["W"], again["W"])
    assert not first["C"].any()
    assert (first["W"] != Initial(50, 8, seed=4).value["W"]).any()


def rates_of(round_: Round, *batches: Rows) -> list[float]:
    """The learning rate of every row, as a kernel sees it."""
    seen: list[float] = []

    def record(tables: Tables, rows: Rows, rates: Floats) -> float:
        assert len(rates) == len(rows.centers)
        seen.extend(rates.tolist())
        return 1.0

    numbered = ((0, batch) for batch in batches)
    train_rows({}, numbered, round_._replace(kernel=record))
    return seen


def rows_of_length(count: int) -> Rows:
    zeros = np.zeros(count, np.int32)
    return Rows(zeros, np.arange(count + 1, dtype=np.int32), zeros, zeros[:, None])


def test_the_rate_falls_by_the_rows_of_the_shard_from_begin_to_end_and_waits_there():
    round_ = settings(expected_rows={0: 4.0}, begin=0.5, end=0.7, learning_rate=1.0, min_learning_rate=0.35)

    rates = rates_of(round_, rows_of_length(3), rows_of_length(3))

    np.testing.assert_allclose(rates, [0.5, 0.45, 0.4, 0.35, 0.35, 0.35], rtol=1e-6)


def test_the_rate_goes_on_falling_where_the_kernel_is_called_again():
    count = 2 * BATCH_ROWS + 10
    round_ = settings(
        expected_rows={0: float(count)}, begin=0.0, end=1.0, learning_rate=1.0, min_learning_rate=0
    )

    rates = rates_of(round_, rows_of_length(count))

    np.testing.assert_allclose(rates, 1 - np.arange(count) / count, rtol=1e-5, atol=1e-7)


def test_a_shard_that_was_expected_to_be_empty_trains_all_the_same():
    round_ = settings(expected_rows={0: 0.0}, begin=0.0, end=0.5, learning_rate=1.0)

    assert rates_of(round_, rows_of_length(2)) == [1.0, 0.5]


def test_the_numbers_of_a_shard_are_sums_over_its_batches():
    round_ = settings(kernel=lambda tables, rows, rates: float(len(rows.centers)))
    count = BATCH_ROWS + 10

    shard, metrics = train_rows({}, iter([(1, rows_of_length(count))]), round_)

    assert shard == 1
    assert metrics == Metrics(rows=count, pairs=count, loss=count, cpu_seconds=0)


@pytest.mark.parametrize("threads", [2, 7])
def test_threads_train_on_every_row_once_at_the_rate_that_is_due(threads):
    """Rows without a word in common commute, so that threads must give what one gives."""
    n_rows = 3 * BATCH_ROWS + 10
    own = np.arange(n_rows, dtype=np.int32)
    rows = Rows(own, np.arange(n_rows + 1, dtype=np.int32), own, np.zeros((n_rows, 0), np.int32))
    round_ = settings(kernel=kernel("numba"), expected_rows={0: float(n_rows)})
    random = np.random.default_rng(0).normal(size=(2, n_rows, 4)).astype(np.float32)
    alone, together = (dict(zip("WC", random.copy(), strict=True)) for _ in range(2))

    expected = train_rows(alone, iter([(0, rows)]), round_)
    got = train_rows(together, iter([(0, rows)]), round_._replace(threads=threads))

    assert got == expected
    for name, table in alone.items():
        np.testing.assert_array_equal(together[name], table)


def test_a_shard_without_rows_has_no_number_and_trains_nothing():
    def refuse(tables: Tables, rows: Rows, rates: Floats) -> float:
        pytest.fail("the kernel was called without rows")

    assert train_rows({}, iter([]), settings(kernel=refuse)) == (None, Metrics(0, 0, 0, 0))
