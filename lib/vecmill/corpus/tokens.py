"""Splitting documents into tokens."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from vecmill.storage.schemas import TOKENS, arrow_schema, arrow_type
from vecmill.storage.task_table import ArrowMap, TaskTable

# What separates tokens without a pattern: anything but letters, combining marks and digits, of all scripts.
_BETWEEN_TOKENS = r"[^\p{L}\p{M}\p{N}]+"

_DOCUMENT = "document"

Splitter = Callable[[pa.Array], pa.ListArray]


def tokenize_documents(
    documents: DataFrame,
    *,
    column: str,
    kind: str,
    lowercase: bool = True,
    pattern: str | None = None,
    min_length: int = 1,
    counts: Observation | None = None,
) -> TaskTable:
    """DOCUMENTS -> TOKENS: one row per document that has a token.

    Spark cleans the documents, and Arrow splits them in the tasks; only `sentences` and custom patterns run
    in the JVM. Moving every token through Java would take several times as long.

    kind        how `column` is split:
                sentences   at Java's sentence and word boundaries, by the rules of each script
                regex       into the matches of `pattern`, a Java regular expression; without one, into
                            runs of letters, combining marks and digits
                whitespace  at Unicode white space
                column      not at all: the column is an array<string> of tokens
                python      by the function "module:function" that `pattern` names, which takes a pyarrow
                            string array and returns a pyarrow list<string> array of the same length
    lowercase   by Unicode's rules and not by the machine's locale: a Turkish locale would turn I into a
                dotless i
    min_length  tokens of fewer characters are dropped
    counts      receives documents, null_documents and invalid_utf8

    Text is normalized to NFC, so é is one character however it was typed. Invalid UTF-8 becomes U+FFFD.
    """
    content = F.col(column)
    if kind == "column":
        found = F.filter(content, lambda token: token.isNotNull())
        tokens = F.transform(found, lambda token: _fold(_compose(token), lowercase))
        cleaned = documents.select(
            F.xxhash64(content).alias("document_id"), F.lit(False).alias("invalid"), tokens.alias(_DOCUMENT)
        )
    else:
        valid = documents.select(
            (~F.is_valid_utf8(content)).alias("invalid"), F.make_valid_utf8(content).alias("text")
        )
        text = _fold(_compose(F.col("text")), lowercase)
        cleaned = valid.select(
            F.xxhash64("text").alias("document_id"),
            "invalid",
            _split_in_java(text, kind, pattern).alias(_DOCUMENT),
        )
    if counts is not None:
        cleaned = cleaned.observe(
            counts,
            F.count(F.lit(1)).alias("documents"),
            F.count_if(F.col(_DOCUMENT).isNull()).alias("null_documents"),
            F.count_if("invalid").alias("invalid_utf8"),
        )
    present = cleaned.where(F.col(_DOCUMENT).isNotNull()).select("document_id", _DOCUMENT)
    return TaskTable(present, _splitting(kind, pattern, min_length))


def python_tokenizer(name: str) -> Splitter:
    """The function that "module:function" names. Raises ImportError, AttributeError or ValueError."""
    module, function = name.split(":")
    return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]


def _compose(text: Column) -> Column:
    """`text` in NFC, by the ICU library that Spark ships: Spark SQL has no function for it."""
    composed = F.java_method(
        F.lit("com.ibm.icu.text.Normalizer"),
        F.lit("compose"),
        F.coalesce(text, F.lit("")),
        F.lit(False),
    )
    return F.when(text.isNotNull(), composed)


def _fold(text: Column, lowercase: bool) -> Column:
    # With this collation, lower() follows Unicode and not the JVM's default locale.
    return F.collate(F.lower(F.collate(text, "UNICODE")), "UTF8_BINARY") if lowercase else text


def _split_in_java(text: Column, kind: str, pattern: str | None) -> Column:
    """The tokens of `text` for the kinds that are split in the JVM; `text` unchanged for the others."""
    if kind == "sentences":
        return F.flatten(F.sentences(text))
    if kind == "regex" and pattern:
        return F.regexp_extract_all(text, F.lit(pattern), F.lit(0))
    return text


def _splitting(kind: str, pattern: str | None, min_length: int) -> ArrowMap:
    """(document_id, document) -> TOKENS; a document is a string, or the list of its tokens."""

    def split(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        splitter = _splitter(kind, pattern)
        for batch in batches:
            tokens = _at_least(splitter(batch.column(_DOCUMENT)), min_length)
            columns = [batch.column("document_id"), tokens]
            table = pa.RecordBatch.from_arrays(columns, schema=_ARROW_TOKENS)
            yield table.filter(pc.greater(pc.list_value_length(tokens), 0))

    return split


def _splitter(kind: str, pattern: str | None) -> Splitter:
    if kind == "python":
        return python_tokenizer(pattern or "")
    if kind == "whitespace":
        return pc.utf8_split_whitespace  # type: ignore[no-any-return]
    if kind == "regex" and not pattern:
        return lambda text: pc.split_pattern_regex(text, _BETWEEN_TOKENS)
    return lambda tokens: tokens


def _at_least(tokens: pa.ListArray, min_length: int) -> pa.ListArray:
    """The lists without nulls, empty tokens and tokens of fewer than `min_length` characters."""
    words = tokens.flatten().cast(pa.string())
    kept = pc.fill_null(pc.greater_equal(pc.utf8_length(words), max(min_length, 1)), False)
    ends = np.cumsum(pc.fill_null(pc.list_value_length(tokens), 0).to_numpy())
    kept_before = np.concatenate(([0], np.cumsum(kept.to_numpy(zero_copy_only=False))))
    offsets = kept_before[np.concatenate(([0], ends))].astype(np.int32)
    return pa.ListArray.from_arrays(offsets, words.filter(kept), type=_ARROW_LISTS)


_ARROW_TOKENS = arrow_schema(TOKENS)
_ARROW_LISTS = arrow_type(TOKENS["tokens"].dataType)
