"""The rows of a table cut into regions, which blocked training hands to its workers.

W and C are each cut into N regions, drawn anew for every pass over the text. A bucket is the pairs whose
word lies in one region of W and whose context in one of C; a stratum is N buckets of which no two share
a region, so that N workers can train them side by side and never touch the same row. N strata are a pass.
Stratified stochastic gradient descent: Gemulla et al. 2011, "Large-scale matrix factorization with
distributed stochastic gradient descent", KDD.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Doubles, Ids, Places

# So many of the heaviest words of each region are dealt to even out the load, the rest by chance alone.
_LEVELLED = 64


class Regions(NamedTuple):
    """V rows in N regions.

    order   (V,)      int32  ids, region after region, rising within each
    bounds  (N + 1,)  int64  where each region begins in `order`
    """

    order: Ids
    bounds: Places

    def members(self, region: int) -> Ids:
        """The ids of a region, rising."""
        return self.order[self.bounds[region] : self.bounds[region + 1]]

    def of_ids(self) -> Ids:
        """The region of every id, (V,) int32."""
        region = np.empty(len(self.order), np.int32)
        region[self.order] = np.repeat(
            np.arange(len(self.bounds) - 1, dtype=np.int32), np.diff(self.bounds)
        )
        return region

    def places(self) -> Ids:
        """Where each id stands among the members of its region, (V,) int32."""
        places = np.empty(len(self.order), np.int32)
        begins = np.repeat(self.bounds[:-1], np.diff(self.bounds))
        places[self.order] = np.arange(len(places)) - begins
        return places


def cut(weights: Doubles, n_regions: int, rng: np.random.Generator) -> Regions:
    """V rows into regions by chance, whose sums of `weights` (V,) are about equal.

    Rows are dealt by falling weight, one to each region in turn, in an order that chance gives; of the
    first rows the heavier goes where there is less. A row that is heavier than a whole region's share
    stays heavier, and its region has the lightest rows beside it. Takes 28 bytes a row.
    """
    size = len(weights)
    order = np.argsort(-weights, kind="stable")
    region = np.empty(size, np.int32)
    load = np.zeros(n_regions)
    levelled = min(_LEVELLED, size // n_regions)
    for turn in range(levelled):
        rows = order[turn * n_regions : (turn + 1) * n_regions]
        dealt = rng.permutation(n_regions)
        dealt = dealt[np.argsort(load[dealt], kind="stable")]
        region[rows] = dealt
        load[dealt] += weights[rows]
    rest = order[levelled * n_regions :]
    turns = np.tile(np.arange(n_regions, dtype=np.int32), (-(-len(rest) // n_regions), 1))
    region[rest] = rng.permuted(turns, axis=1).ravel()[: len(rest)]
    by_region = np.argsort(region, kind="stable").astype(np.int32)
    bounds = np.zeros(n_regions + 1, np.int64)
    np.cumsum(np.bincount(region, minlength=n_regions), out=bounds[1:])
    return Regions(by_region, bounds)


def context_region(word_region: int, stratum: int, n_regions: int) -> int:
    """The region of C that the worker of a region of W trains in a stratum."""
    return (word_region + stratum) % n_regions


def stratum(word_regions: Ids, context_regions: Ids, n_regions: int) -> Ids:
    """The stratum in which pairs of these regions are trained."""
    return (context_regions - word_regions) % n_regions
