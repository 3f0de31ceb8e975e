"""NumPy's .npy: a matrix that can be mapped into memory, with the words in a second file."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from vecmill.vectors.formats.streams import (
    CUT_SHORT,
    DAMAGED,
    MOST_DIMENSIONS,
    MOST_SIZE,
    Block,
    Vectors,
    checked_blocks,
    checked_vectors,
    complete_files,
    file_error,
    open_to_read,
)
from vecmill.vectors.formats.vocabulary import read_words, vocabulary_path, write_words


def write_npy(path: Path, blocks: Iterable[Block], count: int, dim: int) -> tuple[Path, ...]:
    """Write `blocks` of `count` words and `dim` numbers to `path`, (V, d) float32, and its vocabulary.

    Returns the paths written. Raises InputError for a word that is empty or has a line break.
    """
    header = {"descr": "<f4", "fortran_order": False, "shape": (count, dim)}
    paths = (path, vocabulary_path(path))
    with complete_files(*paths) as (file, vocabulary):
        np.lib.format.write_array_header_1_0(file, header)
        for words, _, vectors in checked_blocks(blocks, count, dim):
            write_words(path, vocabulary, words)
            file.write(vectors.astype("<f4", copy=False).tobytes())
    return paths


def read_npy(path: Path) -> Vectors:
    """The vectors of an .npy file and the words in its vocabulary. Raises InputError."""
    with np.errstate(over="ignore"):
        # Numbers beyond float32 become infinite, which is reported.
        vectors = np.array(_mapped(path), np.float32)
    return checked_vectors(path, read_words(path, len(vectors)), vectors)


def map_npy(path: Path) -> Vectors:
    """As `read_npy`, but the float32 matrix is mapped into memory, read-only, and not read.

    So NaN and infinity are not detected. Other types of floats are read, and so are files with
    repeated words.
    """
    vectors = _mapped(path)
    words = read_words(path, len(vectors))
    if vectors.dtype != np.float32 or len(set(words)) < len(words):
        return read_npy(path)
    return Vectors(words, vectors)


def _mapped(path: Path) -> npt.NDArray[np.floating]:
    """The matrix in an .npy file, mapped into memory. Raises InputError."""
    with open_to_read(path) as file:
        try:
            shape, is_fortran, dtype = _read_header(file)
        # NumPy parses the header as Python.
        except (ValueError, SyntaxError, TokenError, TypeError, RecursionError, MemoryError) as fault:
            got = f"none ({fault})"
            raise file_error(path, expected="an .npy header", got=got, remedy=DAMAGED) from fault
        start, size = file.tell(), path.stat().st_size
    # A bool is an int for Python.
    are_sizes = all(type(length) is int and 0 <= length <= MOST_SIZE for length in shape)
    if not are_sizes or len(shape) != 2 or not shape[1] or dtype.kind != "f":
        raise file_error(
            path,
            expected="a matrix of floats, one row per word",
            got=f"{dtype} of shape {shape}"
            if are_sizes
            else "lengths that are negative, huge or no numbers",
            remedy="save the vectors alone, with numpy.save",
        )
    end = start + math.prod(shape) * dtype.itemsize
    if size != end:
        raise file_error(
            path,
            expected=f"{shape[0]} x {shape[1]} {dtype} that end at byte {end}",
            got=f"a file that ends at byte {size}",
            remedy=CUT_SHORT,
        )
    if not shape[0]:
        # An empty file cannot be mapped.
        return np.empty((0, min(shape[1], MOST_DIMENSIONS)), np.float32)
    return np.memmap(path, dtype, "r", start, shape, "F" if is_fortran else "C")


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """The shape, whether columns are contiguous, and the dtype."""
    with warnings.catch_warnings():
        # NumPy warns of headers of Python 2 and of odd escapes, in several lines.
        warnings.simplefilter("ignore")
        if np.lib.format.read_magic(file) == (1, 0):
            return np.lib.format.read_array_header_1_0(file)
        return np.lib.format.read_array_header_2_0(file)
