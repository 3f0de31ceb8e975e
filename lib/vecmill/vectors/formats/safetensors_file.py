"""safetensors: a tensor `vectors`, float32 (V, d), with the words in a second file.

The package safetensors is not used, because it can only save arrays that are in memory. The format is
an eight-byte length, a JSON header and the numbers, see the section "Format" of
https://github.com/huggingface/safetensors. The words are not in the header, because it is written
before the first block arrives and may not exceed 100 MB.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

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

TENSOR = "vectors"

# The limit of the format.
MOST_HEADER_BYTES = 100_000_000


def write_safetensors(path: Path, blocks: Iterable[Block], count: int, dim: int) -> tuple[Path, ...]:
    """Write `blocks` of `count` words and `dim` numbers to `path`, and its vocabulary.

    Returns the paths written. Raises InputError for a word that is empty or has a line break.
    """
    paths = (path, vocabulary_path(path))
    with complete_files(*paths) as (file, vocabulary):
        header = _header(count, dim, vocabulary=paths[1].name)
        file.write(len(header).to_bytes(8, "little") + header)
        for words, _, vectors in checked_blocks(blocks, count, dim):
            write_words(path, vocabulary, words)
            file.write(vectors.astype("<f4", copy=False).tobytes())
    return paths


def _header(count: int, dim: int, *, vocabulary: str) -> bytes:
    tensor = {"dtype": "F32", "shape": [count, dim], "data_offsets": [0, 4 * count * dim]}
    header = json.dumps({"__metadata__": {"vocabulary": vocabulary}, TENSOR: tensor}).encode()
    # The numbers begin at a multiple of 8 bytes.
    return header + b" " * (-len(header) % 8)


def read_safetensors(path: Path) -> Vectors:
    """The tensor `vectors` of a safetensors file, with the words in its vocabulary.

    Raises InputError if one of the files is broken or the tensor is not a float32 matrix.
    """
    with open_to_read(path) as file:
        size = path.stat().st_size
        start = 8 + int.from_bytes(file.read(8), "little")
        if start > min(size, MOST_HEADER_BYTES):
            raise file_error(
                path,
                expected=f"a header that ends at byte {start}",
                got=f"a file that ends at byte {size}",
                remedy=DAMAGED,
            )
        try:
            tensors = json.loads(file.read(start - 8))
            tensor = tensors[TENSOR]
            dtype, (count, dim), (begin, end) = map(tensor.get, ("dtype", "shape", "data_offsets"))
            ends = [_offsets(other) for name, other in tensors.items() if name != "__metadata__"]
            if not _is_size(count) or not _is_size(dim) or not dim:
                raise ValueError(f"the shape {[count, dim]}")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
            raise file_error(
                path,
                expected=f"a header that describes a matrix named {TENSOR!r}",
                got=f"none ({type(fault).__name__}: {fault})",
                remedy=DAMAGED,
            ) from fault
        length = end - begin
        if dtype != "F32" or length != 4 * count * dim:
            raise file_error(
                path,
                expected=f"{TENSOR!r} as {count} x {dim} F32 in {4 * count * dim} bytes",
                got=f"{dtype} in {length} bytes",
                remedy="convert it to float32",
            )
        if start + end > size:
            raise file_error(
                path,
                expected=f"{TENSOR!r} to end at byte {start + end}",
                got=f"a file that ends at byte {size}",
                remedy=CUT_SHORT,
            )
        _check_tensors(path, sorted(ends), size - start)
        file.seek(start + begin)
        vectors = np.fromfile(file, "<f4", count * dim)
    return checked_vectors(path, read_words(path, count), vectors.reshape(count, min(dim, MOST_DIMENSIONS)))


def _offsets(tensor: Any) -> tuple[int, int]:
    """Where the numbers of a tensor begin and end. Raises ValueError, TypeError or AttributeError."""
    begin, end = tensor.get("data_offsets")
    if not _is_size(begin) or not _is_size(end) or begin > end:
        raise ValueError(f"the offsets {[begin, end]}")
    return begin, end


def _is_size(value: Any) -> bool:
    # A bool is an int for Python.
    return type(value) is int and 0 <= value <= MOST_SIZE


def _check_tensors(path: Path, offsets: Sequence[tuple[int, int]], size: int) -> None:
    """Raise InputError unless the tensors follow one another, without gaps, up to byte `size`."""
    previous = 0
    for begin, end in [*offsets, (size, size)]:
        if begin != previous:
            raise file_error(
                path,
                expected=f"a tensor or the end at byte {previous} after the header",
                got=f"one at byte {begin}",
                remedy=DAMAGED,
            )
        previous = end
