"""The learning rate over the course of a training."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Doubles, Floats


def learning_rates(progress: Doubles, start: float, floor: float) -> Floats:
    """The learning rate at each share of the training done: linear from `start`, never below `floor`.

    `progress` holds numbers >= 0; 1 is the end of the last epoch. word2vec.c's rule.
    """
    return np.maximum(floor, start * (1.0 - progress)).astype(np.float32)


class Pace(NamedTuple):
    """The learning rates of one round.

    begin, end     the share of the whole training done before and after the round
    learning_rate  at the start of the training
    min_rate       the rate never falls below it
    """

    begin: float
    end: float
    learning_rate: float
    min_rate: float

    def rates(self, within: Doubles) -> Floats:
        """The rate at each share, 0 to 1, of the round; float32 of the same shape."""
        progress = self.begin + (self.end - self.begin) * within
        return learning_rates(progress, self.learning_rate, self.min_rate)
