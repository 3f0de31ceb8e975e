"""The formats of word2vec.c, text and binary, and of GloVe, which is word2vec text without a header."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vecmill.vectors.formats.streams import (
    CUT_SHORT,
    DAMAGED,
    Block,
    Vectors,
    checked_blocks,
    checked_vectors,
    complete_files,
    file_error,
    open_to_read,
    refuse_words,
)
from vecmill.vectors.formats.text import format_rows, read_rows, text_lines

# Characters that end a word for C's scanf, and NUL, which ends a C string.
UNFIT_FOR_TEXT = r"^$|[\x00\t-\r ]"
UNFIT_FOR_BINARY = r"^$|[\x00\n ]"

# A GloVe word that ends with a space and a number means that its line has too many columns. Other
# spaces are allowed: glove.840B has words such as ". . ." and "at name@domain.com".
NUMBER_IN_WORD = r" [-+]?\.?[0-9][0-9.eE+-]*$"


def write_word2vec_text(path: Path, blocks: Iterable[Block], count: int, dim: int) -> tuple[Path, ...]:
    """Write `blocks` of `count` words and `dim` numbers to `path`: a line "V d", then one line per word.

    Returns the paths written. Raises InputError for a word that is empty or has white space.
    """
    why = "word2vec text ends a word at white space; choose safetensors or npy, or split such words"
    with complete_files(path) as (file,):
        file.write(f"{count} {dim}\n".encode())
        for words, _, vectors in checked_blocks(blocks, count, dim):
            refuse_words(path, words, UNFIT_FOR_TEXT, why)
            file.write(text_lines(words, format_rows(vectors, " "), separator=" "))
    return (path,)


def write_word2vec_binary(path: Path, blocks: Iterable[Block], count: int, dim: int) -> tuple[Path, ...]:
    """Write `blocks` of `count` words and `dim` numbers to `path`, as little-endian float32.

    After the line "V d", each word is followed by a space, its numbers and a line feed, as in files
    of word2vec.c. Returns the paths written. Raises InputError for a word that is empty or has a
    space or line feed.
    """
    why = "word2vec binary ends a word at a space; choose safetensors or npy, or split such words"
    with complete_files(path) as (file,):
        file.write(f"{count} {dim}\n".encode())
        for words, _, vectors in checked_blocks(blocks, count, dim):
            refuse_words(path, words, UNFIT_FOR_BINARY, why)
            rows = zip(words.to_pylist(), vectors.astype("<f4", copy=False), strict=True)
            file.write(b"".join(b"%b %b\n" % (word.encode(), row.tobytes()) for word, row in rows))
    return (path,)


def read_word2vec_text(path: Path) -> Vectors:
    """The words and vectors of a word2vec text file, such as a .vec file of fastText.

    Of a repeated word the first is kept, as in gensim. Raises InputError with the broken line.
    """
    with open_to_read(path) as file:
        count, dim = _read_header(path, file)
        words, vectors = read_rows(path, file, dim, first_line=2, surplus=" ")
    if len(words) != count:
        raise file_error(
            f"{path}, line {len(words) + 1}",
            expected=f"{count} words in all, as the header says",
            got=f"{len(words)}",
            remedy=CUT_SHORT,
        )
    return checked_vectors(path, words, vectors)


def read_glove_text(path: Path) -> Vectors:
    """The words and vectors of a GloVe text file; its first line determines the number of columns.

    A word may have spaces. Of a repeated word the first is kept. Raises InputError with the broken
    line.
    """
    with open_to_read(path) as file:
        dim = len(file.readline().rstrip(b" \r\n").split(b" ")) - 1
        if dim < 1:
            raise file_error(
                f"{path}, line 1",
                expected="a word and its numbers, separated by spaces",
                got="one column",
                remedy=DAMAGED,
            )
        file.seek(0)
        words, vectors = read_rows(path, file, dim, first_line=1, surplus=NUMBER_IN_WORD)
    return checked_vectors(path, words, vectors)


def read_word2vec_binary(path: Path) -> Vectors:
    """The words and vectors of a word2vec binary file, with or without line feeds between words.

    Of a repeated word the first is kept, as in gensim. Raises InputError with the broken byte.
    """
    with open_to_read(path) as file:
        count, dim = _read_header(path, file)
        size = path.stat().st_size
        if count * (4 * dim + 1) > size - file.tell():
            raise file_error(
                path,
                expected=f"{count} words with {dim} float32 each, as the header says",
                got=f"a file that ends at byte {size}",
                remedy=CUT_SHORT,
            )
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _binary_rows(path, data, file.tell(), count, dim)


def _binary_rows(path: Path, data: mmap.mmap, start: int, count: int, dim: int) -> Vectors:
    words = []
    vectors = np.empty((count, dim), np.float32)
    for row in range(count):
        space = data.find(b" ", start)
        end = space + 1 + 4 * dim
        if space < 0 or end > len(data):
            raise file_error(
                f"{path}, byte {start}",
                expected=f"word {row + 1} of {count}, a space and {dim} float32",
                got=f"a file that ends before, at byte {len(data)}",
                remedy=CUT_SHORT,
            )
        try:
            words.append(data[start:space].lstrip(b"\n").decode())
        except UnicodeDecodeError:
            raise file_error(
                f"{path}, byte {start}",
                expected=f"word {row + 1} of {count} in UTF-8",
                got=f"{data[start:space][:40]!r}",
                remedy=DAMAGED,
            ) from None
        vectors[row] = np.frombuffer(data[space + 1 : end], "<f4")
        start = end
    if data[start:].strip(b"\n"):
        raise file_error(
            f"{path}, byte {start}",
            expected=f"the end after {count} words, as the header says",
            got=f"a file of {len(data)} bytes",
            remedy=DAMAGED,
        )
    return checked_vectors(path, words, vectors)


def _read_header(path: Path, file: BinaryIO) -> tuple[int, int]:
    """The numbers of words and of dimensions in the first line. Raises InputError."""
    header = parse_header(line := file.readline(100))
    if header is None:
        raise file_error(
            f"{path}, line 1",
            expected="the number of words and of dimensions",
            got=f"{line[:40]!r}",
            remedy=DAMAGED,
        )
    return header


def parse_header(line: bytes) -> tuple[int, int] | None:
    """V and d of a line "V d", None for other lines."""
    columns = line.split()
    if len(columns) != 2 or not all(column.isdigit() for column in columns) or int(columns[1]) < 1:
        return None
    return int(columns[0]), int(columns[1])
