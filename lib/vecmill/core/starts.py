"""How tables of parameters begin: each row depends on the seed and its number alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from vecmill.core import keyed_random
from vecmill.core.arrays import Floats

Start = Callable[[range, int], Floats]

# A step of Philox makes four numbers of 64 bits, each of which gives two float32.
_FLOATS_PER_STEP = 8


def uniform_rows(columns: int) -> Start:
    """Rows uniform in [-0.5, 0.5) / columns, as word2vec.c starts W; float32."""
    return partial(_uniform, columns)


def zero_rows(columns: int) -> Start:
    """Rows of zeros, float32."""
    return partial(_zeros, columns)


def _uniform(columns: int, rows: range, seed: int) -> Floats:
    first = rows.start * columns
    rng = keyed_random.generator(seed, keyed_random.Purpose.INITIALISE)
    # The rows of a whole table are one stream of numbers; those before the first row are skipped.
    rng.bit_generator.advance(first // _FLOATS_PER_STEP)  # type: ignore[attr-defined]
    rng.random(first % _FLOATS_PER_STEP, dtype=np.float32)
    values = rng.random((len(rows), columns), dtype=np.float32)
    return (values - np.float32(0.5)) / np.float32(columns)


def _zeros(columns: int, rows: range, seed: int) -> Floats:
    return np.zeros((len(rows), columns), np.float32)
