"""What the compiled kernels share: tiles of vectors, blocks of scores in registers, and s(x).

A kernel copies the vectors that meet into small tiles that stay in the first-level cache, takes their
scores and spreads their gradients by blocks of two words and six outputs, whose sums stay in registers,
and asks for the vectors it needs next while it computes. s(x) comes from a rational function of tanh.

Tiles are LANES wide or a multiple of it, with zeros beyond the dimension. A place of a block without a
pair holds zeros too: its score is 0, and so is its gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

Floats = npt.NDArray[np.float32]

# float32 numbers in a register of 512 bits, and bytes in a line of the cache.
LANES = 16
_LINE_BYTES = 64

# A block: six outputs are word2vec's centre and five noise words; 12 scores fit into one register.
BLOCK_WORDS = 2
BLOCK_OUTPUTS = 6

LOG_2 = np.log(2.0)
HALF = np.float32(0.5)
ONE = np.float32(1)
ZERO = np.float32(0)

TABLE = types.Array(types.float32, 2, "C")
RATES = types.Array(types.float32, 1, "C", readonly=True)
IDS = types.Array(types.int32, 1, "C", readonly=True)
IDS_BY_ROW = types.Array(types.int32, 2, "C", readonly=True)

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
COMPILED: dict[str, Any] = {
    "nogil": True,
    "boundscheck": False,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}


# Into the function that calls it: a process that compiled a kernel ran it at half the speed of one that
# loaded it from Numba's cache while its helpers were functions of their own.
inlined = numba.njit(forceinline=True, **COMPILED)


def compiled(signature: Any) -> Any:
    """Compile a function now, or load what an earlier process compiled, where there is such a place.

    There is none where neither the package's folder nor the home can be written to, and none for a
    wheel that Spark sent to its executors: then each worker process compiles, for some four seconds.
    """

    def decorate(function: Any) -> Any:
        try:
            return numba.njit(signature, cache=True, **COMPILED)(function)
        except RuntimeError:
            # "no locator available"
            return numba.njit(signature, **COMPILED)(function)

    return decorate


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


@inlined
def prefetch_row(table: Floats, row: int) -> None:
    """Ask for a row of a table (V, D), to be written soon."""
    begin = table.ctypes.data + np.int64(row) * table.strides[0]
    for offset in range(0, table.strides[0], _LINE_BYTES):
        _prefetch(begin + offset)  # type: ignore[call-arg]


@inlined
def tanh(x: np.float32) -> np.float32:
    """The hyperbolic tangent to 4e-7; the logistic function of x is half of 1 + its value at x / 2."""
    x = min(max(x, -_TANH_END), _TANH_END)
    u = x * x
    p = _P0 + u * (_P1 + u * (_P2 + u * (_P3 + u * _P4)))
    q = ONE + u * (_Q1 + u * (_Q2 + u * (_Q3 + u * _Q4)))
    return x * p / q


@inlined
def score_block(X: Floats, Y: Floats, scores: Floats, t: int, o: int) -> None:
    """The products of words t, t + 1 of X and outputs o ... o + 5 of Y, word after word."""
    a0 = a1 = a2 = a3 = a4 = a5 = b0 = b1 = b2 = b3 = b4 = b5 = ZERO
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


@inlined
def spread_block(X: Floats, Y: Floats, dX: Floats, dY: Floats, gains: Floats, t: int, o: int) -> None:
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


def hogwild(train: Callable[[int, int], float], items: int, threads: int) -> float:
    """The sum of what `train` returns for its items [begin, end), cut into `threads` parts side by side.

    `train` releases the GIL and its parts share the tables without locks (Recht et al. 2011, "Hogwild",
    arXiv:1106.5730).
    """
    if threads == 1:
        return float(train(0, items))
    bounds = np.linspace(0, items, threads + 1).astype(int).tolist()
    return float(sum(_pool(threads).map(train, bounds[:-1], bounds[1:])))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="sgns")
