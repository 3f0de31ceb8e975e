"""Random numbers that depend on their key alone: on the seed and on the place where they are used."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """The purpose of a stream of random numbers. The value of a purpose is never used for another one."""

    INITIALISE = 1
    PAIRS = 2
    EVALUATE = 3
    REGIONS = 4
    NOISE = 5


def generator(
    seed: int, purpose: Purpose, *, epoch: int = 0, slice_: int = 0, shard: int = 0
) -> np.random.Generator:
    """The random numbers of one task: the same key gives the same numbers, however often the task runs.

    Philox is counter-based (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), and
    SeedSequence spreads neighbouring keys over its whole key space, so streams do not overlap.
    All parts of the key are integers >= 0.
    """
    key = np.random.SeedSequence(seed, spawn_key=(purpose, epoch, slice_, shard))
    return np.random.Generator(np.random.Philox(key))
