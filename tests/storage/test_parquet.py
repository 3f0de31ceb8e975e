"""The files that tasks write: every row in its order, in row groups of bounded size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.core.kernels.batches import random_rows
from vecmill.core.rows import Rows, concatenate
from vecmill.examples.pairs import Task, rows_from_arrow, rows_to_arrow
from vecmill.storage.parquet import keep_only, read_file, read_row_group, rows_per_batch, write
from vecmill.storage.schemas import PAIRS, PAIRS_BY

PARTS = [random_rows(seed, n_rows=n, n_negatives=3) for seed, n in enumerate((7, 40, 1, 25, 64, 3))]

SHARD = Task(slice_=2, shard=1)


def write_pairs(folder: Path, parts: list[Rows], task: Task = SHARD, **limits: int) -> dict[str, Any]:
    batches = (rows_to_arrow(part, 4, task) for part in parts)
    [report] = write(batches, folder, list(PAIRS_BY), "w", **limits)
    return report.to_pylist()[0]


def sizes_of_groups(path: Path) -> list[int]:
    with pq.ParquetFile(path) as parquet:
        return [parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups)]


@pytest.mark.parametrize("group_rows", [1, 10, 47, 48, 139, 140, 1000])
def test_rows_are_read_in_order_from_groups_of_one_size(tmp_path, group_rows):
    total = sum(len(part.centers) for part in PARTS)

    written = write_pairs(tmp_path, PARTS, group_rows=group_rows)

    file = tmp_path / written["file"]
    assert written["rows"] == total == 140
    assert written["elements"] == sum(len(part.words) for part in PARTS)
    *full, last = sizes_of_groups(file)
    assert set(full) <= {group_rows}
    assert 0 < last <= group_rows
    back = concatenate([rows_from_arrow(batch) for batch in read_file(str(file))])
    expected = concatenate(PARTS)
    np.testing.assert_array_equal(back.centers, expected.centers)
    np.testing.assert_array_equal(np.diff(back.offsets), np.diff(expected.offsets))
    np.testing.assert_array_equal(back.negatives, expected.negatives)
    for row in range(total):
        np.testing.assert_array_equal(
            back.words[back.offsets[row] : back.offsets[row + 1]],
            expected.words[expected.offsets[row] : expected.offsets[row + 1]],
        )


def test_a_group_of_long_rows_ends_with_the_batch_that_has_enough_bytes(tmp_path):
    batches = [pa.record_batch({"ids": [list(range(1_000))] * n}) for n in (1, 1, 3, 1)]

    [report] = write(iter(batches), tmp_path, [], "ids", group_bytes=4_000)

    assert sizes_of_groups(tmp_path / report["file"][0].as_py()) == [1, 1, 3, 1]
    assert (report["rows"][0].as_py(), report["elements"][0].as_py()) == (6, 6_000)


def test_spark_reads_the_table_of_all_files(spark, tmp_path):
    expected = []
    for shard, part in enumerate(PARTS[:3]):
        write_pairs(tmp_path, [part], Task(0, shard))
        for row in rows_to_arrow(part, 4, Task(0, shard)).to_pylist():
            expected.append(tuple(row[name] for name in PAIRS.fieldNames()))

    table = spark.read.schema(PAIRS).parquet(str(tmp_path)).select(*PAIRS.fieldNames())

    assert sorted(map(tuple, table.collect())) == sorted(expected)


def test_a_task_without_rows_writes_no_file(tmp_path):
    assert list(write(iter(()), tmp_path, list(PAIRS_BY), "w")) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rows", "size", "expected"),
    [
        (0, 0, 1),
        (10, 1, 1 << 16),
        (1 << 20, 27 << 20, 1 << 16),
        (8, 1 << 25, 1),
        (8, 1 << 24, 2),
    ],
)
def test_a_batch_has_as_many_rows_as_memory_allows(rows, size, expected):
    assert rows_per_batch(rows, size) == expected


@pytest.mark.parametrize(("rows", "words", "batches"), [(4, 400_000, [1, 1, 1, 1]), (10_000, 3, [10_000])])
def test_a_batch_of_a_row_group_has_few_long_rows_or_many_short_ones(tmp_path, rows, words, batches):
    file = tmp_path / "rows.parquet"
    # All words are distinct, so no dictionary makes the file smaller than its content.
    text = [[f"w{row * words + word:07}" for word in range(words)] for row in range(rows)]
    table = pa.table({"document_id": range(rows), "tokens": text})
    pq.write_table(table, file, row_group_size=rows, use_dictionary=False)

    assert [batch.num_rows for batch in read_row_group(str(file), 0, ["tokens"], [])] == batches


def test_one_row_group_is_read_with_its_words_as_dictionaries(tmp_path):
    file = tmp_path / "rows.parquet"
    table = pa.table({"id": range(4), "tokens": [["a", "b"], ["a"], ["b"], ["c", "b", "b"]]})
    pq.write_table(table, file, row_group_size=2)

    [batch] = read_row_group(str(file), 1, ["id", "tokens"], ["tokens.list.element"])

    assert batch.to_pylist() == [{"id": 2, "tokens": ["b"]}, {"id": 3, "tokens": ["c", "b", "b"]}]
    assert pa.types.is_dictionary(batch.column("tokens").type.value_type)


def test_the_files_of_failed_attempts_are_deleted(tmp_path):
    lost, kept = write_pairs(tmp_path, PARTS[:1]), write_pairs(tmp_path, PARTS[:1])

    keep_only(tmp_path, [kept["file"]])

    assert lost["file"] != kept["file"]
    assert list(tmp_path.rglob("*.parquet")) == [tmp_path / kept["file"]]
