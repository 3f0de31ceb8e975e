"""Tables with a file for every shard of a slice: what is asked for, in order, whoever reads it."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from vecmill.errors import InputError
from vecmill.spark.session import ONE_FILE_ONE_TASK, using
from vecmill.storage import shard_files, task_files
from vecmill.storage.files import Folder
from vecmill.storage.schemas import TEXTS, TEXTS_BY

SHARDS = [
    [(-1, 0, 7, 0, [5, 5]), (0, 0, 1, 0, [1, 2, 3]), (0, 0, 1, 1, [4, 1]), (2, 0, 2, 0, [9, 9])],
    [(0, 1, 3, 0, [8, 7, 6]), (1, 1, 3, 1, [5, 4])],
]
COLUMNS = ("shard", "slice", "ids")
READ = "shard int, slice int, ids array<int>"


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    found = Folder(spark, str(tmp_path_factory.mktemp("run")))
    sources = [
        task_files.TaskTable(spark.createDataFrame(rows, TEXTS).coalesce(1), lambda batches: batches)
        for rows in SHARDS
    ]
    found.publish(task_files.stage(sources, found, "texts", TEXTS, TEXTS_BY).place, "texts")
    return found


@pytest.fixture(params=["tasks", "Spark"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who reads: tasks, where they can open files, or else Spark."""
    if request.param == "Spark":
        monkeypatch.setattr(shard_files, "local_path", lambda qualified: None)
    return str(request.param)


def partitions(folder: Folder, **only: list[int]) -> list[list[tuple[int, int, list[int]]]]:
    """The rows of each partition that is not empty, in the order in which its task reads them."""
    with using(folder.spark, ONE_FILE_ONE_TASK):
        texts, read = shard_files.read(folder, "texts", TEXTS, TEXTS_BY, COLUMNS, only)

        def as_rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in read(batches):
                assert tuple(batch.schema.names) == COLUMNS
                yield batch

        found = texts.mapInArrow(as_rows, READ).withColumn("task", F.spark_partition_id()).collect()
    rows: dict[int, list[tuple[int, int, list[int]]]] = {}
    for row in found:
        rows.setdefault(row["task"], []).append((row["slice"], row["shard"], row["ids"]))
    return sorted(rows.values())


def test_a_part_is_a_partition_with_its_rows_in_order(folder, reader):
    assert partitions(folder, slice=[0, 1, 2]) == [
        [(0, 0, [1, 2, 3]), (0, 0, [4, 1])],
        [(0, 1, [8, 7, 6])],
        [(1, 1, [5, 4])],
        [(2, 0, [9, 9])],
    ]


def test_no_more_is_read_than_what_is_asked_for(folder, reader):
    assert partitions(folder, slice=[0], shard=[1]) == [[(0, 1, [8, 7, 6])]]
    assert partitions(folder, slice=[-1]) == [[(-1, 0, [5, 5])]]
    assert partitions(folder, shard=[0], slice=[0, 2]) == [
        [(0, 0, [1, 2, 3]), (0, 0, [4, 1])],
        [(2, 0, [9, 9])],
    ]


def test_where_there_is_nothing_of_that_kind_there_are_no_rows(folder, reader):
    assert partitions(folder, slice=[5]) == []
    assert partitions(folder, slice=[0], shard=[9]) == []


def test_a_table_that_is_not_there_says_which_stage_to_run(folder, reader):
    with pytest.raises(InputError, match="pairs does not exist; run the stage"):
        shard_files.read(folder, "pairs", TEXTS, TEXTS_BY, COLUMNS, {})
