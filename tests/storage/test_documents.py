"""Tables are checked when they are read and published only when they are whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

from vecmill.errors import InputError
from vecmill.storage import tables
from vecmill.storage.files import Folder
from vecmill.storage.schemas import PAIRS, TOKENS, VOCABULARY

TOKEN_ROWS = [(1, ["a", "b"]), (2, ["c"])]


@pytest.fixture
def folder(spark: SparkSession, tmp_path: Path) -> Folder:
    return Folder(spark, str(tmp_path))


def test_a_table_is_read_as_it_was_written(spark, folder):
    table = spark.createDataFrame(TOKEN_ROWS, TOKENS)

    tables.write(table, folder, "tokens")

    read = tables.read(folder, "tokens", TOKENS)
    assert_df_equality(read, table, ignore_row_order=True, ignore_nullable=True)
    assert folder.names(".staging") == []


def test_columns_that_a_schema_does_not_know_are_left_out(spark, folder):
    wider = spark.createDataFrame(TOKEN_ROWS, TOKENS).withColumn("more", F.lit(1))
    tables.write(wider, folder, "tokens")

    assert tables.read(folder, "tokens", TOKENS).columns == TOKENS.fieldNames()


def test_writing_replaces_the_table_that_was_there(spark, folder):
    tables.write(spark.createDataFrame(TOKEN_ROWS, TOKENS), folder, "tokens")

    tables.write(spark.createDataFrame([(3, ["d"])], TOKENS), folder, "tokens")

    assert [tuple(row) for row in tables.read(folder, "tokens", TOKENS).collect()] == [(3, ["d"])]


def test_a_table_is_not_to_be_seen_before_it_is_published(spark, folder):
    staged = tables.stage(spark.createDataFrame(TOKEN_ROWS, TOKENS), folder, "tokens")

    assert not folder.exists("tokens")
    folder.publish(staged, "tokens")
    assert tables.read(folder, "tokens", TOKENS).count() == 2


def test_a_write_that_fails_leaves_the_old_table(spark, folder):
    tables.write(spark.createDataFrame(TOKEN_ROWS, TOKENS), folder, "tokens")
    failing = spark.range(3).select(
        F.raise_error(F.lit("broken")).cast("long").alias("document_id"),
        F.array(F.lit("x")).alias("tokens"),
    )

    with pytest.raises(Exception, match="broken"):
        tables.write(failing, folder, "tokens")

    assert tables.read(folder, "tokens", TOKENS).count() == 2


def test_a_partitioned_table_lies_in_folders_named_by_its_columns(spark, folder):
    rows = [(1, 0, 0, 5, [6], [7]), (1, 1, 0, 8, [9], [])]
    table = spark.createDataFrame(rows, PAIRS)

    tables.write(table, folder, "pairs", partition_by=("epoch", "slice", "shard"))

    assert folder.exists("pairs/epoch=1/slice=0/shard=0")
    assert folder.exists("pairs/epoch=1/slice=1/shard=0")
    read = tables.read(folder, "pairs", PAIRS)
    assert_df_equality(read, table, ignore_row_order=True, ignore_nullable=True)


def test_a_missing_table_is_told_with_its_place(folder, tmp_path):
    with pytest.raises(InputError, match="does not exist; run the stage that writes it") as fault:
        tables.read(folder, "vocabulary", VOCABULARY)

    assert f"{tmp_path}/vocabulary" in str(fault.value)


def test_every_fault_of_a_tables_columns_is_told_at_once(spark, folder):
    wrong = spark.createDataFrame([("0", "a", 3, 1.0)], "id string, word string, count int, x double")
    tables.write(wrong, folder, "vocabulary")

    with pytest.raises(InputError) as fault:
        tables.read(folder, "vocabulary", VOCABULARY)

    message = str(fault.value)
    assert message.startswith(f"{folder.root}/vocabulary is not the table it should be: ")
    assert message.split(": ", 1)[1].split("; ") == [
        "column id must be int, got string",
        "column count must be bigint, got int",
        "column keep_probability (double) is missing",
        "column noise_probability (double) is missing",
    ]


def read(spark: SparkSession, path: Path | None, **changed):
    asked = {"format": "text", "column": "value", "options": {}, "tokenized": False, **changed}
    return tables.read_documents(spark, path=None if path is None else str(path), **asked)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "corpus.txt").write_text("one\n\ntwo\n")
    return tmp_path / "corpus.txt"


@pytest.fixture
def json_lines(tmp_path: Path) -> Path:
    (tmp_path / "corpus.json").write_text('{"text": "one", "n": 1, "tokens": ["a", "b"]}\n{"n": 2}\n')
    return tmp_path / "corpus.json"


def values(table) -> list[object]:
    [column] = table.columns
    return [row[column] for row in table.collect()]


def test_text_is_a_document_a_line(spark, text):
    assert values(read(spark, text)) == ["one", "", "two"]


def test_options_go_to_sparks_reader(spark, text):
    assert values(read(spark, text, options={"wholetext": "true"})) == ["one\n\ntwo\n"]


def test_json_gives_the_column_asked_for_and_null_where_a_document_lacks_it(spark, json_lines):
    assert values(read(spark, json_lines, format="json", column="text")) == ["one", None]


def test_tokens_that_are_split_already_are_a_column_of_arrays(spark, json_lines):
    tokens = read(spark, json_lines, format="json", column="tokens", tokenized=True)

    assert values(tokens) == [["a", "b"], None]


def test_a_column_that_no_json_document_has_is_refused_with_those_there_are(spark, json_lines):
    with pytest.raises(InputError) as fault:
        read(spark, json_lines, format="json", column="body")

    assert str(fault.value).startswith(f"input.column: {json_lines} has no column body; ")
    assert str(fault.value).endswith("the its columns are: n, text, tokens")


def test_a_column_that_a_table_lacks_is_refused_with_those_there_are(spark, text):
    with pytest.raises(InputError, match=r"has no column text; the its columns are: value$"):
        read(spark, text, column="text")


def test_a_column_of_numbers_is_refused_with_a_remedy(spark, tmp_path):
    spark.range(2).write.parquet(str(tmp_path / "numbers"))

    with pytest.raises(InputError, match="must be string, got bigint; name a column of text"):
        read(spark, tmp_path / "numbers", format="parquet", column="id")


def test_text_where_tokens_are_wanted_is_refused_with_a_remedy(spark, text):
    with pytest.raises(InputError, match=r"must be array<string>, got string; tokenizer\.kind"):
        read(spark, text, tokenized=True)


def test_a_format_that_spark_does_not_know_is_refused(spark, text):
    with pytest.raises(InputError, match=r"^input: cannot read .*corpus\.txt as nosuch: "):
        read(spark, text, format="nosuch")


def test_a_path_that_does_not_exist_is_refused(spark, tmp_path):
    with pytest.raises(InputError, match=r"^input: cannot read .*missing as text: "):
        read(spark, tmp_path / "missing")


NUMBERED = StructType([StructField("id", IntegerType(), False), StructField("word", StringType(), False)])


@pytest.mark.parametrize("is_local", [True, False])
def test_a_table_that_was_sorted_comes_in_its_order_and_few_rows_at_a_time(
    spark, folder, monkeypatch, is_local
):
    rows = [(number, f"w{number}") for number in range(10)]
    tables.write(spark.createDataFrame(rows, NUMBERED).sort("id"), folder, "numbered")
    if not is_local:
        monkeypatch.setattr(tables, "local_path", lambda qualified: None)

    parts = list(tables.in_order(folder, "numbered", NUMBERED, 10, 3))

    assert max(len(part) for part in parts) <= 3
    assert [tuple(row.values()) for part in parts for row in part.to_pylist()] == rows


def test_a_table_that_lacks_rows_is_not_taken_for_whole(spark, folder):
    tables.write(spark.createDataFrame([(0, "a"), (2, "c")], NUMBERED).coalesce(1), folder, "numbered")

    with pytest.raises(InputError, match="expected 3 rows, got 2"):
        list(tables.in_order(folder, "numbered", NUMBERED, 3, 10))
