"""The sampling tables of word2vec: each word's probability to be kept, and its weight as a noise word."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Doubles, Ids, Places
from vecmill.errors import ShapeError


def keep_probability(counts: Places, total: int, subsample: float) -> Doubles:
    """The probability that subsampling keeps a token of each word, (V,) float64, from the counts (V,).

    With f = count / total and t = `subsample`, it is min(1, sqrt(t / f) + t / f) as in word2vec.c, not
    1 - sqrt(t / f) as in the paper (Mikolov et al. 2013, arXiv:1310.4546, eq. 5).
    `total` is the number of tokens of all words of the vocabulary; t = 0 keeps every token.
    """
    if subsample == 0:
        return np.ones(len(counts))
    ratio = subsample * total / np.maximum(counts, 1)
    return np.minimum(1.0, np.sqrt(ratio) + ratio)


def noise_weight(counts: Places, exponent: float) -> Doubles:
    """Count ** exponent, (V,) float64: the weight of each word as a noise word, not normalised."""
    return np.asarray(counts, np.float64) ** exponent


class AliasTable(NamedTuple):
    """A discrete distribution over V words, for draws in constant time (Walker 1977).

    Cell i is [i, i + 1). Its part below i + `threshold[i]` belongs to word i, the rest to word `alias[i]`.
    Unlike a table of repeated ids it does not round the probabilities, for any V up to 2**31.

        threshold  (V,)  float64 in [0, 1]
        alias      (V,)  int32
    """

    threshold: Doubles
    alias: Ids

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Ids:
        """Independent draws: ids of the given shape, int32."""
        position = rng.random(shape)
        position *= len(self.alias)
        cell = position.astype(np.int32)
        position -= cell
        return np.where(position < self.threshold[cell], cell, self.alias[cell])


def alias_table(weights: Doubles) -> AliasTable:
    """The alias table of a distribution from V weights >= 0, in O(V) array operations.

    Sweeping construction (Hübschle-Schneider and Sanders 2019, arXiv:1903.00227, section 3): a light cell
    is filled up by the heavy cell whose surplus covers the running sum of deficits. A heavy cell whose
    surplus is used up is itself filled up by the next heavy cell.

    Raises ShapeError if there is no weight, all are 0, or one is negative or not finite.
    """
    weights = np.asarray(weights, np.float64)
    total = weights.sum()
    if weights.ndim != 1 or not np.isfinite(total) or total <= 0 or weights.min() < 0:
        raise ShapeError(
            "noise weights must be one row of finite numbers >= 0 with a sum above 0, got "
            f"shape {weights.shape} and sum {total}"
        )
    share = weights * (len(weights) / total)
    threshold, alias = share.copy(), np.arange(len(weights), dtype=np.int32)
    # If all shares are equal, rounding can leave all of them below 1; the largest counts as heavy.
    full = min(1.0, share.max())
    light, heavy = np.flatnonzero(share < full), np.flatnonzero(share >= full)
    if len(light) == 0:
        return AliasTable(np.ones_like(share), alias)
    need, surplus = np.cumsum(1 - share[light]), np.cumsum(share[heavy] - 1)
    last = len(heavy) - 1

    needed_before = np.concatenate(([0.0], need[:-1]))
    alias[light] = heavy[np.minimum(np.searchsorted(surplus, needed_before, "right"), last)]

    drained_by = np.searchsorted(need, surplus[:-1], "left")
    # A heavy cell that comes before any surplus is the alias of no cell, so no cell drains it.
    drained = (drained_by < len(need)) & (surplus[:-1] > 0)
    overdraft = need[np.minimum(drained_by, len(need) - 1)] - surplus[:-1]
    threshold[heavy] = 1.0
    threshold[heavy[:-1][drained]] = 1 - overdraft[drained]
    alias[heavy[:-1]] = heavy[1:]
    return AliasTable(np.clip(threshold, 0.0, 1.0), alias)
