"""The files that tasks write: every row in its place and order, as Spark too reads and writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from tests.core.kernels.batches import random_batch
from vecmill.core.rows import Rows, concatenate
from vecmill.examples.pairs import Task, rows_from_arrow, rows_to_arrow
from vecmill.storage import shard_files, task_files
from vecmill.storage.files import Folder
from vecmill.storage.schemas import PAIRS, PAIRS_BY, TEXTS, TEXTS_BY, TOKENS

PARTS = [random_batch(seed, n_rows=n, n_negatives=3)[2] for seed, n in enumerate((7, 40, 1, 25, 64, 3))]

SHARD = Task(slice_=2, shard=1)


def write(folder: Path, parts: list[Rows], task: Task = SHARD) -> dict[str, Any]:
    batches = (rows_to_arrow(part, 4, task) for part in parts)
    [report] = task_files.write(batches, folder, list(PAIRS_BY), "w")
    return report.to_pylist()[0]


@pytest.mark.parametrize("group_rows", [1, 10, 47, 48, 139, 140, 1000])
def test_rows_come_back_in_order_from_groups_of_one_size(tmp_path, monkeypatch, group_rows):
    monkeypatch.setattr(task_files, "_GROUP_ROWS", group_rows)
    total = sum(len(part.centers) for part in PARTS)

    written = write(tmp_path, PARTS)

    file = tmp_path / written["file"]
    assert written["rows"] == total == 140
    with pq.ParquetFile(file) as parquet:
        groups = [parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups)]
    assert set(groups[:-1]) <= {group_rows}
    assert 0 < groups[-1] <= group_rows
    back = concatenate([rows_from_arrow(batch) for batch in shard_files.read_file(str(file))])
    expected = concatenate(PARTS)
    np.testing.assert_array_equal(back.centers, expected.centers)
    np.testing.assert_array_equal(np.diff(back.offsets), np.diff(expected.offsets))
    np.testing.assert_array_equal(back.negatives, expected.negatives)
    for row in range(total):
        np.testing.assert_array_equal(
            back.words[back.offsets[row] : back.offsets[row + 1]],
            expected.words[expected.offsets[row] : expected.offsets[row + 1]],
        )


def test_spark_reads_the_table_of_all_files(spark, tmp_path):
    expected = []
    for shard, part in enumerate(PARTS[:3]):
        write(tmp_path, [part], Task(0, shard))
        for row in rows_to_arrow(part, 4, Task(0, shard)).to_pylist():
            expected.append(tuple(row[name] for name in PAIRS.fieldNames()))

    table = spark.read.schema(PAIRS).parquet(str(tmp_path)).select(*PAIRS.fieldNames())

    assert sorted(map(tuple, table.collect())) == sorted(expected)


def test_a_task_without_rows_writes_nothing(tmp_path):
    assert list(task_files.write(iter(()), tmp_path, list(PAIRS_BY), "w")) == []
    assert list(tmp_path.iterdir()) == []


TOKENS_ROWS = [(1, ["the", "quick"]), (2, ["été"]), (3, ["fox"] * 5), (-4, ["a", "b"])]
# Two shards, each sorted by slice, of which one is held out; some texts are longer than others.
TEXTS_ROWS = [
    (-1, 0, 7, 0, [5]),
    (0, 0, 1, 0, [1, 2, 3]),
    (0, 0, 1, 1, [4]),
    (2, 0, 2, 0, [9, 9]),
    (0, 1, 3, 0, [8, 7, 6]),
    (1, 1, 3, 1, [5, 4]),
]


@pytest.fixture
def folder(spark: SparkSession, tmp_path: Path) -> Folder:
    return Folder(spark, str(tmp_path))


@pytest.fixture(params=["tasks", "Spark"])
def writer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who writes: tasks, where they can open files, or else Spark."""
    if request.param == "Spark":
        monkeypatch.setattr(task_files, "local_path", lambda qualified: None)
    return str(request.param)


def source(table: DataFrame) -> task_files.TaskTable:
    return task_files.TaskTable(table, lambda batches: batches)


def test_a_table_is_staged_whole_and_counted(spark, folder, writer):
    rows = spark.createDataFrame(TOKENS_ROWS, TOKENS).repartition(3)

    staged = task_files.stage([source(rows)], folder, "tokens", TOKENS)

    assert (staged.rows, staged.elements) == (4, 10)
    assert staged.parts == [((), 4, 10)]
    back = spark.read.schema(TOKENS).parquet(folder.path(staged.place))
    assert sorted(map(tuple, back.collect())) == sorted(TOKENS_ROWS)


def test_every_part_lies_in_a_folder_of_its_own_and_is_counted(spark, folder, writer):
    shards = [spark.createDataFrame(part, TEXTS).coalesce(1) for part in (TEXTS_ROWS[:4], TEXTS_ROWS[4:])]

    staged = task_files.stage([source(shard) for shard in shards], folder, "texts", TEXTS, TEXTS_BY)

    assert staged.parts == [
        ((-1, 0), 1, 1),
        ((0, 0), 2, 4),
        ((0, 1), 1, 3),
        ((1, 1), 1, 2),
        ((2, 0), 1, 2),
    ]
    for values, rows, _ in staged.parts:
        place = folder.path(f"{staged.place}/slice={values[0]}/shard={values[1]}")
        assert spark.read.parquet(place).count() == rows
    back = spark.read.schema(TEXTS).parquet(folder.path(staged.place)).select(*TEXTS.fieldNames())
    assert sorted(map(tuple, back.collect())) == sorted(TEXTS_ROWS)


def test_tables_of_one_task_each_are_written_by_as_many_tasks(spark):
    alone = [spark.range(0, 1, numPartitions=1).mapInArrow(lambda batches: batches, "id long")] * 2

    assert task_files._union(alone).rdd.getNumPartitions() == 2


def test_a_table_without_rows_has_no_elements(spark, folder, writer):
    staged = task_files.stage([source(spark.createDataFrame([], TOKENS))], folder, "tokens", TOKENS)

    assert (staged.rows, staged.elements) == (0, 0)


def test_a_group_of_long_rows_ends_where_it_has_enough_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(task_files, "_GROUP_BYTES", 4_000)
    batches = [pa.record_batch({"ids": [list(range(1_000))] * n}) for n in (1, 1, 3, 1)]

    [report] = task_files.write(iter(batches), tmp_path, [], "ids")

    with pq.ParquetFile(tmp_path / report["file"][0].as_py()) as parquet:
        groups = [parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups)]
    assert groups == [1, 1, 3, 1]
    assert (report["rows"][0].as_py(), report["elements"][0].as_py()) == (6, 6_000)


@pytest.mark.parametrize(
    ("rows", "size", "together"),
    [
        (0, 0, 1),
        (10, 1, 1 << 16),
        (1 << 20, 27 << 20, 1 << 16),
        (8, 1 << 25, 1),
        (8, 1 << 24, 2),
    ],
)
def test_rows_are_read_together_as_far_as_memory_goes(rows, size, together):
    assert task_files.rows_at_once(rows, size) == together


def test_what_a_failed_attempt_wrote_is_gone(tmp_path):
    lost, kept = write(tmp_path, PARTS[:1]), write(tmp_path, PARTS[:1])

    task_files._keep_only(tmp_path, [kept["file"]])

    assert lost["file"] != kept["file"]
    assert list(tmp_path.rglob("*.parquet")) == [tmp_path / kept["file"]]
