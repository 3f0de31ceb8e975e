"""The two sampling tables of word2vec: which tokens are kept, and which words serve as noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vecmill.errors import ShapeError

Counts = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float64]


def keep_probability(counts: Counts, total: int, subsample: float) -> Probabilities:
    """Probability that subsampling keeps one token of each word, from the words' counts.

    With f = count / total and t = `subsample`, min(1, sqrt(t / f) + t / f): word2vec.c's code, and not
    the 1 - sqrt(t / f) of the paper (Mikolov et al. 2013, arXiv:1310.4546, eq. 5).
    `total` is the number of tokens that belong to the vocabulary; t = 0 keeps every token.
    """
    if subsample == 0:
        return np.ones(len(counts))
    ratio = subsample * total / np.maximum(counts, 1)
    return np.minimum(1.0, np.sqrt(ratio) + ratio)


def noise_weight(counts: Counts, exponent: float) -> Probabilities:
    """Count ** exponent: what each word weighs among the noise words before it is normalised."""
    return np.asarray(counts, np.float64) ** exponent


class AliasTable(NamedTuple):
    """A discrete distribution over V words that is drawn from in constant time (Walker 1977).

    Word i owns the cell [i, i + 1): the part below i + `threshold[i]` is its own, the rest belongs to
    `alias[i]`. Exact for any V up to 2**31, where a table of repeated ids has to round.

        threshold  (V,)  float64 in [0, 1]
        alias      (V,)  int32
    """

    threshold: npt.NDArray[np.float64]
    alias: npt.NDArray[np.int32]

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.int32]:
        """Independent draws, int32 ids of the given shape."""
        place = rng.random(shape)
        place *= len(self.alias)
        cell = place.astype(np.int32)
        place -= cell
        return np.where(place < self.threshold[cell], cell, self.alias[cell])


def alias_table(weights: Probabilities) -> AliasTable:
    """The alias table of a distribution given by V non-negative weights, in O(V) array operations.

    Sweeping construction (Hübschle-Schneider and Sanders 2019, arXiv:1903.00227, section 3): light
    cells are topped up by the heavy cell whose surplus covers the running sum of their deficits, and
    a heavy cell that is used up is itself topped up by the next.

    Raises ShapeError where there is no weight at all, or one is negative or not finite.
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
    # Rounding can leave equal shares all a little below 1; the largest is heavy all the same.
    full = min(1.0, share.max())
    light, heavy = np.flatnonzero(share < full), np.flatnonzero(share >= full)
    if len(light) == 0:
        return AliasTable(np.ones_like(share), alias)
    need, surplus = np.cumsum(1 - share[light]), np.cumsum(share[heavy] - 1)
    last = len(heavy) - 1

    needed_before = np.concatenate(([0.0], need[:-1]))
    alias[light] = heavy[np.minimum(np.searchsorted(surplus, needed_before, "right"), last)]

    drained_by = np.searchsorted(need, surplus[:-1], "left")
    # A heavy cell before any that has a surplus is nobody's alias, and so is drained by nobody.
    drained = (drained_by < len(need)) & (surplus[:-1] > 0)
    overdraft = need[np.minimum(drained_by, len(need) - 1)] - surplus[:-1]
    threshold[heavy] = 1.0
    threshold[heavy[:-1][drained]] = 1 - overdraft[drained]
    alias[heavy[:-1]] = heavy[1:]
    return AliasTable(np.clip(threshold, 0.0, 1.0), alias)
