"""Splitting documents into tokens."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from vecmill.corpus.words import split_words
from vecmill.errors import InputError
from vecmill.formatting import shorten
from vecmill.storage.documents import quote_name
from vecmill.storage.schemas import TOKENS, arrow_schema, arrow_type
from vecmill.storage.task_table import ArrowMap, TaskTable

_DOCUMENT = "document"

_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_I_WITH_DOT = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"
_DOTLESS_I = "\N{LATIN SMALL LETTER DOTLESS I}"
_LONGEST = 2**31 - 1

Splitter = Callable[[pa.Array], pa.ListArray]


def tokenize_documents(
    documents: DataFrame,
    *,
    column: str,
    kind: str,
    lowercase: bool = True,
    language: str | None = None,
    pattern: str | None = None,
    min_length: int = 1,
    is_decoded: bool = False,
    counts: Observation | None = None,
) -> TaskTable:
    """DOCUMENTS -> TOKENS: one row per document that has a token.

    Spark cleans the documents, and Arrow splits them in the tasks; only `sentences` and custom patterns run
    in the JVM. Moving every token through Java would take several times as long.

    kind        how `column` is split:
                sentences   at Java's sentence and word boundaries, by the rules of each script
                regex       into the matches of `pattern`, a Java regular expression; without one, into
                            runs of letters, combining marks and digits: see `corpus.words`
                whitespace  at Unicode white space
                column      not at all: the column is an array<string> of tokens
                python      by the function "module:function" that `pattern` names, which takes a pyarrow
                            string array and returns a pyarrow list<string> array of the same length
    lowercase   by Unicode's rules and not by the machine's locale
    language    "tr" and "az" fold I to a dotless i
    min_length  tokens of fewer characters are dropped
    is_decoded  whether the reader has put U+FFFD in the place of invalid bytes
    counts      receives the counts of `TextCounts`

    Text is normalized to NFC, so é is one character however it was typed. Invalid UTF-8 becomes U+FFFD. A
    byte order mark at the start of a document is dropped.

    Raises InputError in the task, naming the function, if a function of the user fails or does not return
    one list of strings per document.
    """
    content = F.col(quote_name(column))
    if kind == "column":
        found = F.filter(content, lambda token: token.isNotNull())
        tokens = F.transform(found, lambda token: _fold(_compose(token), lowercase, language))
        cleaned = documents.select(
            F.xxhash64(content).alias("document_id"),
            F.lit(False).alias("invalid"),
            F.lit("").alias("text"),
            tokens.alias(_DOCUMENT),
        )
    else:
        without_mark = F.when(content.startswith(_MARK), F.substring(content, 2, _LONGEST)).otherwise(
            content
        )
        valid = documents.select(
            (~F.is_valid_utf8(content)).alias("invalid"), F.make_valid_utf8(without_mark).alias("text")
        )
        text = _fold(_compose(F.col("text")), lowercase, language)
        cleaned = valid.select(
            F.xxhash64("text").alias("document_id"),
            "invalid",
            "text",
            _split_in_java(text, kind, pattern).alias(_DOCUMENT),
        )
    if counts is not None:
        cleaned = cleaned.observe(counts, *_counted(F.col("text"), F.col("invalid"), F.col(_DOCUMENT)))
    present = cleaned.where(F.col(_DOCUMENT).isNotNull()).select("document_id", _DOCUMENT)
    return TaskTable(present, _splitting(kind, pattern, min_length))


class TextCounts(NamedTuple):
    """Counts of the documents that were read.

    documents           all of them
    null_documents      those without text
    invalid_utf8        those with bytes that are invalid in UTF-8, or in the encoding of the input
    invalid_characters  characters in these that stand for invalid bytes
    foreign_characters  other characters beyond ASCII in these
    nul_characters      NUL characters of all documents
    bytes               bytes of all documents
    """

    documents: int
    null_documents: int
    invalid_utf8: int
    invalid_characters: int
    foreign_characters: int
    nul_characters: int
    bytes: int

    @classmethod
    def of(cls, observed: Mapping[str, Any]) -> TextCounts:
        """The counts from the values of an Observation, which are null if there is no document."""
        return cls(*(int(observed[name] or 0) for name in cls._fields))


def _counted(text: Column, invalid: Column, document: Column) -> Iterator[Column]:
    """The columns of TextCounts. Characters are counted only in documents that have odd ones."""

    def characters(sign: str) -> Column:
        return F.length(text) - F.length(F.replace(text, F.lit(sign), F.lit("")))

    beyond = F.length(F.regexp_replace(text, r"[\x00-\x7F]", ""))
    values = {
        "documents": F.count(F.lit(1)),
        "null_documents": F.count_if(document.isNull()),
        "invalid_utf8": F.count_if(invalid),
        "invalid_characters": F.sum(F.when(invalid, characters(_REPLACEMENT))),
        "foreign_characters": F.sum(F.when(invalid, beyond - characters(_REPLACEMENT))),
        "nul_characters": F.sum(F.when(text.contains("\0"), characters("\0"))),
        "bytes": F.sum(F.octet_length(text)),
    }
    return (values[name].alias(name) for name in TextCounts._fields)


def python_tokenizer(name: str) -> Splitter:
    """The function that "module:function" names.

    Raises ImportError, AttributeError, ValueError, TypeError if it is no function, and what its module
    raises.
    """
    module, function = name.split(":")
    found = getattr(importlib.import_module(module), function)
    if not callable(found):
        raise TypeError(f"{function} is {type(found).__name__} and not a function")
    return found  # type: ignore[no-any-return]


def _compose(text: Column) -> Column:
    """`text` in NFC, by the ICU library that Spark ships: Spark SQL has no function for it."""
    composed = F.java_method(
        F.lit("com.ibm.icu.text.Normalizer"),
        F.lit("compose"),
        F.coalesce(text, F.lit("")),
        F.lit(False),
    )
    return F.when(text.isNotNull(), composed)


def _fold(text: Column, lowercase: bool, language: str | None) -> Column:
    if lowercase and language in ("tr", "az"):
        text = F.translate(
            text, "I\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "\N{LATIN SMALL LETTER DOTLESS I}i"
        )
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
        return _checked(pattern or "")
    if kind == "whitespace":
        return pc.utf8_split_whitespace  # type: ignore[no-any-return]
    if kind == "regex" and not pattern:
        return split_words
    return lambda tokens: tokens


def _checked(name: str) -> Splitter:
    """A function of the user. It raises InputError with the name of the function in one line."""
    try:
        function = python_tokenizer(name)
    except Exception as error:
        raise InputError(
            f"tokenizer.pattern: a worker cannot import {name} ({_brief(error)}); give its module with "
            "--py-files, or install it on every worker"
        ) from error

    def split(text: pa.Array) -> pa.ListArray:
        try:
            tokens = function(text)
        except (Exception, SystemExit) as error:
            raise InputError(
                f"tokenizer.pattern: {name} raised {_brief(error)}; correct the function"
            ) from error
        if isinstance(tokens, pa.ChunkedArray):
            tokens = tokens.combine_chunks()
        expected = f"must return a pyarrow list<string> array of {len(text):,} elements, one per document"
        if not isinstance(tokens, pa.Array):
            raise InputError(f"tokenizer.pattern: {name} {expected}, got {type(tokens).__name__}")
        if not _is_list_of_strings(tokens.type):
            raise InputError(f"tokenizer.pattern: {name} {expected}, got {str(tokens.type)[:100]}")
        if len(tokens) != len(text):
            raise InputError(f"tokenizer.pattern: {name} {expected}, got {len(tokens):,}")
        return tokens

    return split


def _is_list_of_strings(found: pa.DataType) -> bool:
    is_list = pa.types.is_list(found) or pa.types.is_large_list(found) or pa.types.is_fixed_size_list(found)
    # An array without any token has no type of tokens.
    return is_list and any(
        is_one(found.value_type)
        for is_one in (pa.types.is_string, pa.types.is_large_string, pa.types.is_null)
    )


def _brief(error: BaseException) -> str:
    """An error of the user's function in one line."""
    return shorten(f"{type(error).__name__}: {error}", 300)


def _at_least(tokens: pa.ListArray, min_length: int) -> pa.ListArray:
    """The lists without nulls, empty tokens and tokens of fewer than `min_length` characters."""
    words = tokens.flatten().cast(pa.string())
    length = pc.utf8_length(words) if min_length > 1 else pc.binary_length(words)
    kept = pc.fill_null(pc.greater_equal(length, max(min_length, 1)), False)
    ends = np.cumsum(pc.fill_null(pc.list_value_length(tokens), 0).to_numpy())
    kept_before = np.concatenate(([0], np.cumsum(kept.to_numpy(zero_copy_only=False))))
    offsets = kept_before[np.concatenate(([0], ends))].astype(np.int32)
    return pa.ListArray.from_arrays(offsets, words.filter(kept), type=_ARROW_LISTS)


_ARROW_TOKENS = arrow_schema(TOKENS)
_ARROW_LISTS = arrow_type(TOKENS["tokens"].dataType)
