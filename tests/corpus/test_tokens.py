"""Tokenizing documents: every kind of splitting, Unicode, and the counts."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from vecmill.corpus.tokens import python_tokenizer, tokenize_documents
from vecmill.storage.schemas import TOKENS

TEXT = StructType([StructField("text", StringType())])
TOKEN_LISTS = StructType([StructField("tokens", ArrayType(StringType()))])

COMBINING_ACUTE = "\N{COMBINING ACUTE ACCENT}"
CAPITAL_I_WITH_DOT = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def documents(spark: SparkSession, *texts: str | None) -> DataFrame:
    return spark.createDataFrame([(text,) for text in texts], TEXT)


def tokenize(given: DataFrame, **settings: Any) -> DataFrame:
    table = tokenize_documents(given, **settings)
    return table.partitions.mapInArrow(table.read, TOKENS)


def assert_tokens(tokens: DataFrame, *expected: list[str]) -> None:
    """`tokens` has one row per expected list, in any order."""
    spark = tokens.sparkSession
    assert_df_equality(
        tokens.select("tokens"),
        spark.createDataFrame([(some,) for some in expected], TOKEN_LISTS),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_sentences_are_split_into_words_by_the_rules_of_their_script(spark):
    text = documents(spark, "Don't stop. It's 3.14, isn't it?", "¿Qué? ¡Nada!")

    tokens = tokenize(text, column="text", kind="sentences")

    assert_tokens(tokens, ["don't", "stop", "it's", "3.14", "isn't", "it"], ["qué", "nada"])


def test_without_a_pattern_tokens_are_runs_of_letters_marks_and_digits(spark):
    text = documents(spark, "state-of-the-art, 1st_place!", "Привет, мир", "नमस्ते दुनिया", "東京")

    tokens = tokenize(text, column="text", kind="regex")

    assert_tokens(
        tokens,
        ["state", "of", "the", "art", "1st", "place"],
        ["привет", "мир"],
        ["नमस्ते", "दुनिया"],
        ["東京"],
    )


def test_a_pattern_says_what_a_token_is(spark):
    text = documents(spark, "a1 bb22 c")

    tokens = tokenize(text, column="text", kind="regex", pattern=r"([a-z]+)(\d+)")

    assert_tokens(tokens, ["a1", "bb22"])


@pytest.mark.parametrize(
    ("kind", "java_pattern"), [("regex", r"[\p{L}\p{M}\p{N}]+"), ("whitespace", r"(?U)\S+")]
)
def test_arrow_splits_text_as_java_does(spark, kind, java_pattern):
    # Characters of Unicode 3.2, which both support; Java's tables may be years older than Arrow's.
    category = unicodedata.ucd_3_2_0.category
    known = [chr(n) for n in range(0x20, 0x2FFFF) if category(chr(n)) not in ("Cn", "Cs")]
    text = documents(spark, *(f"a{character}b" for character in known))

    ours = tokenize(text, column="text", kind=kind, lowercase=False)
    theirs = tokenize(text, column="text", kind="regex", lowercase=False, pattern=java_pattern)

    assert len(known) > 90_000
    assert ours.exceptAll(theirs).collect() == theirs.exceptAll(ours).collect() == []


def test_white_space_of_every_kind_separates_tokens(spark):
    text = documents(spark, "  one\ttwo\u00a0three\u3000four\nfive,  ")

    tokens = tokenize(text, column="text", kind="whitespace")

    assert_tokens(tokens, ["one", "two", "three", "four", "five,"])


def test_a_column_of_tokens_is_used_without_its_nulls_and_empty_tokens(spark):
    rows = [(["New York", "b", None, ""],), ([],), (None,), ([None],), (["Cafe" + COMBINING_ACUTE],)]
    given = spark.createDataFrame(rows, TOKEN_LISTS)

    tokens = tokenize(given, column="tokens", kind="column")

    assert_tokens(tokens, ["new york", "b"], ["café"])


def test_a_function_that_is_named_with_its_module_splits_on_the_workers(spark):
    text = documents(spark, "A b,c", None, "", ",d,")

    tokens = tokenize(text, column="text", kind="python", pattern="tests.corpus.tokenizers:split_at_commas")

    assert_tokens(tokens, ["a b", "c"], ["d"])


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("no.such.module:split", ImportError),
        ("tests.corpus.tokenizers:no_such_function", AttributeError),
        ("split", ValueError),
    ],
)
def test_a_name_without_a_function_is_an_error(name, error):
    with pytest.raises(error):
        python_tokenizer(name)


def test_text_is_normalized_so_that_a_letter_is_one_character(spark):
    text = documents(spark, f"cafe{COMBINING_ACUTE} café")

    tokens = tokenize(text, column="text", kind="regex")

    assert_tokens(tokens, ["café", "café"])


def test_a_mark_that_composes_with_nothing_stays_with_its_letter(spark):
    text = documents(spark, f"x{COMBINING_ACUTE}y z")

    tokens = tokenize(text, column="text", kind="regex")

    assert_tokens(tokens, [f"x{COMBINING_ACUTE}y", "z"])


def test_case_is_folded_by_unicode_and_not_by_the_locale(spark):
    text = documents(spark, f"TITLE {CAPITAL_I_WITH_DOT}STANBUL STRASSE Straße GROẞ ΟΔΟΣ")
    java = spark.sparkContext._jvm.java.util.Locale
    before = java.getDefault()
    java.setDefault(java.forLanguageTag("tr-TR"))
    try:
        tokens = tokenize(text, column="text", kind="whitespace").localCheckpoint()
    finally:
        java.setDefault(before)

    folded_i = "i\N{COMBINING DOT ABOVE}"
    assert_tokens(tokens, ["title", f"{folded_i}stanbul", "strasse", "straße", "groß", "οδος"])


@pytest.mark.parametrize("kind", ["regex", "column"])
def test_case_is_kept_without_lowercase(spark, kind):
    given = documents(spark, "Ab")
    if kind == "column":
        given = given.select(F.array("text").alias("text"))

    tokens = tokenize(given, column="text", kind=kind, lowercase=False)

    assert_tokens(tokens, ["Ab"])


def test_tokens_of_fewer_characters_than_the_minimum_are_dropped(spark):
    # The face is one character of two UTF-16 units and four bytes.
    text = documents(spark, "a bb 😀 é éé ccc", "a b")

    tokens = tokenize(text, column="text", kind="whitespace", min_length=2)

    assert_tokens(tokens, ["bb", "éé", "ccc"])


def test_invalid_utf8_becomes_the_replacement_character(spark, tmp_path: Path):
    (tmp_path / "text").write_bytes(b"good one\nb\xffd \xc3\n\xe2\x82\xac\n")
    text = spark.read.text(str(tmp_path / "text"))
    counts = Observation("invalid")

    tokens = tokenize(text, column="value", kind="whitespace", counts=counts)

    # Before the comparison, which may compute the rows more than once.
    tokens.collect()
    assert counts.get["invalid_utf8"] == 1
    assert_tokens(tokens, ["good", "one"], [f"b{REPLACEMENT}d", REPLACEMENT], ["€"])


def test_documents_are_counted(spark):
    text = documents(spark, "a b", None, "", "!!", "c", None)
    counts = Observation("counts")

    tokenize(text, column="text", kind="regex", counts=counts).collect()

    assert counts.get == {
        "documents": 6,
        "null_documents": 2,
        "invalid_utf8": 0,
    }


def test_a_column_of_tokens_is_counted_the_same_way(spark):
    given = spark.createDataFrame([(["a", "b"],), ([],), (None,), ([None],)], TOKEN_LISTS)
    counts = Observation("column counts")

    tokenize(given, column="tokens", kind="column", counts=counts).collect()

    assert counts.get == {
        "documents": 4,
        "null_documents": 1,
        "invalid_utf8": 0,
    }


def test_the_id_of_a_document_depends_on_its_content_alone(spark):
    text = documents(spark, "same text", "other", "same text", "SAME TEXT")

    one, three = (
        tokenize(text.repartition(n), column="text", kind="regex").sort("document_id", "tokens")
        for n in (1, 3)
    )

    assert one.schema.simpleString() == TOKENS.simpleString()
    rows = one.collect()
    assert rows == three.collect()
    assert [row["tokens"] for row in rows].count(["same", "text"]) == 3
    assert len({row["document_id"] for row in rows}) == 3


@pytest.mark.parametrize("kind", ["sentences", "regex", "whitespace"])
def test_a_document_of_a_million_words_is_one_row(spark, kind):
    text = spark.range(1).select(F.repeat(F.lit("Word "), 1_000_000).alias("text"))

    tokens = tokenize(text, column="text", kind=kind)

    row = tokens.select(F.size("tokens").alias("size"), F.array_distinct("tokens").alias("words"))
    assert [tuple(found) for found in row.collect()] == [(1_000_000, ["word"])]
