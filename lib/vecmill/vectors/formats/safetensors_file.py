"""safetensors: a tensor `vectors`, float32 (V, d), with the words in a text file beside it.

Written and read here and not by the package of that name, which saves only what lies in memory. The
format is an eight-byte length, a JSON header and the numbers, see the section "Format" of
https://github.com/huggingface/safetensors. The words are not in the header, because it comes before
the first of them is seen and may not exceed 100 MB.
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
    announced,
    broken,
    checked_vectors,
    opened,
    published,
)
from vecmill.vectors.formats.vocabulary import read_words, vocabulary_path, write_words

TENSOR = "vectors"


def write_safetensors(path: Path, blocks: Iterable[Block], count: int, dim: int) -> tuple[Path, ...]:
    """`blocks` of `count` words and `dim` numbers as `path` and its vocabulary.

    Returns the files written. Raises InputError for an empty word and one with a line break.
    """
    paths = (path, vocabulary_path(path))
    with published(*paths) as (file, vocabulary):
        header = _header(count, dim, vocabulary=paths[1].name)
        file.write(len(header).to_bytes(8, "little") + header)
        for words, _, vectors in announced(blocks, count, dim):
            write_words(path, vocabulary, words)
            file.write(vectors.astype("<f4", copy=False).tobytes())
    return paths


def _header(count: int, dim: int, *, vocabulary: str) -> bytes:
    tensor = {"dtype": "F32", "shape": [count, dim], "data_offsets": [0, 4 * count * dim]}
    header = json.dumps({"__metadata__": {"vocabulary": vocabulary}, TENSOR: tensor}).encode()
    return header + b" " * (-len(header) % 8)  # so that the numbers begin at a multiple of 8


def read_safetensors(path: Path) -> Vectors:
    """The tensor `vectors` of a safetensors file with the words beside it.

    Raises InputError where either file is broken or the tensor is no float32 matrix.
    """
    with opened(path) as file:
        size = path.stat().st_size
        start = 8 + int.from_bytes(file.read(8), "little")
        if start > size:
            raise broken(
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
            raise broken(
                path,
                expected=f"a header that describes a matrix named {TENSOR!r}",
                got=f"none ({type(fault).__name__}: {fault})",
                remedy=DAMAGED,
            ) from fault
        if dtype != "F32" or length != 4 * count * dim:
            raise broken(
                path,
                expected=f"{TENSOR!r} as {count} x {dim} F32 in {4 * count * dim} bytes",
                got=f"{dtype} in {length} bytes",
                remedy="convert it to float32",
            )
        if start + end > size:
            raise broken(
                path,
                expected=f"{TENSOR!r} to end at byte {start + end}",
                got=f"a file that ends at byte {size}",
                remedy=CUT_SHORT,
            )
        file.seek(start + begin)
        vectors = np.fromfile(file, "<f4", count * dim).reshape(count, dim)
    return checked_vectors(path, read_words(path, count), vectors)
