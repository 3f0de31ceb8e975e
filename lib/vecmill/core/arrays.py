"""The kinds of arrays that the mathematics works on, each under one name."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Parameters, scores and rates: float32 of any shape.
Floats = npt.NDArray[np.float32]
# Sums, weights and probabilities: float64 of any shape.
Doubles = npt.NDArray[np.float64]
# Ids of words, which are rows of a table: int32.
Ids = npt.NDArray[np.int32]
# Positions in other arrays, bounds and counts: int64.
Places = npt.NDArray[np.int64]
