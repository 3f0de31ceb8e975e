"""The file in which a task writes a shard's pairs: every row in order, as Spark too reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.core.batches import random_batch

from vecmill.core.rows import Rows, concatenate
from vecmill.io import shard_files
from vecmill.io.schemas import PAIRS
from vecmill.stages.pairs import Task, rows_from_arrow, rows_to_arrow

PARTS = [random_batch(seed, n_rows=n, n_negatives=3)[2] for seed, n in enumerate((7, 40, 1, 25, 64, 3))]

SHARD = Task(slice_=2, shard=1)


def write(folder: Path, parts: list[Rows], task: Task = SHARD) -> shard_files.ShardFile:
    batches = (rows_to_arrow(part, 4, task) for part in parts)
    [report] = shard_files.write_shard(batches, folder)
    return shard_files.ShardFile(**report.to_pylist()[0])


@pytest.mark.parametrize("group_rows", [1, 10, 47, 48, 139, 140, 1000])
def test_rows_come_back_in_order_from_groups_of_one_size(tmp_path, monkeypatch, group_rows):
    monkeypatch.setattr(shard_files, "_GROUP_ROWS", group_rows)
    total = sum(len(part.centers) for part in PARTS)

    written = write(tmp_path, PARTS)

    file = tmp_path / written.file
    assert written.rows == total == 140
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
    assert list(shard_files.write_shard(iter(()), tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_of_two_attempts_only_the_one_that_reported_stays(tmp_path):
    lost, kept = write(tmp_path, PARTS[:1]), write(tmp_path, PARTS[:1])

    shard_files.keep_only(tmp_path, [kept])

    assert lost.file != kept.file
    assert shard_files.of_shards(tmp_path, epoch=4, slice_=2) == {1: [str(tmp_path / kept.file)]}
    assert shard_files.of_shards(tmp_path, epoch=5, slice_=2) == {}
