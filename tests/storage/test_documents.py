"""The user's documents, in every format and with every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from vecmill.errors import InputError
from vecmill.storage.documents import read_documents


def read(spark: SparkSession, path: Path | None, **changed) -> DataFrame:
    arguments = {"format": "text", "column": "value", "options": {}, "tokenized": False, **changed}
    return read_documents(spark, path=None if path is None else str(path), **arguments)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "corpus.txt").write_text("one\n\ntwo\n")
    return tmp_path / "corpus.txt"


@pytest.fixture
def json_lines(tmp_path: Path) -> Path:
    (tmp_path / "corpus.json").write_text('{"text": "one", "n": 1, "tokens": ["a", "b"]}\n{"n": 2}\n')
    return tmp_path / "corpus.json"


def values(table: DataFrame) -> list[object]:
    [column] = table.columns
    return [row[column] for row in table.collect()]


def test_text_has_one_document_per_line(spark, text):
    assert values(read(spark, text)) == ["one", "", "two"]


def test_options_are_passed_to_spark(spark, text):
    assert values(read(spark, text, options={"wholetext": "true"})) == ["one\n\ntwo\n"]


def test_a_json_document_without_the_column_is_null(spark, json_lines):
    assert values(read(spark, json_lines, format="json", column="text")) == ["one", None]


def test_documents_may_be_lists_of_tokens(spark, json_lines):
    tokens = read(spark, json_lines, format="json", column="tokens", tokenized=True)

    assert values(tokens) == [["a", "b"], None]


def test_a_column_that_no_json_document_has_is_refused_with_the_columns_that_exist(spark, json_lines):
    with pytest.raises(InputError) as error:
        read(spark, json_lines, format="json", column="body")

    assert str(error.value) == (
        f"input.column: {json_lines} has no column body; its columns are: n, text, tokens"
    )


def test_a_column_that_a_table_does_not_have_is_refused_with_the_columns_that_exist(spark, text):
    with pytest.raises(InputError, match=r"has no column text; its columns are: value$"):
        read(spark, text, column="text")


def test_a_column_of_numbers_is_refused_with_a_remedy(spark, tmp_path):
    spark.range(2).write.parquet(str(tmp_path / "numbers"))

    with pytest.raises(InputError, match="must be string, got bigint; name a column of text"):
        read(spark, tmp_path / "numbers", format="parquet", column="id")


def test_text_in_the_place_of_tokens_is_refused_with_a_remedy(spark, text):
    with pytest.raises(InputError, match=r"must be array<string>, got string; tokenizer\.kind"):
        read(spark, text, tokenized=True)


def test_a_format_that_spark_does_not_know_is_refused(spark, text):
    with pytest.raises(InputError, match=r"^input: cannot read .*corpus\.txt as nosuch: "):
        read(spark, text, format="nosuch")


def test_a_path_that_does_not_exist_is_refused(spark, tmp_path):
    with pytest.raises(InputError, match=r"^input: cannot read .*missing as text: "):
        read(spark, tmp_path / "missing")
