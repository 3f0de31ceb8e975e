"""Documents to tokens."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

KINDS = ("sentences", "regex", "whitespace", "column", "python")

# Letters with their combining marks, and digits, of every script.
DEFAULT_PATTERN = r"[\p{L}\p{M}\p{N}]+"


def tokenize(
    documents: DataFrame,
    *,
    column: str,
    kind: str,
    lowercase: bool = True,
    pattern: str | None = None,
    min_length: int = 1,
    counts: Observation | None = None,
) -> DataFrame:
    """DOCUMENTS -> TOKENS: one row a document that has any token.

    `kind` says how `column` is split:
        sentences   Java's sentence and word boundaries, by the rules of each script
        regex       every match of `pattern`, a Java regular expression
        whitespace  whatever stands between Unicode white space
        column      the column is an array<string> of tokens already
        python      `pattern` names a function "module:function" that takes a pyarrow string array and
                    returns a pyarrow list<string> array of the same length

    Text is brought to Unicode's composed form (NFC), so that é is one letter however it was typed,
    and lower-cased by Unicode's rules and not the machine's locale, which in Turkish would turn I
    into a dotless i. Invalid UTF-8 becomes U+FFFD. Tokens shorter than `min_length` characters are
    left out. `counts` receives documents, null_documents, invalid_utf8, empty_documents and tokens.
    """
    content = F.col(column)
    if kind == "column":
        raw = documents.select(
            F.xxhash64(content).alias("document_id"),
            content.isNull().alias("null"),
            F.lit(False).alias("invalid"),
            F.filter(content, lambda token: token.isNotNull()).alias("tokens"),
        )
        split = raw.withColumn("tokens", F.transform("tokens", lambda t: _fold(_compose(t), lowercase)))
    else:
        valid = documents.select(
            content.isNull().alias("null"),
            (~F.is_valid_utf8(content)).alias("invalid"),
            F.make_valid_utf8(content).alias("text"),
        )
        composed = valid.select(
            F.xxhash64("text").alias("document_id"),
            "null",
            "invalid",
            _fold(_compose(F.col("text")), lowercase).alias("text"),
        )
        split = _split(composed, kind, pattern)
    counted = split.withColumn("tokens", _at_least(min_length))
    if counts is not None:
        counted = counted.observe(
            counts,
            F.count(F.lit(1)).alias("documents"),
            F.count_if("null").alias("null_documents"),
            F.count_if("invalid").alias("invalid_utf8"),
            F.count_if(~F.col("null") & (F.size("tokens") == 0)).alias("empty_documents"),
            F.sum(F.when(~F.col("null"), F.size("tokens"))).alias("tokens"),
        )
    return counted.where(F.size("tokens") > 0).select("document_id", "tokens")


def python_tokenizer(name: str) -> Callable[[pa.Array], pa.Array]:
    """The function that "module:function" names.

    Raises ImportError, AttributeError or ValueError where there is none.
    """
    module, function = name.split(":")
    return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]


def _at_least(min_length: int) -> Column:
    if min_length <= 1:
        # Spark compiles this, and calls a lambda token by token.
        return F.array_remove("tokens", "")
    return F.filter("tokens", lambda t: F.char_length(t) >= min_length)


def _compose(text: Column) -> Column:
    """`text` in NFC, by the ICU that Spark ships; Spark's SQL has no function of its own for it."""
    composed = F.java_method(
        F.lit("com.ibm.icu.text.Normalizer"),
        F.lit("compose"),
        F.coalesce(text, F.lit("")),
        F.lit(False),
    )
    return F.when(text.isNotNull(), composed)


def _fold(text: Column, lowercase: bool) -> Column:
    # The collation is what makes lower() ask Unicode and not the JVM's default locale.
    return F.collate(F.lower(F.collate(text, "UNICODE")), "UTF8_BINARY") if lowercase else text


def _split(documents: DataFrame, kind: str, pattern: str | None) -> DataFrame:
    text = F.col("text")
    if kind == "python":
        return _split_in_python(documents, pattern or "")
    tokens = {
        "sentences": lambda: F.flatten(F.sentences(text)),
        "regex": lambda: F.regexp_extract_all(text, F.lit(pattern or DEFAULT_PATTERN), F.lit(0)),
        "whitespace": lambda: F.split(text, r"(?U)\s+"),
    }[kind]()
    return documents.withColumn("tokens", tokens).drop("text")


def _split_in_python(documents: DataFrame, name: str) -> DataFrame:
    def split(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        tokenizer = python_tokenizer(name)
        for batch in batches:
            tokens = tokenizer(batch.column("text"))
            kept = batch.drop_columns(["text"])
            yield kept.append_column("tokens", tokens.cast(pa.list_(pa.string())))

    fields = [field for field in documents.schema if field.name != "text"]
    tokens = StructField("tokens", ArrayType(StringType()))
    return documents.mapInArrow(split, StructType([*fields, tokens]))
