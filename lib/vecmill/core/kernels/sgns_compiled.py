"""Skip-gram with negative sampling over rows of the pairs table, compiled by Numba.

The mathematics is that of `core.kernels.sgns_numpy` with steps of one row: all gradients of a row are taken
at the parameters before it. A row is a tile (`core.kernels.tiles`): the words of the window meet the centre
and the noise words. The vectors of the next row are prefetched while a row is computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types

from vecmill.core.arrays import Floats
from vecmill.core.kernels.compiling import IDS, IDS_BY_ROW, RATES, TABLE, compiled
from vecmill.core.kernels.sgns_numpy import check
from vecmill.core.kernels.tiles import (
    BLOCK_OUTPUTS,
    HALF,
    ONE,
    leave_output,
    loss_of,
    new_tile,
    prefetch_row,
    take_output,
    take_words,
    train_tile,
)
from vecmill.core.rows import Rows

_SIGNATURE = types.float64(TABLE, TABLE, IDS, IDS, IDS, IDS_BY_ROW, RATES)


def update(W: Floats, C: Floats, rows: Rows, learning_rates: Floats) -> float:
    """One pass of stochastic gradient descent over `rows`, in place on W and C.

        W, C            (V, D)  float32  parameters of the words and of the outputs; changed
        learning_rates  (B,)    float32  one per row

    Returns the loss in nats, summed over all words and their outputs, each at the parameters before its
    row. Releases the GIL, so that other threads can train the same tables. The same arguments give the same
    bytes. Raises ShapeError.
    """
    check(W, C, rows, learning_rates)
    *arrays, rates = map(np.ascontiguousarray, (*rows, learning_rates))
    return float(_train(W, C, *arrays, rates))


@compiled(_SIGNATURE)
def _train(
    W: Floats,
    C: Floats,
    centers: Any,
    offsets: Any,
    words: Any,
    negatives: Any,
    learning_rates: Floats,
) -> Any:
    """Train all rows; returns the loss in nats."""
    n_rows, n_negatives, dim = len(centers), negatives.shape[1], W.shape[1]
    longest = 0
    for row in range(n_rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    tile = new_tile(longest, 1 + n_negatives, dim)
    # The centre is the first output of the first block, and meets both words of a block.
    tile.targets[0, 0] = tile.targets[0, BLOCK_OUTPUTS] = ONE

    nats = 0.0
    for row in range(n_rows):
        if row + 1 < n_rows:
            prefetch_row(C, centers[row + 1])
            for n in range(n_negatives):
                prefetch_row(C, negatives[row + 1, n])
            # The other words of the next window are mostly in this window too.
            if offsets[row + 2] > offsets[row + 1]:
                prefetch_row(W, words[offsets[row + 2] - 1])
        around = words[offsets[row] : offsets[row + 1]]
        if len(around) == 0:
            continue
        take_words(tile, W, around)
        take_output(tile, 0, C, centers[row])
        n_outputs = 1
        for n in range(n_negatives):
            if negatives[row, n] == centers[row]:
                leave_output(tile, 1 + n)
            else:
                take_output(tile, 1 + n, C, negatives[row, n])
                n_outputs += 1
        nats += train_tile(tile, len(around), n_outputs, HALF * learning_rates[row], dim)
    return nats + loss_of(tile)
