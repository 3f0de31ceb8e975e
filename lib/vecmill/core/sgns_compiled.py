"""The compiled kernel: skip-gram with negative sampling row by row, by Numba.

The mathematics is that of `core.sgns`, with steps of a single row: all gradients of a row are taken
at the parameters before it. What makes it quick, in the order of what it saves:

- a row's vectors are copied into small tiles that stay in the first-level cache, so tables are read
  and written once a row however many pairs a vector is part of;
- scores and gradients go by blocks of two words and six outputs, whose sums stay in registers;
- the vectors of the next row are asked for while this one is computed;
- s(x) comes from a rational function, and the logarithm is taken once a row.

Tiles are LANES wide or a multiple of it, with zeros beyond the dimension. A place of a block without
a pair, because a row has an odd number of words or a noise word is left out, holds zeros too: its
score is 0, and so its gradient, and its loss of log 2 is taken off at the end.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from vecmill.core.rows import Rows
from vecmill.core.sgns import Floats, check

# float32 numbers in a register of 512 bits, and bytes in a line of the cache.
LANES = 16
_LINE_BYTES = 64

# A block: six outputs are word2vec's centre and five noise words; 12 scores fit into one register.
_BLOCK_WORDS = 2
_BLOCK_OUTPUTS = 6

_LOG_2 = np.log(2.0)
_HALF = np.float32(0.5)
_ONE = np.float32(1)
_ZERO = np.float32(0)

_TABLE = types.Array(types.float32, 2, "C")
_RATES = types.Array(types.float32, 1, "C", readonly=True)
_IDS = types.Array(types.int32, 1, "C", readonly=True)
_IDS_BY_ROW = types.Array(types.int32, 2, "C", readonly=True)
_SIGNATURE = types.float64(_TABLE, _TABLE, _IDS, _IDS, _IDS, _IDS_BY_ROW, _RATES, types.intp, types.intp)

# tanh(x) = x P(x^2) / Q(x^2) for |x| <= 9, to 4e-7 in float32: least squares, reweighted until the
# largest error was least. Beyond 9 tanh is 1 to float32's precision.
_TANH_END = np.float32(9)
_P0, _P1, _P2, _P3, _P4 = (
    np.float32(p) for p in (9.999999064e-1, 1.337319788e-1, 3.486582113e-3, 2.047183399e-5, 1.318422820e-8)
)
_Q1, _Q2, _Q3, _Q4 = (
    np.float32(q) for q in (4.670649475e-1, 2.584198003e-2, 3.271385740e-4, 7.702665365e-7)
)

# Not "nnan" and "ninf": a loss that is no number has to come through, so that a run can stop.
_COMPILED: dict[str, Any] = {
    "nogil": True,
    "boundscheck": False,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}


def _compiled(signature: Any) -> Any:
    """Compile a function now, or load what an earlier process compiled, where there is such a place.

    There is none where neither the package's folder nor the home can be written to, and none for a
    wheel that Spark sent to its executors: then each worker process compiles, for some four seconds.
    """

    def decorate(function: Any) -> Any:
        try:
            return numba.njit(signature, cache=True, **_COMPILED)(function)
        except RuntimeError:
            # "no locator available"
            return numba.njit(signature, **_COMPILED)(function)

    return decorate


def update(W: Floats, C: Floats, rows: Rows, learning_rates: Floats, *, threads: int = 1) -> float:
    """One pass of stochastic gradient descent over `rows`, in place on W and C.

        W, C            (V, D)  float32  parameters of the words and of the outputs; changed
        learning_rates  (B,)    float32  one a row
        threads         so many threads each take a part of the rows and share the tables without
                        locks (Recht et al. 2011, "Hogwild", arXiv:1106.5730)

    Returns the loss in nats summed over all words and their outputs, each taken before its row.
    Raises ShapeError. The same arguments give the same bytes where `threads` is 1.
    """
    check(W, C, rows, learning_rates)
    rows = Rows(*map(np.ascontiguousarray, rows))
    if threads == 1:
        return float(_train(W, C, *rows, learning_rates, 0, len(rows.centers)))
    bounds = np.linspace(0, len(rows.centers), threads + 1).astype(int).tolist()
    parts = _pool(threads).map(
        lambda part: _train(W, C, *rows, learning_rates, bounds[part], bounds[part + 1]), range(threads)
    )
    return float(sum(parts))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="sgns")


@intrinsic
def _prefetch(typing_context: Any, address: Any) -> Any:
    """Ask for the line of the cache at `address`, to be written soon."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [pointer], ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        )
        for_writing, near, data = number(1), number(3), number(1)
        builder.call(function, [builder.inttoptr(arguments[0], pointer), for_writing, near, data])
        return context.get_dummy_value()

    return types.void(types.intp), generate


@numba.njit(**_COMPILED)
def _prefetch_row(table: Floats, row: int) -> None:
    begin = table.ctypes.data + np.int64(row) * table.strides[0]
    for offset in range(0, table.strides[0], _LINE_BYTES):
        _prefetch(begin + offset)  # type: ignore[call-arg]


@numba.njit(**_COMPILED)
def _tanh(x: np.float32) -> np.float32:
    x = min(max(x, -_TANH_END), _TANH_END)
    u = x * x
    p = _P0 + u * (_P1 + u * (_P2 + u * (_P3 + u * _P4)))
    q = _ONE + u * (_Q1 + u * (_Q2 + u * (_Q3 + u * _Q4)))
    return x * p / q


@numba.njit(**_COMPILED)
def _score(X: Floats, Y: Floats, scores: Floats, t: int, o: int) -> None:
    """The products of words t, t + 1 of X and outputs o ... o + 5 of Y, word after word."""
    a0 = a1 = a2 = a3 = a4 = a5 = b0 = b1 = b2 = b3 = b4 = b5 = _ZERO
    for j in range(X.shape[1]):
        a, b = X[t, j], X[t + 1, j]
        y0, y1, y2 = Y[o, j], Y[o + 1, j], Y[o + 2, j]
        y3, y4, y5 = Y[o + 3, j], Y[o + 4, j], Y[o + 5, j]
        a0 += a * y0
        a1 += a * y1
        a2 += a * y2
        a3 += a * y3
        a4 += a * y4
        a5 += a * y5
        b0 += b * y0
        b1 += b * y1
        b2 += b * y2
        b3 += b * y3
        b4 += b * y4
        b5 += b * y5
    scores[0], scores[1], scores[2], scores[3], scores[4], scores[5] = a0, a1, a2, a3, a4, a5
    scores[6], scores[7], scores[8], scores[9], scores[10], scores[11] = b0, b1, b2, b3, b4, b5


@numba.njit(**_COMPILED)
def _spread(X: Floats, Y: Floats, dX: Floats, dY: Floats, gains: Floats, t: int, o: int) -> None:
    """Add what the block's gains make of its words to dY, and of its outputs to dX."""
    a0, a1, a2, a3, a4, a5 = gains[0], gains[1], gains[2], gains[3], gains[4], gains[5]
    b0, b1, b2, b3, b4, b5 = gains[6], gains[7], gains[8], gains[9], gains[10], gains[11]
    for j in range(X.shape[1]):
        a, b = X[t, j], X[t + 1, j]
        y0, y1, y2 = Y[o, j], Y[o + 1, j], Y[o + 2, j]
        y3, y4, y5 = Y[o + 3, j], Y[o + 4, j], Y[o + 5, j]
        dX[t, j] += a0 * y0 + a1 * y1 + a2 * y2 + a3 * y3 + a4 * y4 + a5 * y5
        dX[t + 1, j] += b0 * y0 + b1 * y1 + b2 * y2 + b3 * y3 + b4 * y4 + b5 * y5
        dY[o, j] += a0 * a + b0 * b
        dY[o + 1, j] += a1 * a + b1 * b
        dY[o + 2, j] += a2 * a + b2 * b
        dY[o + 3, j] += a3 * a + b3 * b
        dY[o + 4, j] += a4 * a + b4 * b
        dY[o + 5, j] += a5 * a + b5 * b


@_compiled(_SIGNATURE)
def _train(
    W: Floats,
    C: Floats,
    centers: Any,
    offsets: Any,
    words: Any,
    negatives: Any,
    learning_rates: Floats,
    begin: int,
    end: int,
) -> float:
    """Rows `begin` to `end`; the loss in nats."""
    dim, n_negatives = W.shape[1], negatives.shape[1]
    width = (dim + LANES - 1) // LANES * LANES
    n_outputs = 1 + n_negatives
    output_blocks = (n_outputs + _BLOCK_OUTPUTS - 1) // _BLOCK_OUTPUTS
    longest = 0
    for row in range(begin, end):
        longest = max(longest, offsets[row + 1] - offsets[row])
    word_blocks = (longest + _BLOCK_WORDS - 1) // _BLOCK_WORDS

    X = np.zeros((word_blocks * _BLOCK_WORDS, width), np.float32)
    Y = np.zeros((output_blocks * _BLOCK_OUTPUTS, width), np.float32)
    dX, dY = np.zeros_like(X), np.zeros_like(Y)
    scores = np.zeros((output_blocks, word_blocks, LANES), np.float32)
    gains = np.zeros_like(scores)
    # tanh's target in the score's gradient: 1 where the centre is, -1 elsewhere.
    targets = np.full((output_blocks, LANES), -_ONE)
    targets[0, 0] = targets[0, _BLOCK_OUTPUTS] = _ONE

    nats = 0.0
    for row in range(begin, end):
        first, n_words = offsets[row], offsets[row + 1] - offsets[row]
        if row + 1 < end:
            _prefetch_row(C, centers[row + 1])
            for n in range(n_negatives):
                _prefetch_row(C, negatives[row + 1, n])
            # The other words of the next window are most often in this one.
            if offsets[row + 2] > offsets[row + 1]:
                _prefetch_row(W, words[offsets[row + 2] - 1])
        if n_words == 0:
            continue
        blocks = (n_words + _BLOCK_WORDS - 1) // _BLOCK_WORDS
        center = centers[row]
        half_rate = _HALF * learning_rates[row]

        for t in range(n_words):
            word = np.uint32(words[first + t])
            for j in range(dim):
                X[t, j] = W[word, j]
        if n_words % _BLOCK_WORDS:
            X[n_words] = _ZERO
        dX[: blocks * _BLOCK_WORDS] = _ZERO
        n_counted = 0
        for o in range(n_outputs):
            output = np.uint32(center if o == 0 else negatives[row, o - 1])
            if o > 0 and output == center:
                Y[o] = _ZERO
                continue
            n_counted += 1
            for j in range(dim):
                Y[o, j] = C[output, j]
        dY[:] = _ZERO

        for q in range(output_blocks):
            for b in range(blocks):
                _score(X, Y, scores[q, b], b * _BLOCK_WORDS, q * _BLOCK_OUTPUTS)
        for q in range(output_blocks):
            likelihood, linear = 1.0, _ZERO
            for b in range(blocks):
                for i in range(LANES):
                    score = scores[q, b, i]
                    # s(x) = (1 + tanh(x / 2)) / 2
                    tanh_half = _tanh(_HALF * score)
                    gains[q, b, i] = half_rate * (targets[q, i] - tanh_half)
                    # With z = -target * score: log(1 + exp(z)) = max(z, 0) - log s(|z|).
                    likelihood *= _HALF + _HALF * abs(tanh_half)
                    linear += _HALF * (abs(score) - targets[q, i] * score)
                # At least 2^-16 a block, and float64 ends at 2^-1022.
                if b % 32 == 31:
                    nats -= np.log(likelihood)
                    likelihood = 1.0
            nats += linear - np.log(likelihood)
        nats -= (output_blocks * blocks * LANES - n_counted * n_words) * _LOG_2
        for q in range(output_blocks):
            for b in range(blocks):
                _spread(X, Y, dX, dY, gains[q, b], b * _BLOCK_WORDS, q * _BLOCK_OUTPUTS)

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
