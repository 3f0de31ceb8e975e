"""Rows of numbers to text and back, by Arrow's compiled functions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vecmill.core.arrays import Floats
from vecmill.errors import InputError
from vecmill.vectors.formats.streams import CONVERT, DAMAGED, file_error

CHUNK_BYTES = 1 << 22

# A word that ends with a space and a number means that its line has too many columns. Other spaces are
# allowed: glove.840B has words such as ". . ." and "at name@domain.com".
NUMBER_IN_WORD = r" [-+]?\.?[0-9][0-9.eE+-]*$"


def format_rows(vectors: Floats, separator: str) -> pa.Array:
    """One string per row of `vectors` (b, d), with the shortest decimals that give the same float32."""
    rows, dim = vectors.shape
    numbers = pa.array(vectors.ravel()).cast(pa.string())
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * dim)
    return pc.binary_join(pa.ListArray.from_arrays(offsets, numbers), separator)


def text_lines(*columns: pa.Array, separator: str) -> bytes:
    """The columns as UTF-8 text, with one line per row."""
    texts = pc.binary_join_element_wise(*columns, separator)
    return "".join(text + "\n" for text in texts.to_pylist()).encode()


def read_rows(path: Path, file: BinaryIO, dim: int, *, first_line: int) -> tuple[list[str], Floats]:
    """The words and vectors (V, dim) in the rest of `file`, which begins at line `first_line`.

    A line is a word and `dim` numbers, separated by single spaces; it may end with a space, as in
    files of word2vec.c. The word may have spaces, but may not end with a space and a number. Empty lines
    at the end are ignored. Raises InputError with the number of the broken line.
    """
    words: list[str] = []
    vectors = [np.empty((0, dim), np.float32)]
    for number, chunk in _numbered_lines(file, first_line):
        more_words, more_vectors = _parse_lines(path, number, chunk, dim)
        words += more_words
        vectors.append(more_vectors)
    return words, np.concatenate(vectors)


def _numbered_lines(file: BinaryIO, number: int) -> Iterator[tuple[int, list[bytes]]]:
    """Lines in chunks, each with the number of its first line, without the empty lines at the end."""
    empty = 0
    while lines := file.readlines(CHUNK_BYTES):
        used = len(lines)
        while used and not lines[used - 1].strip(b" \r\n"):
            used -= 1
        if used and empty:
            # It is not at the end, so it is reported.
            yield number, [b""]
            number += empty
            empty = 0
        if used:
            yield number, lines[:used]
            number += used
        empty += len(lines) - used


def _parse_lines(path: Path, number: int, chunk: list[bytes], dim: int) -> tuple[list[str], Floats]:
    texts = pc.ascii_rtrim(_decode(path, number, chunk), characters=" \r\n")
    too_narrow = np.flatnonzero(pc.count_substring(texts, " ").to_numpy() < dim)
    if too_narrow.size:
        raise _width_error(path, number, texts, too_narrow[0], dim)

    # Split from the right, because a word may have spaces. Arrow allocates memory for `max_splits`.
    columns = pc.split_pattern(texts, pattern=" ", max_splits=dim, reverse=True)
    cells = columns.flatten()
    is_word = np.arange(len(cells)) % (dim + 1) == 0
    words = cells.filter(pa.array(is_word))
    numbers = cells.filter(pa.array(~is_word))
    too_wide = np.flatnonzero(pc.match_substring_regex(words, NUMBER_IN_WORD))
    if too_wide.size:
        raise _width_error(path, number, texts, too_wide[0], dim)
    try:
        vectors = numbers.cast(pa.float32()).to_numpy().reshape(-1, dim)
    except pa.ArrowInvalid:
        raise _number_error(path, number, numbers, dim) from None
    return words.to_pylist(), vectors


def _decode(path: Path, number: int, chunk: list[bytes]) -> pa.Array:
    try:
        return pa.array(chunk, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        row, line = next((row, line) for row, line in enumerate(chunk) if not _is_utf8(line))
        raise file_error(
            f"{path}, line {number + row}", expected="UTF-8", got=f"{line[:40]!r}", remedy=CONVERT
        ) from None
    except pa.ArrowCapacityError:
        raise file_error(
            f"{path}, line {number}", expected="a word and its numbers", got="2 GiB", remedy=DAMAGED
        ) from None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _width_error(path: Path, number: int, texts: pa.Array, row: int, dim: int) -> InputError:
    columns = texts[row].as_py().count(" ") + 1
    return file_error(
        f"{path}, line {number + row}",
        expected=f"a word and {dim} numbers",
        got=f"{columns} columns",
        remedy=DAMAGED,
    )


def _number_error(path: Path, number: int, numbers: pa.Array, dim: int) -> InputError:
    index, text = next((n, text) for n, text in enumerate(numbers.to_pylist()) if not _is_number(text))
    return file_error(
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
