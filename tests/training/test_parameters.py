"""Parameters travel in files or by Spark, and both ways give the same model to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from tests.training.small_shards import MODEL, ROWS, SIZE, all_shards, pairs_of, shard_task
from vecmill.errors import InputError
from vecmill.examples.pairs import rows_with_shard
from vecmill.storage import checkpoints
from vecmill.storage.store import Store
from vecmill.storage.stores import open_store
from vecmill.storage.task_table import TaskTable
from vecmill.training.averaging.parameters import (
    Parameters,
    ParametersBySpark,
    ParametersInFiles,
    parameters_of,
)
from vecmill.training.averaging.worker import StartTables

START = StartTables(MODEL.tables(SIZE), seed=5)
ALL_IDS = np.arange(SIZE.words, dtype=np.int32)
NO_IDS = ALL_IDS[:0]


@pytest.fixture
def stores(spark: SparkSession, tmp_path: Path) -> list[Store]:
    """A store whose files tasks open, and one that only Spark can read."""
    return [
        open_store(str(tmp_path / name), spark, tasks_open_files=tasks_open_files)
        for name, tasks_open_files in (("files", True), ("spark", False))
    ]


@pytest.fixture
def both(stores: list[Store]) -> list[Parameters]:
    return [parameters_of(store, START) for store in stores]


def assert_same_model(both: Sequence[Parameters], number: int) -> None:
    first, *others = (parameters.rows_after(number, ALL_IDS).parameters for parameters in both)
    assert set(first) == {"W", "C"}
    for other in others:
        for name, table in first.items():
            assert table.dtype == np.float32
            assert table.shape == (SIZE.words, SIZE.dim)
            np.testing.assert_array_equal(other[name], table)


def test_parameters_travel_in_files_if_tasks_can_open_them(both):
    assert list(map(type, both)) == [ParametersInFiles, ParametersBySpark]


def test_the_first_round_starts_from_the_start_tables(both, stores, spark):
    """At a rate of zero, the model after the first round is the model before it."""
    still = shard_task()._replace(pace=shard_task().pace._replace(learning_rate=0, min_rate=0))

    for parameters in both:
        parameters.train(all_shards(spark), rows_with_shard, still, 1)

    assert_same_model(both, 1)
    for name, table in checkpoints.read(stores[0], 1).parameters.items():
        np.testing.assert_array_equal(table, START.value[name])


@pytest.mark.parametrize("merges", [{"W": "mean", "C": "adasum"}, {"W": "adasum", "C": "sum"}])
def test_several_shards_give_the_same_model_round_after_round(both, stores, spark, merges):
    """The second round is trained by other objects, as if training had been resumed."""
    task = shard_task(merges=merges)
    resumed = [parameters_of(store, START) for store in stores]
    for number, of_round in ((1, both), (2, resumed)):
        for parameters in of_round:
            parameters.train(all_shards(spark), rows_with_shard, task, number)

        assert_same_model(of_round, number)
        metrics = [parameters.rows_after(number, NO_IDS).metrics[:, :2] for parameters in of_round]
        assert metrics[0].shape == (len(ROWS), 2)
        np.testing.assert_array_equal(metrics[0], metrics[1])
    before, after = (both[0].rows_after(number, ALL_IDS).parameters["C"] for number in (1, 2))
    assert np.abs(after - before).max() > 0.01


def test_a_single_shard_gives_the_same_model(spark, both):
    alone = shard_task(expected_rows={0: 1000.0})
    for number in (1, 2):
        for parameters in both:
            parameters.train(TaskTable(pairs_of(spark, 0)), rows_with_shard, alone, number)

        assert_same_model(both, number)
        assert both[0].rows_after(number, NO_IDS).metrics[0, 0] == len(ROWS[0].words)


@pytest.mark.parametrize("shards_of_round", [1, 3])
def test_a_round_without_rows_has_no_metrics(spark, both, shards_of_round):
    task = shard_task(expected_rows=dict.fromkeys(range(shards_of_round), 10.0))
    nothing = TaskTable(pairs_of(spark, 0).limit(0))
    for parameters in both:
        parameters.train(nothing, rows_with_shard, task, 1)

        assert len(parameters.rows_after(1, NO_IDS).metrics) == 0


def test_some_rows_of_a_round_can_be_read_without_the_others(spark, both):
    """The first and the last row of a block, and neighbouring rows of two blocks."""
    ids = np.array([0, 1, 2620, 2621, 5999], np.int32)
    for parameters in both:
        parameters.train(all_shards(spark), rows_with_shard, shard_task(), 1)

        some, whole = (parameters.rows_after(1, of) for of in (ids, ALL_IDS))

        assert set(some.parameters) == {"W", "C"}
        for name, rows in some.parameters.items():
            np.testing.assert_array_equal(rows, whole.parameters[name][ids])
        np.testing.assert_array_equal(some.metrics, whole.metrics)


def test_a_round_whose_checkpoint_does_not_exist_is_refused(both):
    for parameters in both:
        with pytest.raises(InputError, match=r"round=7 does not exist"):
            parameters.rows_after(7, NO_IDS)


def test_the_changes_of_the_shards_are_deleted_after_the_round(both, spark, tmp_path):
    both[0].train(all_shards(spark), rows_with_shard, shard_task(), 1)

    assert list(tmp_path.rglob("*.arrow")) == []
