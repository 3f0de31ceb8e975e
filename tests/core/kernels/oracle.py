"""Skip-gram with negative sampling in plain loops: what a kernel must agree with.

Straight from the formulas of Mikolov et al. 2013, arXiv:1310.4546, eq. 4. For a row's centre c,
noise words n and every word w of its window, with s(x) = 1 / (1 + exp(-x)):

    L = -[ log s(c . w) + sum_n log s(-n . w) ]

A bucket has the same terms, the noise of its own and not of its pairs: -log s(c . w) for every pair
(w, c), and -log s(-n . w) for every noisy word w and each noise word n of its step.

All inside is float64. Slow by design.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vecmill.core.buckets import Bucket
from vecmill.core.rows import Rows

Table = npt.NDArray[np.float64]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def minus_log_sigmoid(x: float) -> float:
    return math.log1p(math.exp(-x)) if x >= 0 else math.log1p(math.exp(x)) - x


class Triple(NamedTuple):
    """A word and an output that belong together (label 1) or do not (0), in a row or in a bucket's step."""

    step: int
    word: int
    output: int
    label: int


def triples(batch: Rows | Bucket) -> Iterator[Triple]:
    """Everything that rows or a bucket stand for, row after row or step after step."""
    return _triples_of_bucket(batch) if isinstance(batch, Bucket) else _triples_of_rows(batch)


def _triples_of_rows(rows: Rows) -> Iterator[Triple]:
    for b, center in enumerate(rows.centers.tolist()):
        for word in rows.words[rows.offsets[b] : rows.offsets[b + 1]].tolist():
            yield Triple(b, word, center, 1)
            for negative in rows.negatives[b].tolist():
                if negative != center:
                    yield Triple(b, word, negative, 0)


def _triples_of_bucket(bucket: Bucket) -> Iterator[Triple]:
    n_pairs, n_noisy, steps = len(bucket.words), len(bucket.noisy), len(bucket.noise)
    for g in range(steps):
        for p in range(g * n_pairs // steps, (g + 1) * n_pairs // steps):
            yield Triple(g, int(bucket.words[p]), int(bucket.contexts[p]), 1)
        for m in range(g * n_noisy // steps, (g + 1) * n_noisy // steps):
            for noise in bucket.noise[g].tolist():
                yield Triple(g, int(bucket.noisy[m]), noise, 0)


def oracle_loss(W: npt.ArrayLike, C: npt.ArrayLike, batch: Rows | Bucket) -> float:
    """The loss in nats, summed over all triples."""
    return _loss(np.asarray(W, np.float64), np.asarray(C, np.float64), triples(batch))


def oracle_gradients(
    W: npt.ArrayLike, C: npt.ArrayLike, batch: Rows | Bucket, weights: npt.ArrayLike | None = None
) -> tuple[Table, Table]:
    """dL/dW and dL/dC in their shapes; a row's or step's part times its weight, 1 without `weights`."""
    of_step = np.ones(_n_steps(batch)) if weights is None else np.asarray(weights, np.float64)
    return _gradients(np.asarray(W, np.float64), np.asarray(C, np.float64), triples(batch), of_step)


def oracle_update(
    W: npt.ArrayLike,
    C: npt.ArrayLike,
    batch: Rows | Bucket,
    learning_rates: npt.ArrayLike,
    together: int,
) -> tuple[Table, Table, float]:
    """New W, new C and the loss: gradient descent by `together` consecutive rows or steps at once."""
    minibatches = groupby(triples(batch), key=lambda triple: triple.step // together)
    return _descend(W, C, (list(group) for _, group in minibatches), learning_rates)


def oracle_update_in_turn(
    W: npt.ArrayLike, C: npt.ArrayLike, bucket: Bucket, learning_rates: npt.ArrayLike
) -> tuple[Table, Table, float]:
    """New W, new C and the loss: in each step one pair after another, then all its noise at once."""

    def minibatches() -> Iterator[list[Triple]]:
        for _, of_step in groupby(triples(bucket), key=lambda triple: triple.step):
            tile = []
            for triple in of_step:
                if triple.label == 1:
                    yield [triple]
                else:
                    tile.append(triple)
            yield tile

    return _descend(W, C, minibatches(), learning_rates)


def _n_steps(batch: Rows | Bucket) -> int:
    return len(batch.noise) if isinstance(batch, Bucket) else len(batch.centers)


def _loss(W: Table, C: Table, terms: Iterable[Triple]) -> float:
    total = 0.0
    for _, word, output, label in terms:
        score = float(W[word] @ C[output])
        total += minus_log_sigmoid(score if label == 1 else -score)
    return total


def _gradients(W: Table, C: Table, terms: Iterable[Triple], weights: Table) -> tuple[Table, Table]:
    dW, dC = np.zeros_like(W), np.zeros_like(C)
    for step, word, output, label in terms:
        error = sigmoid(float(W[word] @ C[output])) - label
        dW[word] += weights[step] * error * C[output]
        dC[output] += weights[step] * error * W[word]
    return dW, dC


def _descend(
    W: npt.ArrayLike, C: npt.ArrayLike, minibatches: Iterable[list[Triple]], learning_rates: npt.ArrayLike
) -> tuple[Table, Table, float]:
    """All gradients of a minibatch are taken at the parameters before it, as is its loss."""
    W, C = np.array(W, np.float64), np.array(C, np.float64)
    rates = np.asarray(learning_rates, np.float64)
    total = 0.0
    for minibatch in minibatches:
        total += _loss(W, C, minibatch)
        dW, dC = _gradients(W, C, minibatch, rates)
        W, C = W - dW, C - dC
    return W, C, total
