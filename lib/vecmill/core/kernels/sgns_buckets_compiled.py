"""Skip-gram with negative sampling over a bucket, for blocked training, compiled by Numba.

The mathematics is that of `core.kernels.sgns_buckets_numpy`, step by step. The pairs of a step are trained
one after another, each at the parameters that the pair before it left. Then the tile of the step is
trained, with all gradients at the parameters before the tile. The vectors of a region are few enough to
stay in the second-level cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types

from vecmill.core.arrays import Floats
from vecmill.core.buckets import TILE_NOISE, TILE_WORDS, Bucket
from vecmill.core.kernels.compiling import IDS, IDS_BY_ROW, RATES, TABLE, compiled
from vecmill.core.kernels.sgns_buckets_numpy import check
from vecmill.core.kernels.tiles import (
    HALF,
    ONE,
    ZERO,
    address,
    attract,
    dot,
    loss_of,
    new_tile,
    prefetch_row,
    take_output,
    take_words,
    tanh,
    train_tile,
)

# After this many pairs the logarithm of the product of their likelihoods is taken at the end of the step.
# Each likelihood is at least 1/2, and the smallest normal float64 is 2^-1022.
_MOST_PAIRS = 500

_SIGNATURE = types.float64(TABLE, TABLE, IDS, IDS, IDS, IDS_BY_ROW, RATES, types.intp, types.intp)


def update(
    W: Floats, C: Floats, bucket: Bucket, learning_rates: Floats, steps: range | None = None
) -> float:
    """One pass of stochastic gradient descent over the steps of a bucket, in place on W and C.

        W               (words of the region, D)     float32  changed
        C               (contexts of the region, D)  float32  changed
        learning_rates  (G,)                         float32  one per step
        steps           consecutive steps to train; None trains all

    Returns the loss in nats, summed over pairs and noise, each at the parameters before its update.
    Releases the GIL, so that other threads can train other steps on the same tables. The same arguments
    give the same bytes. Raises ShapeError.
    """
    steps = range(len(learning_rates)) if steps is None else steps
    check(W, C, bucket, learning_rates, steps)
    *arrays, rates = map(np.ascontiguousarray, (*bucket, learning_rates))
    return float(_train(W, C, *arrays, rates, steps.start, steps.stop))


@compiled(_SIGNATURE)
def _train(
    W: Floats,
    C: Floats,
    words: Any,
    contexts: Any,
    noisy: Any,
    noise: Any,
    learning_rates: Floats,
    begin: int,
    end: int,
) -> Any:
    """Train steps `begin` to `end`; returns the loss in nats."""
    n_pairs, n_noisy, steps, dim = len(words), len(noisy), len(noise), W.shape[1]
    tile = new_tile(TILE_WORDS, TILE_NOISE, dim)

    nats, likelihood, linear, multiplied = 0.0, 1.0, ZERO, 0
    for step in range(begin, end):
        half_rate = HALF * learning_rates[step]
        if step + 1 < end:
            for p in range((step + 1) * n_pairs // steps, (step + 2) * n_pairs // steps):
                prefetch_row(W, words[p])
                prefetch_row(C, contexts[p])
            for m in range((step + 1) * n_noisy // steps, (step + 2) * n_noisy // steps):
                prefetch_row(W, noisy[m])
            for o in range(TILE_NOISE):
                prefetch_row(C, noise[step + 1, o])

        for p in range(step * n_pairs // steps, (step + 1) * n_pairs // steps):
            w, c = address(W, words[p]), address(C, contexts[p])
            score = dot(w, c, dim)
            tanh_half = tanh(HALF * score)
            # log(1 + exp(-x)) = max(-x, 0) - log s(|x|).
            likelihood *= HALF + HALF * abs(tanh_half)
            linear += abs(score) - score
            attract(w, c, half_rate * (ONE - tanh_half), dim)
            multiplied += 1
        if multiplied > _MOST_PAIRS or step + 1 == end:
            nats += HALF * linear - np.log(likelihood)
            likelihood, linear, multiplied = 1.0, ZERO, 0

        around = noisy[step * n_noisy // steps : (step + 1) * n_noisy // steps]
        if len(around) == 0:
            continue
        take_words(tile, W, around)
        for o in range(TILE_NOISE):
            take_output(tile, o, C, noise[step, o])
        nats += train_tile(tile, len(around), TILE_NOISE, half_rate, dim)
    return nats + loss_of(tile)
