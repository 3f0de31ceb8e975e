"""Merging the changes that several shards made to the same rows into one change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vecmill.core.arrays import Floats

Merge = Callable[[Sequence[Floats]], Floats]


def total(changes: Sequence[Floats]) -> Floats:
    """The sum of N changes of one shape (rows, D), added in their order.

    For counters and for AdaGrad's sums of squared gradients, to which every shard contributes its own part.
    """
    added = changes[0].astype(np.float32)
    for change in changes[1:]:
        added += change
    return added


def mean(changes: Sequence[Floats]) -> Floats:
    """Parameter averaging: the mean of N changes of one shape (rows, D), added in their order.

    The mean moves about 1/N as far as one shard that trained on all the data would.
    """
    return total(changes) / np.float32(len(changes))


def adasum(changes: Sequence[Floats]) -> Floats:
    """Adasum: row by row, parallel changes are averaged and orthogonal changes are added; (rows, D) each.

    Two changes a and b of a row become a (1 - a.b / 2|a|^2) + b (1 - a.b / 2|b|^2). Of more than two,
    neighbours are merged in pairs, and the results in pairs again (Maleki et al. 2020, arXiv:2006.02924,
    section 3).
    A row changed by one shard keeps its full step; a row changed by all moves by about one shard's step.
    """
    level = list(changes)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [_adasum_of_two(a, b) for a, b in pairs] + (level[-1:] if len(level) % 2 else [])
    return level[0].astype(np.float32)


def _adasum_of_two(a: Floats, b: Floats) -> Floats:
    product = np.einsum("ij,ij->i", a, b)
    return _weight(product, a)[:, None] * a + _weight(product, b)[:, None] * b


def _weight(product: Floats, change: Floats) -> Floats:
    """1 - product / 2|change|^2 per row; 1 for a row of zeros."""
    square = 2 * np.einsum("ij,ij->i", change, change)
    share: Floats = np.divide(product, square, out=np.zeros_like(product), where=square > 0)
    return 1 - share


MERGES: dict[str, Merge] = {"mean": mean, "adasum": adasum, "sum": total}
