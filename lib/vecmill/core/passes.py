"""One pass of blocked training over the text: how both tables are cut, and what each bucket trains.

Workers on Spark and the simulator call these functions, so that both compute the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vecmill.core import keyed_random, regions
from vecmill.core.arrays import Doubles, Floats, Ids, Places
from vecmill.core.buckets import TILE_NOISE, Bucket, with_noise
from vecmill.core.regions import Regions, context_region
from vecmill.core.schedule import Pace


class Layout(NamedTuple):
    """How both tables are cut in one pass over the text."""

    words: Regions
    contexts: Regions

    @property
    def n_regions(self) -> int:
        """Regions of each table."""
        return len(self.words.bounds) - 1


class Expected(NamedTuple):
    """How often each of V words is in a pair, and how often it is noise; each sums to 1."""

    pairs: Doubles
    noise: Doubles


class Pass(NamedTuple):
    """A pass that is drawn: its keys, its layout, and how many pairs it has."""

    seed: int
    epoch: int
    slice_: int
    negatives: int
    layout: Layout
    expected: Expected
    pairs: int


def expected(counts: Places, keep: Doubles, noise: Doubles) -> Expected:
    """From the vocabulary's columns (V,): a word is in as many pairs as it has tokens that are kept."""
    kept = counts * keep
    return Expected(kept / kept.sum(), noise / noise.sum())


def layout(of: Expected, n_regions: int, negatives: int, *, seed: int, epoch: int, slice_: int) -> Layout:
    """The regions of one pass, about equal in work; the same on every worker that draws them."""
    rng = keyed_random.generator(seed, keyed_random.Purpose.REGIONS, epoch=epoch, slice_=slice_)
    work_on_contexts = of.pairs + negatives * of.noise
    return Layout(regions.cut(of.pairs, n_regions, rng), regions.cut(work_on_contexts, n_regions, rng))


def draw_bucket(of: Pass, worker: int, stratum: int, words: Ids, contexts: Ids) -> Bucket:
    """The bucket that a worker trains in a stratum: its pairs, and the noise due to it.

        words, contexts  (P,)  the pairs, as positions within their regions

    For the noise due see `core.buckets`.
    """
    n_regions = of.layout.n_regions
    other = context_region(worker, stratum, n_regions)
    noise = of.expected.noise[of.layout.contexts.members(other)]
    due = of.negatives * of.pairs * of.expected.pairs[of.layout.words.members(worker)] * noise.sum()
    rng = keyed_random.generator(
        of.seed,
        keyed_random.Purpose.NOISE,
        epoch=of.epoch,
        slice_=of.slice_,
        shard=worker * n_regions + other,
    )
    return with_noise(words, contexts, expected=due / TILE_NOISE, noise=noise, rng=rng)


def bucket_rates(bucket: Bucket, stratum: int, strata: range, pace: Pace) -> Floats:
    """The learning rate of each step of a bucket, (G,), in a round that has these `strata`."""
    steps = len(bucket.noise)
    done = stratum - strata.start + np.arange(steps) / max(steps, 1)
    return pace.rates(done / len(strata))
