"""Tables of parameters cut into blocks of rows, the unit in which they travel and are stored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

# Small beside a worker's memory even when the same block of many shards comes together there.
_BLOCK_BYTES = 1 << 20


def block_rows(columns: int) -> int:
    """How many rows of a table with that many float32 columns make a block."""
    return max(1, _BLOCK_BYTES // (4 * columns))


def blocks(table: npt.NDArray[np.float32]) -> Iterator[tuple[int, slice]]:
    """The blocks of a table (V, D): their numbers and their rows."""
    size = block_rows(table.shape[1])
    for number, begin in enumerate(range(0, len(table), size)):
        yield number, slice(begin, min(begin + size, len(table)))
