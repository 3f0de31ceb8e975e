"""Skip-gram with negative sampling in plain loops: what a kernel must agree with.

Straight from the formulas of Mikolov et al. 2013, arXiv:1310.4546, eq. 4. For a row's centre c,
noise words n and every word w of its window, with s(x) = 1 / (1 + exp(-x)):

    L = -[ log s(c . w) + sum_n log s(-n . w) ]

All inside is float64. Slow by design.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from vecmill.core.rows import Rows

Table = npt.NDArray[np.float64]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def minus_log_sigmoid(x: float) -> float:
    return math.log1p(math.exp(-x)) if x >= 0 else math.log1p(math.exp(x)) - x


def triples(rows: Rows) -> Iterator[tuple[int, int, int, int]]:
    """(row, word, output, label) of everything the rows stand for, row after row."""
    for b, center in enumerate(rows.centers.tolist()):
        for word in rows.words[rows.offsets[b] : rows.offsets[b + 1]].tolist():
            yield b, word, center, 1
            for negative in rows.negatives[b].tolist():
                if negative != center:
                    yield b, word, negative, 0


def oracle_loss(W: npt.ArrayLike, C: npt.ArrayLike, rows: Rows) -> float:
    """The loss in nats, summed over all triples of `rows`."""
    W, C = np.asarray(W, np.float64), np.asarray(C, np.float64)
    total = 0.0
    for _, word, output, label in triples(rows):
        score = float(W[word] @ C[output])
        total += minus_log_sigmoid(score if label == 1 else -score)
    return total


def oracle_gradients(
    W: npt.ArrayLike, C: npt.ArrayLike, rows: Rows, weights: npt.ArrayLike | None = None
) -> tuple[Table, Table]:
    """dL/dW and dL/dC, each (V, D); a row's part times its weight, 1 without `weights` (B,)."""
    W, C = np.asarray(W, np.float64), np.asarray(C, np.float64)
    of_row = np.ones(len(rows.centers)) if weights is None else np.asarray(weights, np.float64)
    dW, dC = np.zeros_like(W), np.zeros_like(C)
    for b, word, output, label in triples(rows):
        error = sigmoid(float(W[word] @ C[output])) - label
        dW[word] += of_row[b] * error * C[output]
        dC[output] += of_row[b] * error * W[word]
    return dW, dC


def oracle_update(
    W: npt.ArrayLike,
    C: npt.ArrayLike,
    rows: Rows,
    learning_rates: npt.ArrayLike,
    rows_per_step: int,
) -> tuple[Table, Table, float]:
    """New W, new C and the loss: gradient descent in steps of `rows_per_step` consecutive rows."""
    W, C = np.array(W, np.float64), np.array(C, np.float64)
    rates = np.asarray(learning_rates, np.float64)
    total = 0.0
    for first in range(0, len(rows.centers), rows_per_step):
        last = first + rows_per_step
        step = Rows(
            rows.centers[first:last],
            rows.offsets[first : last + 1],
            rows.words,
            rows.negatives[first:last],
        )
        total += oracle_loss(W, C, step)
        dW, dC = oracle_gradients(W, C, step, rates[first:last])
        W, C = W - dW, C - dC
    return W, C, total
