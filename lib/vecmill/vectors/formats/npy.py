"""NumPy's .npy, a matrix that can be mapped into memory, with the words in a file beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from vecmill.vectors.formats.streams import (
    CUT_SHORT,
    DAMAGED,
    Block,
    Vectors,
    announced,
    broken,
    checked_vectors,
    opened,
    published,
)
from vecmill.vectors.formats.vocabulary import read_words, vocabulary_path, write_words


def write_npy(path: Path, blocks: Iterable[Block], count: int, dim: int) -> tuple[Path, ...]:
    """`blocks` of `count` words and `dim` numbers as `path`, (V, d) float32, and its vocabulary.

    Returns the files written. Raises InputError for an empty word and one with a line break.
    """
    header = {"descr": "<f4", "fortran_order": False, "shape": (count, dim)}
    paths = (path, vocabulary_path(path))
    with published(*paths) as (file, vocabulary):
        np.lib.format.write_array_header_1_0(file, header)
        for words, _, vectors in announced(blocks, count, dim):
            write_words(path, vocabulary, words)
            file.write(vectors.astype("<f4", copy=False).tobytes())
    return paths


def read_npy(path: Path) -> Vectors:
    """The vectors of an .npy file and the words beside it. Raises InputError if either is bad."""
    vectors = np.array(_mapped(path), np.float32)
    return checked_vectors(path, read_words(path, len(vectors)), vectors)


def map_npy(path: Path) -> Vectors:
    """As `read_npy`, but float32 vectors stay in the file until they are asked for, read-only.

    So nobody looks for numbers that are not finite. Other floats are read, and so are files where a
    word is there twice.
    """
    vectors = _mapped(path)
    words = read_words(path, len(vectors))
    if vectors.dtype != np.float32 or len(set(words)) < len(words):
        return read_npy(path)
    return Vectors(words, vectors)


def _mapped(path: Path) -> npt.NDArray[np.floating]:
    """The matrix in an .npy file, mapped into memory."""
    with opened(path) as file:
        try:
            shape, dtype = _read_header(file)
        except (ValueError, SyntaxError, TokenError) as fault:  # NumPy parses it as Python
            got = f"none ({fault})"
            raise broken(path, expected="an .npy header", got=got, remedy=DAMAGED) from fault
        if len(shape) != 2 or dtype.kind != "f":
            raise broken(
                path,
                expected="a matrix of floats, a row a word",
                got=f"{dtype} of shape {shape}",
                remedy="save the vectors alone, with numpy.save",
            )
        size, end = path.stat().st_size, file.tell() + math.prod(shape) * dtype.itemsize
        if size != end:
            raise broken(
                path,
                expected=f"{shape[0]} x {shape[1]} {dtype} that end at byte {end}",
                got=f"a file that ends at byte {size}",
                remedy=CUT_SHORT,
            )
    # A mapping cannot be empty.
    vectors: npt.NDArray[np.floating] = np.load(path, mmap_mode="r" if math.prod(shape) else None)
    return vectors


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype."""
    if np.lib.format.read_magic(file) == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    return shape, dtype
