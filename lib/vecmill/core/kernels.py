"""The programs that train on a batch of rows, under the names that a configuration gives them.

A kernel changes its tables in place and returns the summed loss. All follow one contract, so that the
loop of rounds need not know which model it trains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from vecmill.core import sgns
from vecmill.core.rows import Rows

Tables = Mapping[str, npt.NDArray[np.float32]]
Kernel = Callable[[Tables, Rows, npt.NDArray[np.float32]], float]


def sgns_numpy(tables: Tables, rows: Rows, learning_rates: npt.NDArray[np.float32]) -> float:
    """Skip-gram with negative sampling over the tables W and C, vectorised by NumPy."""
    return sgns.update(tables["W"], tables["C"], rows, learning_rates)


KERNELS: dict[str, Kernel] = {"numpy": sgns_numpy}
