"""The published vectors as files that other programs read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from pyspark.sql import functions as F

from vecmill.io import tables
from vecmill.io.files import Folder
from vecmill.io.formats import EXPORTS, Block
from vecmill.io.schemas import VECTORS

# Words that the driver holds at once: 40 MB at 100 dimensions.
_BLOCK_WORDS = 100_000


def write_all(folder: Folder, count: int, dim: int) -> list[str]:
    """Write vectors/ in every format to exports/; the names of the files.

    Each file is written on the driver's local disk, block by block, and then put in its place.
    """
    names: list[str] = []
    with tempfile.TemporaryDirectory(prefix="vecmill-export-") as scratch:
        for export in EXPORTS.values():
            target = Path(scratch) / export.file_name
            for written in export.write(target, vector_blocks(folder, count), count, dim):
                if written.name not in names:
                    folder.put(written, f"exports/{written.name}")
                    names.append(written.name)
                written.unlink()
    return names


def vector_blocks(folder: Folder, count: int) -> Iterator[Block]:
    """The rows of vectors/ in the order of their ids, at most _BLOCK_WORDS at a time."""
    vectors = tables.read(folder, "vectors", VECTORS)
    for begin in range(0, count, _BLOCK_WORDS):
        inside = F.col("id").between(begin, begin + _BLOCK_WORDS - 1)
        rows = vectors.where(inside).toArrow().sort_by("id").combine_chunks()
        if rows.num_rows:
            values = rows["vector"].chunk(0).flatten().to_numpy()
            yield Block(
                rows["word"].chunk(0),
                rows["count"].to_numpy(),
                values.reshape(rows.num_rows, -1),
            )
