"""How the learning rate falls with the words seen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def learning_rates(
    progress: npt.NDArray[np.float64], start: float, floor: float
) -> npt.NDArray[np.float32]:
    """The learning rate at each share of the training done: linear from `start`, never below `floor`.

    `progress` holds numbers >= 0, 1 being the end of the last epoch. word2vec.c's rule.
    """
    return np.maximum(floor, start * (1.0 - progress)).astype(np.float32)
