"""Writing the vectors of a run to the files that other programs read."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from vecmill.errors import InputError
from vecmill.storage.schemas import VECTORS
from vecmill.storage.store import Store
from vecmill.vectors.formats import EXPORTS, Block

# Numbers of vectors that the driver holds at once, as a table and as text.
_BLOCK_NUMBERS = 1 << 19


def write_all(store: Store, count: int, dim: int, say: Callable[[str], None]) -> list[str]:
    """Write vectors/ in every format to exports/; returns the names of the files.

    vectors/ has `count` rows of `dim` numbers. Each file is written to the driver's local disk, block by
    block, and then copied to exports/. A format that cannot hold one of the words, such as one with a
    space, is left out, and `say` reports why. Raises InputError if vectors/ cannot be read.
    """
    names: list[str] = []
    with tempfile.TemporaryDirectory(prefix="vecmill-export-") as scratch:
        for format_, export in EXPORTS.items():
            target = Path(scratch) / export.file_name
            try:
                files = export.write(target, vector_blocks(store, count, dim), count, dim)
            except InputError as error:
                if str(target) not in str(error):
                    # Not the format but the table is at fault.
                    raise
                say(f"left out {format_}: {str(error).replace(str(target), export.file_name)}")
                continue
            for written in files:
                if written.name not in names:
                    store.files.put(written, f"exports/{written.name}")
                    names.append(written.name)
                written.unlink()
    return names


def vector_blocks(
    store: Store, count: int, dim: int, block_numbers: int = _BLOCK_NUMBERS
) -> Iterator[Block]:
    """The `count` rows of vectors/ in the order of their ids, at most `block_numbers` numbers at a time."""
    for rows in store.in_order("vectors", VECTORS, count, max(1, block_numbers // dim)):
        whole = rows.combine_chunks()
        values = whole["vector"].chunk(0).flatten().to_numpy()
        yield Block(whole["word"].chunk(0), whole["count"].to_numpy(), values.reshape(len(whole), -1))
