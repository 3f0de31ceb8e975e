"""Tables of parameters cut into blocks of rows, the unit in which they travel and are stored."""

from __future__ import annotations

from collections.abc import Iterator

# Small enough that one block from every shard fits in a worker's memory.
_BLOCK_BYTES = 1 << 20


def block_rows(columns: int) -> int:
    """The number of rows per block of a float32 table with that many columns."""
    return max(1, _BLOCK_BYTES // (4 * columns))


def blocks(rows: int, columns: int) -> Iterator[range]:
    """The rows of each block of a table (rows, columns), in their order."""
    size = block_rows(columns)
    for begin in range(0, rows, size):
        yield range(begin, min(begin + size, rows))
