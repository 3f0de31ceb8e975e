"""How the changes that several shards made to the same rows become one change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Change = npt.NDArray[np.float32]
Merge = Callable[[Sequence[Change]], Change]


def mean(changes: Sequence[Change]) -> Change:
    """Parameter averaging: the mean of N changes of one shape (rows, D), added up in their order.

    Averaging N shards takes about 1/N of the steps that one shard would have taken.
    """
    total = changes[0].astype(np.float32)
    for change in changes[1:]:
        total += change
    total /= np.float32(len(changes))
    return total


def adasum(changes: Sequence[Change]) -> Change:
    """Row by row, what is parallel is averaged and what is orthogonal is added; (rows, D) each.

    Two changes a and b of a row become a (1 - a.b / 2|a|^2) + b (1 - a.b / 2|b|^2); more than two go in
    pairs of neighbours, their results in pairs again (Maleki et al. 2020, arXiv:2006.02924, section 3).
    A row that one shard alone has seen takes its whole step, one that all have seen about one of theirs.
    """
    level = list(changes)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [_adasum_of_two(a, b) for a, b in pairs] + (level[-1:] if len(level) % 2 else [])
    return level[0].astype(np.float32)


def _adasum_of_two(a: Change, b: Change) -> Change:
    product = np.einsum("ij,ij->i", a, b)
    return _weight(product, a)[:, None] * a + _weight(product, b)[:, None] * b


def _weight(product: Change, change: Change) -> Change:
    """1 - product / 2|change|^2 for each row, 1 where the change is nothing."""
    square = 2 * np.einsum("ij,ij->i", change, change)
    share: Change = np.divide(product, square, out=np.zeros_like(product), where=square > 0)
    return 1 - share


MERGES: dict[str, Merge] = {"mean": mean, "adasum": adasum}
