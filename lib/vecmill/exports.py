"""The published vectors as files that other programs read."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from vecmill.errors import InputError
from vecmill.io import tables
from vecmill.io.files import Folder
from vecmill.io.formats import EXPORTS, Block
from vecmill.io.schemas import VECTORS

# Words that the driver holds at once: 40 MB at 100 dimensions.
_BLOCK_WORDS = 100_000


def write_all(folder: Folder, count: int, dim: int, say: Callable[[str], None]) -> list[str]:
    """Write vectors/ in every format to exports/; the names of the files.

    Each file is written on the driver's local disk, block by block, and then put in its place. A format
    that cannot hold one of the words, such as one with a space, is left out, and `say` tells why.
    """
    names: list[str] = []
    with tempfile.TemporaryDirectory(prefix="vecmill-export-") as scratch:
        for format_, export in EXPORTS.items():
            target = Path(scratch) / export.file_name
            try:
                files = export.write(target, vector_blocks(folder, count), count, dim)
            except InputError as error:
                say(f"left out {format_}: {str(error).replace(str(target), export.file_name)}")
                continue
            for written in files:
                if written.name not in names:
                    folder.put(written, f"exports/{written.name}")
                    names.append(written.name)
                written.unlink()
    return names


def vector_blocks(folder: Folder, count: int) -> Iterator[Block]:
    """The rows of vectors/ in the order of their ids, at most _BLOCK_WORDS at a time."""
    for begin in range(0, count, _BLOCK_WORDS):
        ids = range(begin, min(begin + _BLOCK_WORDS, count))
        rows = tables.collect(folder, "vectors", VECTORS, ids).sort_by("id").combine_chunks()
        values = rows["vector"].chunk(0).flatten().to_numpy()
        yield Block(rows["word"].chunk(0), rows["count"].to_numpy(), values.reshape(len(ids), -1))
