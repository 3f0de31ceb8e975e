"""Tables whose rows may be long: read as Arrow, few rows at once, the same as Spark reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from vecmill.errors import InputError
from vecmill.storage import long_rows, tables
from vecmill.storage.files import Folder
from vecmill.storage.schemas import TOKENS
from vecmill.storage.task_files import TaskTable

ARROW_TOKENS = pa.schema([("document_id", pa.int64()), ("tokens", pa.list_(pa.string()))])
DOCUMENTS = [(1, ["the", "quick"]), (2, ["été"]), (3, ["fox"] * 5), (-4, ["a", "b"])]


@pytest.fixture
def folder(spark: SparkSession, tmp_path: Path) -> Folder:
    return Folder(spark, str(tmp_path))


def rows_of(found: TaskTable) -> list[tuple[int, list[str]]]:
    read = found.read

    # Spark does not take words that are each held once.
    def plain(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in read(batches):
            yield pa.RecordBatch.from_pylist(batch.to_pylist(), ARROW_TOKENS)

    rows = found.partitions.mapInArrow(plain, TOKENS).collect()
    return sorted((row["document_id"], row["tokens"]) for row in rows)


def tokens(spark: SparkSession, files: int) -> DataFrame:
    return spark.createDataFrame(DOCUMENTS, TOKENS).repartition(files)


@pytest.mark.parametrize("files", [1, 3])
def test_every_row_is_read_from_however_many_files(spark, folder, files):
    tables.write(tokens(spark, files), folder, "tokens")

    assert rows_of(long_rows.read(folder, "tokens", TOKENS)) == sorted(DOCUMENTS)


def test_where_workers_cannot_open_files_spark_reads_the_same(spark, folder, monkeypatch):
    tables.write(tokens(spark, 2), folder, "tokens")
    monkeypatch.setattr(long_rows, "local_path", lambda qualified: None)

    found = long_rows.read(folder, "tokens", TOKENS)

    assert found.partitions.columns == TOKENS.fieldNames()
    assert rows_of(found) == sorted(DOCUMENTS)


def test_a_batch_holds_few_long_rows_or_many_short_ones(tmp_path):
    def batches(rows: int, words: int) -> list[int]:
        file = tmp_path / "rows.parquet"
        # All words are different, so that no dictionary makes the file smaller than what it holds.
        text = [[f"w{row * words + word:07}" for word in range(words)] for row in range(rows)]
        table = pa.table({"document_id": range(rows), "tokens": text})
        pq.write_table(table, file, row_group_size=rows, use_dictionary=False)
        place = pa.RecordBatch.from_pylist([{"file": str(file), "row_group": 0}])
        return [batch.num_rows for batch in long_rows._read(iter([place]), ["tokens"], [])]

    assert batches(rows=4, words=400_000) == [1, 1, 1, 1]
    assert batches(rows=10_000, words=3) == [10_000]


def test_a_column_that_is_missing_is_named(spark, folder):
    tables.write(tokens(spark, 1).drop("tokens"), folder, "tokens")

    with pytest.raises(InputError, match="lacks tokens"):
        long_rows.read(folder, "tokens", TOKENS)


def test_a_table_that_is_not_there_says_which_stage_to_run(folder):
    with pytest.raises(InputError, match="does not exist; run the stage"):
        long_rows.read(folder, "tokens", TOKENS)
