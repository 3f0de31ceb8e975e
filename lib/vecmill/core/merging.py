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


MERGES: dict[str, Merge] = {"mean": mean}
