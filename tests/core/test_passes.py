"""A pass of blocked training: its layout, the noise due to each bucket, and the rates of its steps."""

from __future__ import annotations

import numpy as np
import pytest

from vecmill.core import keyed_random, regions
from vecmill.core.buckets import STEP_PAIRS, TILE_NOISE, TILE_WORDS, part
from vecmill.core.keyed_random import Purpose
from vecmill.core.passes import Pass, bucket_rates, draw_bucket, expected, layout
from vecmill.core.regions import context_region
from vecmill.core.schedule import Pace

COUNTS = np.array([50, 30, 20, 10, 5, 4, 3, 2, 1, 1], np.int64)
KEEP = np.linspace(0.1, 1.0, 10)
NOISE = COUNTS**0.75
EXPECTED = expected(COUNTS, KEEP, NOISE)
NO_IDS = np.zeros(0, np.int32)


def make_pass(n_regions=3, *, negatives=5, pairs=2000, seed=1, epoch=0, slice_=0) -> Pass:
    of_tables = layout(EXPECTED, n_regions, negatives, seed=seed, epoch=epoch, slice_=slice_)
    return Pass(seed, epoch, slice_, negatives, of_tables, EXPECTED, pairs)


def test_a_word_is_expected_in_pairs_by_its_kept_tokens_and_as_noise_by_its_weight():
    of_words = expected(np.array([6, 2, 1]), np.array([0.5, 1.0, 1.0]), np.array([3.0, 0.0, 1.0]))

    np.testing.assert_allclose(of_words.pairs, [3 / 6, 2 / 6, 1 / 6], rtol=1e-12)
    np.testing.assert_allclose(of_words.noise, [0.75, 0, 0.25], rtol=1e-12)


def test_a_layout_cuts_words_by_their_pairs_and_contexts_by_pairs_and_noise():
    found = layout(EXPECTED, 3, 5, seed=7, epoch=2, slice_=1)

    rng = keyed_random.generator(7, Purpose.REGIONS, epoch=2, slice_=1)
    of_words = regions.cut(EXPECTED.pairs, 3, rng)
    of_contexts = regions.cut(EXPECTED.pairs + 5 * EXPECTED.noise, 3, rng)
    assert found.n_regions == 3
    for cut, same in ((found.words, of_words), (found.contexts, of_contexts)):
        np.testing.assert_array_equal(cut.order, same.order)
        np.testing.assert_array_equal(cut.bounds, same.bounds)


@pytest.mark.parametrize("other", [{"seed": 8}, {"epoch": 1}, {"slice_": 1}])
def test_every_pass_has_a_layout_of_its_own(other):
    key = {"seed": 7, "epoch": 0, "slice_": 0}

    first, again, another = (layout(EXPECTED, 3, 5, **some) for some in (key, key, {**key, **other}))

    assert first.words.order.tolist() == again.words.order.tolist()
    assert first.contexts.order.tolist() == again.contexts.order.tolist()
    assert (first.words.order.tolist(), first.contexts.order.tolist()) != (
        another.words.order.tolist(),
        another.contexts.order.tolist(),
    )


def test_a_bucket_keeps_its_pairs_and_has_ids_of_its_own_regions():
    of_pass = make_pass()
    words, contexts = np.array([0, 2, 1], np.int32), np.array([1, 1, 0], np.int32)

    for worker in range(3):
        for stratum in range(3):
            bucket = draw_bucket(of_pass, worker, stratum, words, contexts)
            other = context_region(worker, stratum, 3)

            assert bucket.words is words
            assert bucket.contexts is contexts
            assert bucket.noisy.max() < len(of_pass.layout.words.members(worker))
            assert bucket.noise.max() < len(of_pass.layout.contexts.members(other))
            assert len(bucket.noise) >= len(bucket.noisy) / TILE_WORDS


def test_the_same_key_gives_the_same_bucket_and_any_other_key_another():
    def noise(*, worker=0, stratum=0, **key):
        return draw_bucket(make_pass(**key), worker, stratum, NO_IDS, NO_IDS).noise.tolist()

    assert noise() == noise()
    others = [noise(stratum=1), noise(worker=1), noise(seed=2), noise(epoch=1), noise(slice_=1)]
    assert all(other != noise() for other in others)


@pytest.mark.parametrize("other", [{"seed": 2}, {"epoch": 1}, {"slice_": 1}])
def test_two_passes_with_the_same_layout_have_different_noise(other):
    of_pass = make_pass()

    bucket = draw_bucket(of_pass, 1, 2, NO_IDS, NO_IDS)
    another = draw_bucket(of_pass._replace(**other), 1, 2, NO_IDS, NO_IDS)

    assert bucket.noise.tolist() != another.noise.tolist()


def test_no_two_buckets_of_a_pass_share_a_stream_of_random_numbers():
    """With one word per region only the draws differ: of all 9 buckets, no two have the same noise."""
    n_regions, pairs = 3, 5000
    even = expected(np.full(30, 10), np.ones(30), np.ones(30))
    of_tables = layout(even, n_regions, 5, seed=1, epoch=0, slice_=0)
    of_pass = Pass(1, 0, 0, 5, of_tables, even, pairs)

    drawn = {
        draw_bucket(of_pass, worker, stratum, NO_IDS, NO_IDS).noise[:10].tobytes()
        for worker in range(n_regions)
        for stratum in range(n_regions)
    }

    assert len(drawn) == n_regions**2


@pytest.mark.parametrize("n_regions", [1, 2, 3])
def test_over_a_pass_every_word_meets_negatives_per_pair_from_the_whole_vocabulary(n_regions):
    """K * (pairs of w) * P(n) meetings of the word w with the noise word n, in expectation."""
    negatives, pairs, passes = 5, 2000, 100
    seen = np.zeros((passes, 10, 10))
    for epoch in range(passes):
        of_pass = make_pass(n_regions, negatives=negatives, pairs=pairs, epoch=epoch)
        for stratum in range(n_regions):
            for worker in range(n_regions):
                bucket = draw_bucket(of_pass, worker, stratum, NO_IDS, NO_IDS)
                words = of_pass.layout.words.members(worker)
                contexts = of_pass.layout.contexts.members(context_region(worker, stratum, n_regions))
                for step in range(steps := len(bucket.noise)):
                    noisy = words[bucket.noisy[part(len(bucket.noisy), step, steps)]]
                    np.add.at(seen[epoch], (noisy[:, None], contexts[bucket.noise[step]]), 1)

    due = negatives * pairs * EXPECTED.pairs[:, None] * EXPECTED.noise
    deviation = seen.std(axis=0) / np.sqrt(passes)
    assert (np.abs(seen.mean(axis=0) - due) <= 5 * deviation + 1e-9).all()
    # Over a bucket the number of meetings is exact but for one rounding.
    most = n_regions**2 * TILE_NOISE
    assert (np.abs(seen.sum(axis=(1, 2)) - negatives * pairs) <= most).all()


def test_the_rates_of_a_bucket_follow_its_stratum_and_its_steps():
    pace = Pace(begin=0.0, end=0.5, learning_rate=0.08, min_rate=0.001)
    words = np.zeros(4 * STEP_PAIRS, np.int32)
    bucket = draw_bucket(make_pass(pairs=0), 0, 0, words, words)
    assert len(bucket.noise) == 4

    rates = bucket_rates(bucket, 5, range(4, 6), pace)

    # Stratum 5 is the second half of the round, and the round is the first half of the training.
    assert rates.dtype == np.float32
    shares = 0.25 + 0.25 * np.array([0, 0.25, 0.5, 0.75])
    np.testing.assert_allclose(rates, 0.08 * (1 - shares), rtol=1e-6)


def test_a_bucket_without_steps_has_no_rates():
    bucket = draw_bucket(make_pass(pairs=0), 0, 0, NO_IDS, NO_IDS)

    assert bucket_rates(bucket, 0, range(1), Pace(0.0, 1.0, 0.05, 0.001)).shape == (0,)
