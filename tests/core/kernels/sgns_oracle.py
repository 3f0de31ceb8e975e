"""Skip-gram with negative sampling in plain loops and float64, which its kernels must agree with.

Straight from Mikolov et al. 2013, arXiv:1310.4546, eq. 4. For the centre c of a row, its noise words n and
every word w of its window, with s(x) = 1 / (1 + exp(-x)):

    L = -[ log s(c . w) + sum_n log s(-n . w) ]

A bucket has the same terms, but its noise does not belong to its pairs: -log s(c . w) for every pair
(w, c), and -log s(-n . w) for every noisy word w and each noise word n of its step. Slow by design.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vecmill.core.arrays import Doubles
from vecmill.core.buckets import Bucket
from vecmill.core.rows import Rows

# Tables of parameters, of any type that NumPy converts to float64.
Parameters = Mapping[str, npt.ArrayLike]
Updated = tuple[dict[str, Doubles], float]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def minus_log_sigmoid(x: float) -> float:
    return math.log1p(math.exp(-x)) if x >= 0 else math.log1p(math.exp(x)) - x


class Triple(NamedTuple):
    """A word and an output, a context (label 1) or noise (label 0), in a row or in a step of a bucket."""

    step: int
    word: int
    output: int
    label: int


def triples(batch: Rows | Bucket) -> Iterator[Triple]:
    """All triples of rows or of a bucket, row after row or step after step."""
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


def loss(tables: Parameters, batch: Rows | Bucket) -> float:
    """The loss in nats, summed over all triples."""
    return _loss(_as_float64(tables), triples(batch))


def gradients(tables: Parameters, batch: Rows | Bucket) -> dict[str, Doubles]:
    """The gradient of the loss by every table, in the shapes of the tables."""
    steps = len(batch.noise) if isinstance(batch, Bucket) else len(batch.centers)
    return _gradients(_as_float64(tables), triples(batch), np.ones(steps))


def update(tables: Parameters, batch: Rows | Bucket, rates: npt.ArrayLike, together: int) -> Updated:
    """Gradient descent with minibatches of `together` rows or steps: new tables, and the loss."""
    minibatches = groupby(triples(batch), key=lambda triple: triple.step // together)
    return _descend(tables, (list(group) for _, group in minibatches), rates)


def update_in_turn(tables: Parameters, bucket: Bucket, rates: npt.ArrayLike) -> Updated:
    """Gradient descent in which every pair, and then all noise of a step, is a minibatch."""

    def minibatches() -> Iterator[list[Triple]]:
        for _, of_step in groupby(triples(bucket), key=lambda triple: triple.step):
            noise = []
            for triple in of_step:
                if triple.label == 1:
                    yield [triple]
                else:
                    noise.append(triple)
            yield noise

    return _descend(tables, minibatches(), rates)


def _as_float64(tables: Parameters) -> dict[str, Doubles]:
    return {name: np.array(table, np.float64) for name, table in tables.items()}


def _loss(tables: Mapping[str, Doubles], terms: Iterable[Triple]) -> float:
    total = 0.0
    for _, word, output, label in terms:
        score = float(tables["W"][word] @ tables["C"][output])
        total += minus_log_sigmoid(score if label == 1 else -score)
    return total


def _gradients(
    tables: Mapping[str, Doubles], terms: Iterable[Triple], weights: Doubles
) -> dict[str, Doubles]:
    """The sum over terms of weights[step] times the gradient."""
    W, C = tables["W"], tables["C"]
    dW, dC = np.zeros_like(W), np.zeros_like(C)
    for step, word, output, label in terms:
        error = sigmoid(float(W[word] @ C[output])) - label
        dW[word] += weights[step] * error * C[output]
        dC[output] += weights[step] * error * W[word]
    return {"W": dW, "C": dC}


def _descend(tables: Parameters, minibatches: Iterable[list[Triple]], rates: npt.ArrayLike) -> Updated:
    """The loss and all gradients of a minibatch are taken at the parameters before it."""
    current, of_steps = _as_float64(tables), np.asarray(rates, np.float64)
    total = 0.0
    for minibatch in minibatches:
        total += _loss(current, minibatch)
        changes = _gradients(current, minibatch, of_steps)
        current = {name: table - changes[name] for name, table in current.items()}
    return current, total
