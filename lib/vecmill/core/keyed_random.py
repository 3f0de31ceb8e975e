"""Random numbers that depend on where they are used and on nothing else."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream of random numbers is for; a number is never given to another purpose."""

    INITIALISE = 1
    PAIRS = 2
    EVALUATE = 3
    REGIONS = 4
    NOISE = 5


def generator(
    seed: int, purpose: Purpose, *, epoch: int = 0, slice_: int = 0, shard: int = 0
) -> np.random.Generator:
    """The random numbers of one task: the same key gives the same numbers, however often it is run.

    Philox is counter-based (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), and
    SeedSequence spreads neighbouring keys over its whole key space, so streams do not overlap.
    All parts of the key are integers >= 0.
    """
    key = np.random.SeedSequence(seed, spawn_key=(purpose, epoch, slice_, shard))
    return np.random.Generator(np.random.Philox(key))
