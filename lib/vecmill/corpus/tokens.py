"""Documents to tokens."""

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

# What separates tokens unless a pattern says what tokens are: anything but letters with their combining
# marks and digits, of every script.
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

    Spark cleans the documents and Arrow splits them, in the tasks; only `sentences` and custom patterns run
    in the JVM. Moving every token through Java would take several times as long.

    `kind` says how `column` is split:
        sentences   Java's sentence and word boundaries, by the rules of each script
        regex       every match of `pattern`, a Java regular expression; without one, every run of
                    letters, combining marks and digits
        whitespace  at Unicode white space
        column      the column is an array<string> of tokens already
        python      `pattern` names a function "module:function" that takes a pyarrow string array and
                    returns a pyarrow list<string> array of the same length

    Text is composed (NFC), so that é is one letter however it was typed, and lower-cased by Unicode's rules
    and not by the machine's locale, which in Turkish would turn I into a dotless i. Invalid UTF-8 becomes
    U+FFFD. Tokens shorter than `min_length` characters are dropped. `counts` receives documents,
    null_documents and invalid_utf8.
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
    """`text` in NFC, by the ICU that Spark ships; Spark's SQL has no function for it."""
    composed = F.java_method(
        F.lit("com.ibm.icu.text.Normalizer"),
        F.lit("compose"),
        F.coalesce(text, F.lit("")),
        F.lit(False),
    )
    return F.when(text.isNotNull(), composed)


def _fold(text: Column, lowercase: bool) -> Column:
    # The collation makes lower() follow Unicode and not the JVM's default locale.
    return F.collate(F.lower(F.collate(text, "UNICODE")), "UTF8_BINARY") if lowercase else text


def _split_in_java(text: Column, kind: str, pattern: str | None) -> Column:
    """The tokens of `text` if Java finds them, else `text` unchanged."""
    if kind == "sentences":
        return F.flatten(F.sentences(text))
    if kind == "regex" and pattern:
        return F.regexp_extract_all(text, F.lit(pattern), F.lit(0))
    return text


def _splitting(kind: str, pattern: str | None, min_length: int) -> ArrowMap:
    """Batches of (document_id, document), a string or a list of tokens, to batches of TOKENS."""

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
    """The lists without nulls, empty tokens, and tokens of fewer than `min_length` characters."""
    words = tokens.flatten().cast(pa.string())
    kept = pc.fill_null(pc.greater_equal(pc.utf8_length(words), max(min_length, 1)), False)
    ends = np.cumsum(pc.fill_null(pc.list_value_length(tokens), 0).to_numpy())
    kept_before = np.concatenate(([0], np.cumsum(kept.to_numpy(zero_copy_only=False))))
    offsets = kept_before[np.concatenate(([0], ends))].astype(np.int32)
    return pa.ListArray.from_arrays(offsets, words.filter(kept), type=_ARROW_LISTS)


_ARROW_TOKENS = arrow_schema(TOKENS)
_ARROW_LISTS = arrow_type(TOKENS["tokens"].dataType)
