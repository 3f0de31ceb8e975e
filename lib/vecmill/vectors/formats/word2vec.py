"""The formats of word2vec.c, text and binary, and of GloVe, which is word2vec text without a header."""

from __future__ import annotations

import logging
import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vecmill.vectors.formats.first_lines import (
    BYTE_ORDER_MARK,
    INSPECTED_BYTES,
    Header,
    glove_dimension,
    parse_header,
)
from vecmill.vectors.formats.streams import (
    CUT_SHORT,
    DAMAGED,
    MOST_DIMENSIONS,
    Block,
    Vectors,
    check_size,
    checked_blocks,
    checked_vectors,
    complete_files,
    file_error,
    open_to_read,
    refuse_words,
    shown_words,
)
from vecmill.vectors.formats.text import format_rows, read_rows, text_lines

# Characters that end a word for C's scanf, and NUL, which ends a C string.
UNFIT_FOR_TEXT = r"^$|[\x00\t-\r ]"
UNFIT_FOR_BINARY = r"^$|[\x00\n ]"

log = logging.getLogger(__name__)


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

    A word may have spaces, because the header says how many numbers follow it. Of a repeated word the
    first is kept, as in gensim. Raises InputError with the broken line.
    """
    with open_to_read(path) as file:
        count, dim = _read_header(path, file)
        # The shortest row is an empty word and numbers of one digit.
        end = file.tell() + 2 * dim if count else 0
        check_size(path, f"{count} words with {dim} numbers each", end, path.stat().st_size)
        words, vectors = read_rows(path, file, dim, first_line=2)
    if len(words) != count:
        raise file_error(
            f"{path}, line {len(words) + 1}",
            expected=f"{count} words in all, as the header says",
            got=f"{len(words)}",
            remedy=CUT_SHORT,
        )
    return checked_vectors(path, words, vectors)


def read_glove_text(path: Path) -> Vectors:
    """The words and vectors of a GloVe text file; its first lines determine the number of columns.

    A word may have spaces. Of a repeated word the first is kept. Raises InputError with the broken
    line.
    """
    with open_to_read(path) as file:
        start = file.readline()
        start += file.read(INSPECTED_BYTES)
        dim = glove_dimension(start, is_whole=not file.read(1))
        if dim is None:
            has_columns = b" " in start.partition(b"\n")[0].strip(b" \r")
            raise file_error(
                f"{path}, line 1",
                expected="a word and its numbers, separated by spaces",
                got="no numbers" if has_columns else "one column",
                remedy=DAMAGED,
            )
        file.seek(len(BYTE_ORDER_MARK) if start.startswith(BYTE_ORDER_MARK) else 0)
        words, vectors = read_rows(path, file, dim, first_line=1)
    return checked_vectors(path, words, vectors)


def read_word2vec_binary(path: Path) -> Vectors:
    """The words and vectors of a word2vec binary file, with or without line feeds between words.

    word2vec.c cuts long words, also in the middle of a letter. Bytes of words that are not UTF-8 become
    U+FFFD, and a warning names these words; if they are more than half of all, the file is damaged. Of a
    repeated word the first is kept, as in gensim. Raises InputError with the broken byte.
    """
    with open_to_read(path) as file:
        count, dim = _read_header(path, file)
        start, size = file.tell(), path.stat().st_size
        what = f"{count} words with {dim} float32 each"
        check_size(path, what, start + count * (4 * dim + 1), size)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _binary_rows(path, data, start, count, dim)


def _binary_rows(path: Path, data: mmap.mmap, start: int, count: int, dim: int) -> Vectors:
    words: list[str] = []
    vectors = np.empty((count, dim), np.float32)
    # The words with invalid UTF-8, and the place, number and bytes of the first.
    invalid: list[str] = []
    first_invalid = (0, 0, b"")
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
        word = data[start:space].lstrip(b"\n")
        try:
            words.append(word.decode())
        except UnicodeDecodeError:
            words.append(word.decode(errors="replace"))
            first_invalid = first_invalid if invalid else (start, row, word)
            invalid.append(words[-1])
        vectors[row] = np.frombuffer(data[space + 1 : end], "<f4")
        start = end
    if data[start:].strip(b"\n"):
        raise file_error(
            f"{path}, byte {start}",
            expected=f"the end after {count} words, as the header says",
            got=f"a file of {len(data)} bytes",
            remedy=DAMAGED,
        )
    if len(invalid) > count / 2:
        byte, row, word = first_invalid
        raise file_error(
            f"{path}, byte {byte}",
            expected=f"word {row + 1} of {count} in UTF-8",
            got=f"{word[:40]!r}",
            remedy=DAMAGED,
        )
    if invalid:
        log.warning(
            "%s: replaced bytes that are not UTF-8 in %d of %d words: %s",
            path,
            len(invalid),
            count,
            shown_words(invalid),
        )
    return checked_vectors(path, words, vectors)


def _read_header(path: Path, file: BinaryIO) -> Header:
    """The numbers of words and of dimensions in the first line. Raises InputError."""
    header = parse_header(line := file.readline(100))
    if header is None or header.dim > MOST_DIMENSIONS:
        raise file_error(
            f"{path}, line 1",
            expected="the number of words and of dimensions",
            got=f"{line[:40]!r}",
            remedy=DAMAGED,
        )
    return header
