"""The compiled kernel: skip-gram with negative sampling row by row, by Numba.

The mathematics is that of `core.sgns`, with steps of a single row: all gradients of a row are taken
at the parameters before it. A row's vectors lie in tiles (`core.tiles`), so the tables are read and
written once a row however many pairs a vector is part of; the vectors of the next row are asked for while
this one is computed; the logarithm is taken once a row.

A place of a block without a pair, because a row has an odd number of words or a noise word is left out,
has a loss of log 2, which is taken off at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types

from vecmill.core.rows import Rows
from vecmill.core.sgns import Floats, check
from vecmill.core.tiles import (
    BLOCK_OUTPUTS,
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
    prefetch_row,
    score_block,
    spread_block,
    tanh,
)

_SIGNATURE = types.float64(TABLE, TABLE, IDS, IDS, IDS, IDS_BY_ROW, RATES)


def update(W: Floats, C: Floats, rows: Rows, learning_rates: Floats) -> float:
    """One pass of stochastic gradient descent over `rows`, in place on W and C.

        W, C            (V, D)  float32  parameters of the words and of the outputs; changed
        learning_rates  (B,)    float32  one a row

    Returns the loss in nats summed over all words and their outputs, each taken before its row. Lets go of
    the GIL, so that other threads may train on the same tables. Raises ShapeError.
    """
    check(W, C, rows, learning_rates)
    rows = Rows(*map(np.ascontiguousarray, rows))
    return float(_train(W, C, *rows, learning_rates))


@compiled(_SIGNATURE)
def _train(
    W: Floats,
    C: Floats,
    centers: Any,
    offsets: Any,
    words: Any,
    negatives: Any,
    learning_rates: Floats,
) -> float:
    """All rows; the loss in nats."""
    n_rows, n_negatives, dim = len(centers), negatives.shape[1], W.shape[1]
    width = (dim + LANES - 1) // LANES * LANES
    n_outputs = 1 + n_negatives
    output_blocks = (n_outputs + BLOCK_OUTPUTS - 1) // BLOCK_OUTPUTS
    longest = 0
    for row in range(n_rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    word_blocks = (longest + BLOCK_WORDS - 1) // BLOCK_WORDS

    X = np.zeros((word_blocks * BLOCK_WORDS, width), np.float32)
    Y = np.zeros((output_blocks * BLOCK_OUTPUTS, width), np.float32)
    dX, dY = np.zeros_like(X), np.zeros_like(Y)
    scores = np.zeros((output_blocks, word_blocks, LANES), np.float32)
    gains = np.zeros_like(scores)
    # tanh's target in the score's gradient: 1 where the centre is, -1 elsewhere.
    targets = np.full((output_blocks, LANES), -ONE)
    targets[0, 0] = targets[0, BLOCK_OUTPUTS] = ONE

    nats = 0.0
    for row in range(n_rows):
        first, n_words = offsets[row], offsets[row + 1] - offsets[row]
        if row + 1 < n_rows:
            prefetch_row(C, centers[row + 1])
            for n in range(n_negatives):
                prefetch_row(C, negatives[row + 1, n])
            # The other words of the next window are most often in this one.
            if offsets[row + 2] > offsets[row + 1]:
                prefetch_row(W, words[offsets[row + 2] - 1])
        if n_words == 0:
            continue
        blocks = (n_words + BLOCK_WORDS - 1) // BLOCK_WORDS
        center = centers[row]
        half_rate = HALF * learning_rates[row]

        for t in range(n_words):
            word = np.uint32(words[first + t])
            for j in range(dim):
                X[t, j] = W[word, j]
        if n_words % BLOCK_WORDS:
            X[n_words] = ZERO
        dX[: blocks * BLOCK_WORDS] = ZERO
        n_counted = 0
        for o in range(n_outputs):
            output = np.uint32(center if o == 0 else negatives[row, o - 1])
            if o > 0 and output == center:
                Y[o] = ZERO
                continue
            n_counted += 1
            for j in range(dim):
                Y[o, j] = C[output, j]
        dY[:] = ZERO

        for q in range(output_blocks):
            for b in range(blocks):
                score_block(X, Y, scores[q, b], b * BLOCK_WORDS, q * BLOCK_OUTPUTS)
        for q in range(output_blocks):
            likelihood, linear = 1.0, ZERO
            for b in range(blocks):
                for i in range(LANES):
                    score = scores[q, b, i]
                    # s(x) = (1 + tanh(x / 2)) / 2
                    tanh_half = tanh(HALF * score)
                    gains[q, b, i] = half_rate * (targets[q, i] - tanh_half)
                    # With z = -target * score: log(1 + exp(z)) = max(z, 0) - log s(|z|).
                    likelihood *= HALF + HALF * abs(tanh_half)
                    linear += HALF * (abs(score) - targets[q, i] * score)
                # At least 2^-16 a block, and float64 ends at 2^-1022.
                if b % 32 == 31:
                    nats -= np.log(likelihood)
                    likelihood = 1.0
            nats += linear - np.log(likelihood)
        nats -= (output_blocks * blocks * LANES - n_counted * n_words) * LOG_2
        for q in range(output_blocks):
            for b in range(blocks):
                spread_block(X, Y, dX, dY, gains[q, b], b * BLOCK_WORDS, q * BLOCK_OUTPUTS)

        for t in range(n_words):
            word = np.uint32(words[first + t])
            for j in range(dim):
                W[word, j] += dX[t, j]
        for o in range(n_outputs):
            output = np.uint32(center if o == 0 else negatives[row, o - 1])
            if o == 0 or output != center:
                for j in range(dim):
                    C[output, j] += dY[o, j]
    return nats
