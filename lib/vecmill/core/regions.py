"""Regions: the parts of a table's rows that blocked training assigns to workers.

W and C are each cut into N regions, anew for every pass over the text. A bucket is all pairs whose word
lies in one region of W and whose context lies in one region of C. A stratum is N buckets of which no two
share a region, so N workers train it at the same time and never touch the same row. N strata are a pass.
Stratified stochastic gradient descent: Gemulla et al. 2011, "Large-scale matrix factorization with
distributed stochastic gradient descent", KDD.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Doubles, Ids, Places

# The heaviest rows of each region that are assigned by load; the others are assigned at random.
_LEVELLED = 64


class Regions(NamedTuple):
    """V rows in N regions.

    order   (V,)      int32  ids, region after region, ascending within a region
    bounds  (N + 1,)  int64  where each region begins in `order`
    """

    order: Ids
    bounds: Places

    def members(self, region: int) -> Ids:
        """The ids of a region, ascending."""
        return self.order[self.bounds[region] : self.bounds[region + 1]]

    def of_ids(self) -> Ids:
        """The region of every id, (V,) int32."""
        region = np.empty(len(self.order), np.int32)
        region[self.order] = np.repeat(
            np.arange(len(self.bounds) - 1, dtype=np.int32), np.diff(self.bounds)
        )
        return region

    def places(self) -> Ids:
        """The position of each id among the members of its region, (V,) int32."""
        places = np.empty(len(self.order), np.int32)
        begins = np.repeat(self.bounds[:-1], np.diff(self.bounds))
        places[self.order] = np.arange(len(places)) - begins
        return places


def cut(weights: Doubles, n_regions: int, rng: np.random.Generator) -> Regions:
    """Cut V rows at random into regions with about equal sums of `weights` (V,).

    In each turn, every region gets one of the next `n_regions` rows by descending weight. In the first
    _LEVELLED turns the region with the smallest sum gets the heaviest row; in later turns the order is
    random. A row that is heavier than the mean region stays heavier, and its region gets the lightest rows
    of the first turns. Needs 28 bytes per row.
    """
    size = len(weights)
    order = np.argsort(-weights, kind="stable")
    region = np.empty(size, np.int32)
    load = np.zeros(n_regions)
    levelled = min(_LEVELLED, size // n_regions)
    for turn in range(levelled):
        rows = order[turn * n_regions : (turn + 1) * n_regions]
        takers = rng.permutation(n_regions)
        takers = takers[np.argsort(load[takers], kind="stable")]
        region[rows] = takers
        load[takers] += weights[rows]
    rest = order[levelled * n_regions :]
    turns = np.tile(np.arange(n_regions, dtype=np.int32), (-(-len(rest) // n_regions), 1))
    region[rest] = rng.permuted(turns, axis=1).ravel()[: len(rest)]
    by_region = np.argsort(region, kind="stable").astype(np.int32)
    bounds = np.zeros(n_regions + 1, np.int64)
    np.cumsum(np.bincount(region, minlength=n_regions), out=bounds[1:])
    return Regions(by_region, bounds)


def context_region(word_region: int, stratum: int, n_regions: int) -> int:
    """The region of C that the worker of a region of W trains in a stratum; all count from 0."""
    return (word_region + stratum) % n_regions


def stratum(word_regions: Ids, context_regions: Ids, n_regions: int) -> Ids:
    """The stratum in which pairs of these regions are trained; element by element."""
    return (context_regions - word_regions) % n_regions
