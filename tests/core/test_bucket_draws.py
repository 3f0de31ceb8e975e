"""The noise of a bucket is drawn from the random numbers of its own key, to the byte."""

from __future__ import annotations

import numpy as np
import pytest

from vecmill.core import keyed_random, passes
from vecmill.core.buckets import TILE_NOISE, with_noise
from vecmill.core.keyed_random import Purpose
from vecmill.core.passes import Expected, Pass, draw_bucket

N_REGIONS, NEGATIVES, PAIRS = 3, 4, 700
SEED, EPOCH, SLICE = 5, 2, 1


@pytest.mark.parametrize("worker", range(N_REGIONS))
@pytest.mark.parametrize("stratum", range(N_REGIONS))
def test_a_bucket_has_the_bytes_of_its_key(worker, stratum):
    """Another key or order of the draws would train other vectors from the same seed."""
    weights = 1 / np.arange(1.0, 31)
    expected = Expected(weights / weights.sum(), np.sqrt(weights) / np.sqrt(weights).sum())
    layout = passes.layout(expected, N_REGIONS, NEGATIVES, seed=SEED, epoch=EPOCH, slice_=SLICE)
    of_pass = Pass(SEED, EPOCH, SLICE, NEGATIVES, layout, expected, PAIRS)
    words = contexts = np.array([1, 0, 2, 1], np.int32)

    found = draw_bucket(of_pass, worker, stratum, words, contexts)

    other = (worker + stratum) % N_REGIONS
    noise = expected.noise[layout.contexts.members(other)]
    due = NEGATIVES * PAIRS * expected.pairs[layout.words.members(worker)] * noise.sum()
    bucket = worker * N_REGIONS + other
    rng = keyed_random.generator(SEED, Purpose.NOISE, epoch=EPOCH, slice_=SLICE, shard=bucket)
    same = with_noise(words, contexts, expected=due / TILE_NOISE, noise=noise, rng=rng)
    assert len(same.noisy) > 20
    for array, of_key in zip(found, same, strict=True):
        np.testing.assert_array_equal(array, of_key)
