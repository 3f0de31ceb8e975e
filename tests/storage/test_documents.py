"""The user's documents, in every format and with every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from vecmill.errors import ConfigError, InputError
from vecmill.spark.session import using
from vecmill.storage.documents import EVERY_ENCODING, read_documents


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
    with pytest.raises(InputError, match=r"^input\.path: .*missing does not exist; "):
        read(spark, tmp_path / "missing")


@pytest.mark.parametrize("format_", ["text", "json", "csv", "parquet", "orc"])
def test_files_in_folders_below_are_read(spark, tmp_path, format_):
    for folder in ("a", "b/c", "day=1"):
        spark.createDataFrame([(folder,)], "text string").write.format(format_).save(f"{tmp_path}/{folder}")
    column = {"text": "value", "csv": "_c0"}.get(format_, "text")

    assert sorted(values(read(spark, tmp_path, format=format_, column=column))) == ["a", "b/c", "day=1"]


@pytest.mark.parametrize("column", ["my.text", "a`b", "two words", "größe"])
@pytest.mark.parametrize("format_", ["json", "csv", "parquet"])
def test_a_column_may_have_any_name(spark, tmp_path, column, format_):
    table = spark.createDataFrame([("one", 1)], f"`{column.replace('`', '``')}` string, n int")
    table.write.format(format_).option("header", "true").save(str(tmp_path / "out"))
    options = {"header": "true"} if format_ == "csv" else {}

    found = read(spark, tmp_path / "out", format=format_, column=column, options=options)

    assert found.columns == [column]
    assert values(found) == ["one"]


ENCODED = "Où êtes-vous, Zoë ?"


@pytest.mark.parametrize(
    "encoding", ["ISO-8859-1", "latin1", "windows-1252", "cp850", "iso8859-15", "gb18030"]
)
@pytest.mark.parametrize("format_", ["text", "csv"])
def test_text_in_another_encoding_is_decoded(spark, tmp_path, encoding, format_):
    (tmp_path / "a.txt").write_bytes(f"{ENCODED}\nfin\n".encode(encoding))
    column = "value" if format_ == "text" else "_c0"

    with using(spark, EVERY_ENCODING):
        table = read(
            spark, tmp_path, format=format_, column=column, encoding=encoding, options={"sep": ";"}
        )
        assert values(table) == [ENCODED, "fin"]


@pytest.mark.parametrize("encoding", ["shift_jis", "euc_jp", "euc_kr", "big5", "koi8-r", "cp1251"])
def test_many_encodings_are_known(spark, tmp_path, encoding):
    text = {"euc_kr": "서울", "koi8-r": "Москва", "cp1251": "Москва"}.get(encoding, "東京")
    (tmp_path / "a.txt").write_bytes(f"{text}\n{text}\n".encode(encoding))

    with using(spark, EVERY_ENCODING):
        assert values(read(spark, tmp_path, encoding=encoding)) == [text, text]


def test_bytes_that_are_invalid_in_an_encoding_become_the_replacement_character(spark, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a\x81b\n")

    with using(spark, EVERY_ENCODING):
        assert values(read(spark, tmp_path, encoding="shift_jis")) != []
        assert "\ufffd" in str(values(read(spark, tmp_path, encoding="windows-1252")))


def test_an_encoding_that_java_does_not_know_is_refused(spark, text):
    with (
        using(spark, EVERY_ENCODING),
        pytest.raises(ConfigError, match="Java does not know ptcp154; convert"),
    ):
        read(spark, text, encoding="ptcp154")


@pytest.mark.parametrize("named", ["utf-8", "UTF8", "utf-8-sig", "ascii"])
def test_utf8_by_any_name_is_not_decoded(spark, text, named):
    assert values(read(spark, text, encoding=named)) == ["one", "", "two"]


def test_json_objects_over_several_lines_are_refused_with_the_option(spark, tmp_path):
    (tmp_path / "a.json").write_text('[\n  {\n    "text": "a"\n  },\n  {\n    "text": "b"\n  }\n]\n')

    with pytest.raises(InputError, match=r'does not have one JSON object per line; .* multiLine = "true"'):
        read(spark, tmp_path, format="json", column="text")
    table = read(spark, tmp_path, format="json", column="text", options={"multiLine": "true"})
    assert values(table) == ["a", "b"]


def test_text_that_is_no_json_is_refused(spark, text):
    with pytest.raises(InputError, match="does not have one JSON object per line; check that it is JSON"):
        read(spark, text, format="json", column="text", options={"multiLine": "true"})


@pytest.mark.parametrize(
    ("content", "options", "remedy"),
    [
        (
            "id,text\n1,a b\n",
            {},
            'if its first line has their names, set input.options = { header = "true" }',
        ),
        ("id;text\n1;a b\n", {"header": "true"}, 'to separate columns at ;, set input.options.sep = ";"'),
        (
            "id\ttext\n1\ta b\n",
            {"header": "true"},
            r'to separate columns at \t, set input.options.sep = "\t"',
        ),
    ],
)
def test_a_csv_file_without_the_column_is_refused_with_the_option(
    spark, tmp_path, content, options, remedy
):
    (tmp_path / "a.csv").write_text(content)

    with pytest.raises(InputError) as error:
        read(spark, tmp_path, format="csv", column="text", options=options)

    assert str(error.value).endswith(remedy)


@pytest.mark.parametrize(
    ("format_", "options"),
    [
        ("csv", {"sep": ""}),
        ("csv", {"compression": "x"}),
        ("csv", {"maxColumns": "x"}),
        ("json", {"samplingRatio": "x"}),
        ("text", {"modifiedAfter": "yesterday"}),
    ],
)
def test_a_value_that_an_option_does_not_take_is_refused_in_one_sentence(spark, text, format_, options):
    column = "value" if format_ == "text" else "_c0"

    with pytest.raises(InputError, match=rf"^input: cannot read .*corpus\.txt as {format_}: ") as error:
        read(spark, text, format=format_, column=column, options=options).collect()

    assert len(str(error.value).splitlines()) == 1
