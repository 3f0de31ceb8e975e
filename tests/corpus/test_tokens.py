"""Tokenizing documents: every kind of splitting, Unicode, and the counts."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from vecmill.corpus.tokens import TextCounts, python_tokenizer, tokenize_documents
from vecmill.storage.schemas import TOKENS

TEXT = StructType([StructField("text", StringType())])
TOKEN_LISTS = StructType([StructField("tokens", ArrayType(StringType()))])

COMBINING_ACUTE = "\N{COMBINING ACUTE ACCENT}"
CAPITAL_I_WITH_DOT = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
SOFT_HYPHEN = "\N{SOFT HYPHEN}"
ZWJ, ZWNJ = "\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}"
EMOJI_MARK = "\N{VARIATION SELECTOR-16}"
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


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
    ("kind", "java_pattern"),
    [
        ("regex", r"[\p{L}\p{N}][\p{L}\p{M}\p{N}\x{200C}\x{200D}\x{180E}]*"),
        ("whitespace", r"(?U)\S+"),
    ],
)
def test_arrow_splits_text_as_java_does(spark, kind, java_pattern):
    # Characters of Unicode 3.2, which both support; Java's tables may be years older than Arrow's.
    category = unicodedata.ucd_3_2_0.category
    known = [chr(n) for n in range(0x20, 0x2FFFF) if category(chr(n)) not in ("Cn", "Cs")]
    known.remove(SOFT_HYPHEN)
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
        ("tests.corpus.tokenizers:pa", TypeError),
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


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # Sinhala, Persian, Malayalam and Mongolian.
        (f"ශ්{ZWJ}රී ලංකා ප්{ZWJ}රක", 3),
        (f"می{ZWNJ}خو کت{ZWNJ}د ر", 3),
        (f"അവന്{ZWJ} അവന്{ZWJ}", 2),
        ("\u1820\u182d\u180e\u1820 a", 2),
    ],
)
def test_joiners_inside_words_do_not_split_them(spark, text, tokens):
    assert_tokens(tokenize(documents(spark, text), column="text", kind="regex"), text.split(" "))
    assert len(text.split(" ")) == tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"a{ZWNJ}b", [f"a{ZWNJ}b"]),
        (f"a{ZWNJ}{ZWJ} b{ZWJ}.{ZWNJ}c{ZWNJ}", ["a", "b", "c"]),
        (f"{ZWJ}a {ZWNJ}b", ["a", "b"]),
        (f"co{SOFT_HYPHEN}operate{SOFT_HYPHEN} {SOFT_HYPHEN}x", ["cooperate", "x"]),
        (f"a{SOFT_HYPHEN}{ZWNJ} b", ["a", "b"]),
        (f"sun ☀{EMOJI_MARK} {EMOJI_MARK}moon", ["sun", "moon"]),
        (f"👩{ZWJ}👩{ZWJ}👧 ❤{EMOJI_MARK}{ZWJ}🔥 x", ["x"]),
        (
            f"{COMBINING_ACUTE}x {COMBINING_ACUTE} y{COMBINING_ACUTE}z",
            ["x", f"y{COMBINING_ACUTE}z".replace("y\u0301", "ý")],
        ),
        (f"{EMOJI_MARK}", None),
        (f"{ZWJ}", None),
        (f"{SOFT_HYPHEN}", None),
        (f"☀{EMOJI_MARK}", None),
        ("\u25cc\u0902 ं", None),
        (f"{BYTE_ORDER_MARK}king queen", ["king", "queen"]),
    ],
)
def test_marks_and_joiners_without_a_letter_are_no_tokens(spark, text, expected):
    tokens = tokenize(documents(spark, "first", text, "last"), column="text", kind="regex")

    assert_tokens(tokens, ["first"], *([expected] if expected else []), ["last"])


@pytest.mark.parametrize("kind", ["regex", "whitespace", "sentences"])
def test_a_byte_order_mark_is_no_part_of_the_first_token(spark, kind):
    tokens = tokenize(documents(spark, f"{BYTE_ORDER_MARK}king queen"), column="text", kind=kind)

    assert_tokens(tokens, ["king", "queen"])


@pytest.mark.parametrize("kind", ["regex", "whitespace", "column"])
@pytest.mark.parametrize("language", ["tr", "az"])
def test_turkish_and_azerbaijani_have_an_i_without_a_dot(spark, kind, language):
    text = documents(spark, f"KIR kir {CAPITAL_I_WITH_DOT}ZM{CAPITAL_I_WITH_DOT}R I\u0307 ŞIK")
    if kind == "column":
        text = text.select(F.split("text", " ").alias("text"))

    tokens = tokenize(text, column="text", kind=kind, language=language)

    assert_tokens(tokens, ["k\u0131r", "kir", "izmir", "i", "ş\u0131k"])


def test_a_language_without_lowercase_changes_nothing(spark):
    tokens = tokenize(documents(spark, "KIR"), column="text", kind="regex", language="tr", lowercase=False)

    assert_tokens(tokens, ["KIR"])


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        ("raise_an_error", "raised ValueError: no words in line 1 and line 2; correct the function"),
        ("return_a_list", "elements, one per document, got list"),
        ("return_numbers", "elements, one per document, got list<item: int64>"),
        ("return_strings", "elements, one per document, got string"),
        (
            "return_one_fewer",
            "must return a pyarrow list<string> array of 2 elements, one per document, got 1",
        ),
        ("return_none", "elements, one per document, got NoneType"),
        ("exit_the_worker", "raised SystemExit: 3; correct the function"),
    ],
)
def test_a_function_that_fails_is_named_with_its_error_in_one_line(spark, function, fault):
    name = f"tests.corpus.tokenizers:{function}"
    tokens = tokenize(documents(spark, "a b", "c").coalesce(1), column="text", kind="python", pattern=name)

    with pytest.raises(PySparkException) as error:
        tokens.collect()

    sentence = re.search(r"vecmill\.errors\.InputError: (.+)", str(error.value))
    assert sentence is not None
    assert sentence[1].startswith(f"tokenizer.pattern: {name} ")
    assert sentence[1].endswith(fault)


@pytest.mark.parametrize("function", ["return_large_lists", "return_chunks", "return_no_tokens"])
def test_a_function_may_return_any_array_of_lists_of_strings(spark, function):
    name = f"tests.corpus.tokenizers:{function}"

    tokens = tokenize(documents(spark, "a b", "c"), column="text", kind="python", pattern=name)

    assert_tokens(tokens, *([] if function == "return_no_tokens" else [["a", "b"], ["c"]]))


@pytest.mark.parametrize("column", ["my.text", "a`b", "two words", "``", "x.`y`"])
def test_a_column_may_have_any_name(spark, column):
    text = spark.createDataFrame([("a b",)], StructType([StructField(column, StringType())]))

    assert_tokens(tokenize(text, column=column, kind="regex"), ["a", "b"])


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
    assert counts.get["invalid_characters"] == 2
    assert_tokens(tokens, ["good", "one"], [f"b{REPLACEMENT}d", REPLACEMENT], ["€"])


def test_documents_are_counted(spark):
    text = documents(spark, "a b", None, "", "!!", "c", None)
    counts = Observation("counts")

    tokenize(text, column="text", kind="regex", counts=counts).collect()

    assert TextCounts.of(counts.get) == (6, 2, 0, 0, 0, 0, 6)


def test_a_column_of_tokens_is_counted_the_same_way(spark):
    given = spark.createDataFrame([(["a", "b"],), ([],), (None,), ([None],)], TOKEN_LISTS)
    counts = Observation("column counts")

    tokenize(given, column="tokens", kind="column", counts=counts).collect()

    assert TextCounts.of(counts.get) == (4, 1, 0, 0, 0, 0, 0)


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
