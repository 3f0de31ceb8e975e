"""Checkpoints: tables that are written in blocks, of any size and order, are read whole or by row."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from vecmill.core.blocks import block_rows
from vecmill.errors import InputError
from vecmill.storage import checkpoints
from vecmill.storage.arrow_store import ArrowStore
from vecmill.storage.checkpoints import block, blocks_of, rows_of
from vecmill.storage.schemas import BLOCKS, METRICS
from vecmill.storage.store import Store
from vecmill.storage.stores import open_store
from vecmill.storage.task_table import TaskTable

ROUND = 7
RNG = np.random.default_rng(1)
# Rows of 60,000 numbers: four of them make a block.
TABLES = {
    "W": RNG.normal(size=(11, 60_000)).astype(np.float32),
    "C": RNG.normal(size=(3, 5)).astype(np.float32),
}
# Worker 1 had no examples.
WORKERS = [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
METRICS_OF_WORKERS = RNG.normal(size=(len(WORKERS), 4))


def metrics_blocks() -> Iterator[pa.RecordBatch]:
    for worker, numbers in zip(WORKERS, METRICS_OF_WORKERS, strict=True):
        yield block(METRICS, worker, numbers[None])


def blocks_in_disorder(spark: SparkSession, batches: list[pa.RecordBatch]) -> TaskTable:
    rows = pa.Table.from_batches(batches[::-1])
    return TaskTable(spark.createDataFrame(rows, BLOCKS).repartition(3))


@pytest.fixture(scope="module")
def batches() -> list[pa.RecordBatch]:
    found = [batch for name, table in TABLES.items() for batch in blocks_of(name, table)]
    assert len(found) == 3 + 1
    return [*found, *metrics_blocks()]


@pytest.fixture
def written(spark: SparkSession, store: Store, batches: list[pa.RecordBatch]) -> Store:
    checkpoints.write(blocks_in_disorder(spark, batches), store, ROUND)
    return store


def assert_tables(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert set(found) == set(expected)
    for name, table in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], table)


def test_tables_and_metrics_are_read_as_they_were_written(written):
    read = checkpoints.read(written, ROUND)

    assert_tables(read.parameters, TABLES)
    assert read.metrics.dtype == np.float64
    np.testing.assert_array_equal(read.metrics, METRICS_OF_WORKERS)


def test_spark_may_write_a_checkpoint(spark, store, batches):
    checkpoints.write_frame(blocks_in_disorder(spark, batches).partitions, store, ROUND)

    read = checkpoints.read(store, ROUND)

    assert_tables(read.parameters, TABLES)
    np.testing.assert_array_equal(read.metrics, METRICS_OF_WORKERS)


def test_some_tables_are_read(written):
    read = checkpoints.read(written, ROUND, only=["C"])

    assert_tables(read.parameters, {"C": TABLES["C"]})
    assert read.metrics.size == 0


@pytest.mark.parametrize("ids", [[1], [0, 3, 4, 7, 10], []])
def test_the_selected_rows_of_every_table_are_read(written, ids):
    read = checkpoints.read_rows(written, ROUND, np.array(ids, np.int32))

    # C has rows 0 to 2.
    selected = {"W": TABLES["W"][ids], "C": TABLES["C"][[id_ for id_ in ids if id_ < 3]]}
    assert_tables(read.parameters, {name: rows for name, rows in selected.items() if len(rows)})
    np.testing.assert_array_equal(read.metrics, METRICS_OF_WORKERS)


def test_the_bounds_of_a_table_are_the_first_rows_of_its_blocks(written):
    bounds = checkpoints.bounds(written, ROUND, "W")

    assert bounds.dtype == np.int32
    assert bounds.tolist() == [0, 4, 8]
    assert checkpoints.bounds(written, ROUND, "C").tolist() == [0]
    assert checkpoints.bounds(written, ROUND, "no such table").tolist() == []


def test_blocks_may_have_other_sizes_than_those_of_today(spark, store):
    table = np.arange(35, dtype=np.float32).reshape(7, 5)
    assert block_rows(5) > len(table)
    cuts = [0, 1, 4, 6, 7]
    blocks = [block("W", begin, table[begin:end]) for begin, end in itertools.pairwise(cuts)]

    checkpoints.write(blocks_in_disorder(spark, blocks), store, ROUND)

    assert_tables(checkpoints.read(store, ROUND).parameters, {"W": table})
    ids = np.array([0, 2, 3, 5], np.int32)
    assert_tables(checkpoints.read_rows(store, ROUND, ids).parameters, {"W": table[ids]})
    assert checkpoints.bounds(store, ROUND, "W").tolist() == cuts[:-1]


def test_tasks_read_the_tables_of_a_checkpoint_in_files(spark, tmp_path, batches):
    store = open_store(str(tmp_path), spark)
    assert isinstance(store, ArrowStore)
    checkpoints.write(blocks_in_disorder(spark, batches), store, ROUND)

    sent = pickle.dumps(checkpoints.in_files(store, ROUND))

    assert len(sent) < 1000
    assert_tables(pickle.loads(sent).value, TABLES)


def test_a_checkpoint_that_does_not_exist_is_reported(store):
    for read in (
        lambda: checkpoints.read(store, 3),
        lambda: checkpoints.read_rows(store, 3, np.zeros(0, np.int32)),
        lambda: checkpoints.bounds(store, 3, "W"),
    ):
        with pytest.raises(InputError, match=r"/model/round=3 does not exist; "):
            read()


def test_a_checkpoint_without_blocks_has_no_tables(spark, store):
    checkpoints.write(TaskTable(spark.createDataFrame([], BLOCKS)), store, ROUND)

    for read in (
        checkpoints.read(store, ROUND),
        checkpoints.read_rows(store, ROUND, np.zeros(0, np.int32)),
    ):
        assert read.parameters == {}
        assert read.metrics.shape == (0, 0)
    assert checkpoints.bounds(store, ROUND, "W").tolist() == []


def test_selected_rows_do_not_keep_the_blocks_in_memory(batches):
    joined = pa.Table.from_batches(batches).combine_chunks().to_batches()

    selected = list(rows_of(np.array([0], np.int32))(iter(joined)))

    assert selected[-1].equals(batches[-1])
    assert sum(batch.get_total_buffer_size() for batch in selected) < 2 * TABLES["W"][0].nbytes


def test_the_last_two_rounds_are_kept(store):
    for round_ in (1, 8, 9, 10, 11):
        store.files.write_text(f"{checkpoints.name(round_)}/part", "x")
        store.digests[checkpoints.name(round_)] = "digest"

    checkpoints.prune(store, 10)

    # Round 11 was not recorded: the run was killed before.
    assert store.files.names("model") == ["round=10", "round=9"]
    assert sorted(store.digests) == ["model/round=10", "model/round=9"]


def test_pruning_after_the_first_round_keeps_it(store):
    store.files.write_text(f"{checkpoints.name(1)}/part", "x")

    checkpoints.prune(store, 1)

    assert store.files.names("model") == ["round=1"]
