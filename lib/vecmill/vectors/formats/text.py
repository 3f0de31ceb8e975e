"""Rows of numbers as text and back, in Arrow's compiled loops and not number by number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vecmill.errors import InputError
from vecmill.vectors.formats.streams import CONVERT, DAMAGED, Floats, broken

BYTES_AT_ONCE = 1 << 22


def joined_rows(vectors: Floats, separator: str) -> pa.Array:
    """One string a row of `vectors` (b, d): the shortest decimals that give the same float32."""
    rows, dim = vectors.shape
    numbers = pa.array(vectors.ravel()).cast(pa.string())
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * dim)
    return pc.binary_join(pa.ListArray.from_arrays(offsets, numbers), separator)


def lines(*columns: pa.Array, separator: str) -> bytes:
    """The columns side by side, a line a row, as UTF-8."""
    texts = pc.binary_join_element_wise(*columns, separator)
    return "".join(text + "\n" for text in texts.to_pylist()).encode()


def read_rows(
    path: Path, file: BinaryIO, dim: int, *, first_line: int, surplus: str
) -> tuple[list[str], Floats]:
    """The words and vectors (V, dim) in the rest of `file`, which begins at line `first_line`.

    A line is a word and `dim` numbers with single spaces between; one more space at its end, as
    word2vec.c writes it, does no harm. A word whose text matches `surplus` gives away a line of too
    many columns. Raises InputError with the number of the line that is broken.
    """
    words: list[str] = []
    vectors = [np.empty((0, dim), np.float32)]
    for number, some_lines in _numbered_lines(file, first_line):
        more_words, more_vectors = _parsed(path, number, some_lines, dim, surplus)
        words += more_words
        vectors.append(more_vectors)
    return words, np.concatenate(vectors)


def _numbered_lines(file: BinaryIO, number: int) -> Iterator[tuple[int, list[bytes]]]:
    while some_lines := file.readlines(BYTES_AT_ONCE):
        yield number, some_lines
        number += len(some_lines)


def _parsed(
    path: Path, number: int, some_lines: list[bytes], dim: int, surplus: str
) -> tuple[list[str], Floats]:
    texts = pc.ascii_rtrim(_decoded(path, number, some_lines), characters=" \r\n")
    # From the right, so that a word with spaces in it stays in one piece.
    columns = pc.split_pattern(texts, pattern=" ", max_splits=dim, reverse=True)
    too_narrow = np.flatnonzero(pc.list_value_length(columns).to_numpy() != dim + 1)
    if too_narrow.size:
        raise _wrong_width(path, number, texts, too_narrow[0], dim)

    cells = columns.flatten()
    is_word = np.arange(len(cells)) % (dim + 1) == 0
    words = cells.filter(pa.array(is_word))
    numbers = cells.filter(pa.array(~is_word))
    too_wide = np.flatnonzero(pc.match_substring_regex(words, surplus))
    if too_wide.size:
        raise _wrong_width(path, number, texts, too_wide[0], dim)
    try:
        vectors = numbers.cast(pa.float32()).to_numpy().reshape(-1, dim)
    except pa.ArrowInvalid:
        raise _not_a_number(path, number, numbers, dim) from None
    return words.to_pylist(), vectors


def _decoded(path: Path, number: int, some_lines: list[bytes]) -> pa.Array:
    try:
        return pa.array(some_lines, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        row, line = next((row, line) for row, line in enumerate(some_lines) if not _is_utf8(line))
        raise broken(
            f"{path}, line {number + row}", expected="UTF-8", got=f"{line[:40]!r}", remedy=CONVERT
        ) from None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _wrong_width(path: Path, number: int, texts: pa.Array, row: int, dim: int) -> InputError:
    found = texts[row].as_py().count(" ") + 1
    return broken(
        f"{path}, line {number + row}",
        expected=f"a word and {dim} numbers",
        got=f"{found} columns",
        remedy=DAMAGED,
    )


def _not_a_number(path: Path, number: int, numbers: pa.Array, dim: int) -> InputError:
    index, text = next((i, t) for i, t in enumerate(numbers.to_pylist()) if not _is_number(t))
    return broken(
        f"{path}, line {number + index // dim}",
        expected=f"a number in column {index % dim + 2}",
        got=repr(text),
        remedy=DAMAGED,
    )


def _is_number(text: str) -> bool:
    try:
        pa.scalar(text).cast(pa.float32())
    except pa.ArrowInvalid:
        return False
    return True
