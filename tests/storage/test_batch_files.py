"""What tasks leave for other tasks: every batch of every file, together with those of its number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from vecmill.storage import batch_files
from vecmill.storage.task_files import TaskTable

# Three tasks with two batches each, and one that has none.
TASKS = {0: [[1, 2], [3]], 1: [[10], [30, 40]], 2: [[100], [300]], 3: []}


def batches_of(ids: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in ids:
        for task in batch.column("id").to_pylist():
            yield from (pa.record_batch({"n": pa.array(numbers, pa.int64())}) for numbers in TASKS[task])


def sums(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    for table in tables:
        yield pa.table({"sum": [sum(table["n"].to_pylist())], "rows": [len(table)]})


@pytest.fixture
def left(spark: SparkSession, tmp_path: Path) -> list[Path]:
    return batch_files.leave(TaskTable(spark.range(0, 4, numPartitions=4), batches_of), tmp_path)


def test_a_task_with_batches_leaves_one_file(left, tmp_path):
    assert sorted(left) == sorted(tmp_path.iterdir())
    assert len(left) == 3


def test_batches_of_one_number_come_together(spark, left):
    gathered = batch_files.gather(spark, left, sums)

    rows = gathered.partitions.mapInArrow(gathered.read, "sum long, rows long").collect()
    assert [tuple(row) for row in rows] == [(113, 4), (373, 4)]


def test_nothing_comes_of_no_files(spark):
    gathered = batch_files.gather(spark, [], sums)

    assert gathered.partitions.mapInArrow(gathered.read, "sum long, rows long").collect() == []


def test_an_attempt_that_came_second_leaves_a_file_that_nobody_named(spark, left, tmp_path):
    again = list(batch_files.write(batches_of(iter([pa.record_batch({"id": [0]})])), tmp_path))

    assert len(again) == 1
    assert again[0]["file"][0].as_py() not in {file.name for file in left}
