"""The compiled kernel of blocked training: skip-gram with negative sampling over a bucket, by Numba.

The mathematics is that of `core.sgns_buckets`, a step at a time: a step's pairs one after another, each at
the parameters that the one before it left, then its tile, of which all gradients are taken at the
parameters before it. Vectors of a region are few, and stay in the second-level cache.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba.core import types

from vecmill.core.buckets import TILE_NOISE, TILE_WORDS, Bucket
from vecmill.core.sgns import Floats
from vecmill.core.sgns_buckets import check
from vecmill.core.tiles import (
    BLOCK_WORDS,
    HALF,
    IDS,
    IDS_BY_ROW,
    LANES,
    LOG_2,
    ONE,
    RATES,
    TABLE,
    ZERO,
    compiled,
    hogwild,
    prefetch_row,
    score_block,
    spread_block,
    tanh,
)

_SIGNATURE = types.float64(TABLE, TABLE, IDS, IDS, IDS, IDS_BY_ROW, RATES, types.intp, types.intp)


def update(W: Floats, C: Floats, bucket: Bucket, learning_rates: Floats, *, threads: int = 1) -> float:
    """One pass of stochastic gradient descent over a bucket, in place on W and C.

        W               (words of the region, D)     float32  changed
        C               (contexts of the region, D)  float32  changed
        learning_rates  (G,)                         float32  one a step
        threads         so many threads each take a part of the steps and share the tables without locks

    Returns the loss in nats summed over pairs and noise, each taken before its update. Raises ShapeError.
    The same arguments give the same bytes where `threads` is 1.
    """
    check(W, C, bucket, learning_rates)
    bucket = Bucket(*map(np.ascontiguousarray, bucket))
    return hogwild(partial(_train, W, C, *bucket, learning_rates), len(learning_rates), threads)


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
) -> float:
    """Steps `begin` to `end`; the loss in nats."""
    n_pairs, n_noisy, steps, dim = len(words), len(noisy), len(noise), W.shape[1]
    width = (dim + LANES - 1) // LANES * LANES
    X = np.zeros((TILE_WORDS, width), np.float32)
    Y = np.zeros((TILE_NOISE, width), np.float32)
    dX, dY = np.zeros_like(X), np.zeros_like(Y)
    scores = np.zeros((TILE_WORDS // BLOCK_WORDS, LANES), np.float32)
    gains = np.zeros_like(scores)

    nats = 0.0
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

        # A step has at most a few dozens of pairs and of scores, each at least 1/2 here.
        likelihood, linear = 1.0, ZERO
        for p in range(step * n_pairs // steps, (step + 1) * n_pairs // steps):
            w, c = np.uint32(words[p]), np.uint32(contexts[p])
            score = ZERO
            for j in range(dim):
                score += W[w, j] * C[c, j]
            tanh_half = tanh(HALF * score)
            gain = half_rate * (ONE - tanh_half)
            # log(1 + exp(-x)) = max(-x, 0) - log s(|x|).
            likelihood *= HALF + HALF * abs(tanh_half)
            linear += HALF * (abs(score) - score)
            for j in range(dim):
                a, b = W[w, j], C[c, j]
                W[w, j] = a + gain * b
                C[c, j] = b + gain * a
        nats += linear - np.log(likelihood)

        first = step * n_noisy // steps
        n_words = (step + 1) * n_noisy // steps - first
        if n_words == 0:
            continue
        blocks = (n_words + BLOCK_WORDS - 1) // BLOCK_WORDS
        for t in range(n_words):
            w = np.uint32(noisy[first + t])
            for j in range(dim):
                X[t, j] = W[w, j]
        if n_words % BLOCK_WORDS:
            X[n_words] = ZERO
        for o in range(TILE_NOISE):
            c = np.uint32(noise[step, o])
            for j in range(dim):
                Y[o, j] = C[c, j]
        dX[: blocks * BLOCK_WORDS] = ZERO
        dY[:] = ZERO

        for b in range(blocks):
            score_block(X, Y, scores[b], b * BLOCK_WORDS, 0)
        likelihood, linear = 1.0, ZERO
        for b in range(blocks):
            for i in range(LANES):
                tanh_half = tanh(HALF * scores[b, i])
                gains[b, i] = -half_rate * (ONE + tanh_half)
                likelihood *= HALF + HALF * abs(tanh_half)
                linear += HALF * (abs(scores[b, i]) + scores[b, i])
        nats += linear - np.log(likelihood) - (blocks * LANES - n_words * TILE_NOISE) * LOG_2
        for b in range(blocks):
            spread_block(X, Y, dX, dY, gains[b], b * BLOCK_WORDS, 0)

        for t in range(n_words):
            w = np.uint32(noisy[first + t])
            for j in range(dim):
                W[w, j] += dX[t, j]
        for o in range(TILE_NOISE):
            c = np.uint32(noise[step, o])
            for j in range(dim):
                C[c, j] += dY[o, j]
    return nats
