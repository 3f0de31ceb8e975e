"""safetensors: a tensor `vectors`, float32 (V, d), with the words in a second file.

The package safetensors is not used, because it can only save arrays that are in memory. The format is
an eight-byte length, a JSON header and the numbers, see the section "Format" of
https://github.com/huggingface/safetensors. The words are not in the header, because it is written
before the first block arrives and may not exceed 100 MB.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

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
)
from vecmill.vectors.formats.vocabulary import read_words, vocabulary_path, write_words

TENSOR = "vectors"


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
        if start > size:
            raise file_error(
                path,
                expected=f"a header that ends at byte {start}",
                got=f"a file that ends at byte {size}",
                remedy=DAMAGED,
            )
        try:
            tensor = json.loads(file.read(start - 8))[TENSOR]
            dtype, (count, dim), (begin, end) = map(tensor.get, ("dtype", "shape", "data_offsets"))
            length = end - begin
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise file_error(
                path,
                expected=f"a header that describes a matrix named {TENSOR!r}",
                got=f"none ({type(fault).__name__}: {fault})",
                remedy=DAMAGED,
            ) from fault
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
        file.seek(start + begin)
        vectors = np.fromfile(file, "<f4", count * dim).reshape(count, dim)
    return checked_vectors(path, read_words(path, count), vectors)
