"""Start values of tables of parameters. A row depends only on the seed and on the number of the row."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from vecmill.core import keyed_random
from vecmill.core.arrays import Floats

# start(rows, seed) -> (len(rows), columns) float32.
Start = Callable[[range, int], Floats]

# One step of Philox gives four numbers of 64 bits, and each of them two float32.
_FLOATS_PER_STEP = 8


def uniform_rows(columns: int) -> Start:
    """A start with values uniform in [-0.5, 0.5) / columns, as word2vec.c starts W; float32."""
    return partial(_uniform, columns)


def zero_rows(columns: int) -> Start:
    """A start with zeros, as word2vec.c starts C; float32."""
    return partial(_zeros, columns)


def _uniform(columns: int, rows: range, seed: int) -> Floats:
    first = rows.start * columns
    rng = keyed_random.generator(seed, keyed_random.Purpose.INITIALISE)
    # All rows of a table are one stream of numbers; skip those before the first row.
    rng.bit_generator.advance(first // _FLOATS_PER_STEP)  # type: ignore[attr-defined]
    rng.random(first % _FLOATS_PER_STEP, dtype=np.float32)
    values = rng.random((len(rows), columns), dtype=np.float32)
    return (values - np.float32(0.5)) / np.float32(columns)


def _zeros(columns: int, rows: range, seed: int) -> Floats:
    return np.zeros((len(rows), columns), np.float32)
