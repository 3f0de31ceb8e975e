"""Batches that tasks write for other tasks: the batches of one number, from all files, come together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from vecmill.storage import batch_files
from vecmill.storage.task_table import TaskTable

# Three tasks with two batches each, and one without any.
TASKS = {0: [[1, 2], [3]], 1: [[10], [30, 40]], 2: [[100], [300]], 3: []}


def batches_of(ids: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in ids:
        for task in batch.column("id").to_pylist():
            yield from (pa.record_batch({"n": pa.array(numbers, pa.int64())}) for numbers in TASKS[task])


def sums(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    for table in tables:
        yield pa.table({"sum": [sum(table["n"].to_pylist())], "rows": [len(table)]})


@pytest.fixture
def files(spark: SparkSession, tmp_path: Path) -> list[Path]:
    return batch_files.leave(TaskTable(spark.range(0, 4, numPartitions=4), batches_of), tmp_path)


def test_a_task_with_batches_writes_one_file(files, tmp_path):
    assert sorted(files) == sorted(tmp_path.iterdir())
    assert len(files) == 3


def test_batches_of_one_number_come_together(spark, files):
    gathered = batch_files.gather(spark, files, sums)

    rows = gathered.partitions.mapInArrow(gathered.read, "sum long, rows long").collect()
    assert [tuple(row) for row in rows] == [(113, 4), (373, 4)]


def test_no_files_give_no_rows(spark):
    gathered = batch_files.gather(spark, [], sums)

    assert gathered.partitions.mapInArrow(gathered.read, "sum long, rows long").collect() == []


def test_a_second_attempt_of_a_task_writes_another_file(files):
    folder = files[0].parent

    again = list(batch_files.write(batches_of(iter([pa.record_batch({"id": [0]})])), folder))

    assert len(again) == 1
    assert again[0]["file"][0].as_py() not in {file.name for file in files}
