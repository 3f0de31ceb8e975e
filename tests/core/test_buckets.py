"""Buckets have every pair once, and over a pass every word meets the noise due to its pairs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.kernels.batches import make_rows, random_rows, row_sizes
from vecmill.core import regions
from vecmill.core.arrays import Doubles, Ids, Places
from vecmill.core.buckets import (
    STEP_PAIRS,
    TILE_NOISE,
    TILE_WORDS,
    Bucket,
    pairs_of,
    part,
    sorted_by_bucket,
    with_noise,
)
from vecmill.core.rows import take

seeds = st.integers(0, 2**32 - 1)
expected_meetings = st.lists(st.just(0.0) | st.integers(0, 4).map(float) | st.floats(0, 20), max_size=12)
weights_of_noise = st.lists(st.just(0.0) | st.floats(1e-3, 1e9), min_size=1, max_size=5)


def make_bucket(expected, *, noise=(1.0, 1.0), n_pairs=0, seed=0) -> Bucket:
    rng = np.random.default_rng(seed)
    words = rng.integers(0, max(len(expected), 1), n_pairs, np.int32)
    contexts = rng.integers(0, max(len(noise), 1), n_pairs, np.int32)
    return with_noise(
        words, contexts, expected=np.asarray(expected, float), noise=np.asarray(noise, float), rng=rng
    )


def meetings(bucket: Bucket, n_words: int) -> Places:
    """The number of steps whose noise words each word meets."""
    return np.bincount(bucket.noisy, minlength=n_words)


@given(st.integers(0, 1000), st.integers(1, 100))
def test_parts_are_all_items_in_order_and_of_about_equal_size(items, steps):
    parts = [list(range(items))[part(items, step, steps)] for step in range(steps)]

    assert [item for some in parts for item in some] == list(range(items))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(expected_meetings, seeds)
def test_a_word_meets_noise_as_often_as_expected_rounded_up_or_down(expected, seed):
    found = meetings(make_bucket(expected, seed=seed), len(expected))

    # The sums that are rounded have rounding errors themselves.
    assert (found >= np.floor(np.array(expected) - 1e-9)).all()
    assert (found <= np.ceil(np.array(expected) + 1e-9)).all()


@given(expected_meetings, seeds)
def test_all_words_together_meet_noise_as_often_as_expected_rounded_up_or_down(expected, seed):
    assert abs(len(make_bucket(expected, seed=seed).noisy) - sum(expected)) < 1 + 1e-9


def test_the_expectation_is_exact():
    expected = np.array([0.25, 1.5, 0.0, 3.0, 0.1, 2.9, 1e-3])
    draws = 5_000

    found = sum(meetings(make_bucket(expected, seed=seed), len(expected)) for seed in range(draws))

    # Each count is one of two consecutive integers; 1e-9 allows for expectations that are integers.
    fraction = expected % 1
    deviation = np.sqrt(fraction * (1 - fraction) / draws)
    assert (np.abs(found / draws - expected) <= 5 * deviation + 1e-9).all()


def test_noise_words_follow_their_weights():
    noise = np.array([1.0, 0.0, 2.0, 5.0])

    drawn = make_bucket([40_000.0], noise=noise).noise

    share = np.bincount(drawn.ravel(), minlength=4) / drawn.size
    # 5,000 steps: five standard deviations of a share of 30,000 are at most .0145.
    np.testing.assert_allclose(share, noise / 8, atol=0.0145)
    assert share[1] == 0


def test_noisy_words_are_in_random_order():
    draws, times = 2000, 8
    second_word = np.zeros(2 * times)
    for seed in range(draws):
        second_word += make_bucket([times, times], seed=seed).noisy

    # Each position has either word half of the time: five standard deviations are .056.
    np.testing.assert_allclose(second_word / draws, 0.5, atol=0.056)


@given(expected_meetings, st.integers(0, 200), weights_of_noise, seeds)
def test_a_bucket_has_the_shapes_and_dtypes_that_kernels_require(expected, n_pairs, noise, seed):
    bucket = make_bucket([*expected, 1.0], n_pairs=n_pairs, noise=noise, seed=seed)

    steps = len(bucket.noise)
    assert {array.dtype for array in bucket} == {np.dtype(np.int32)}
    assert bucket.noise.shape == (steps, TILE_NOISE)
    assert set(bucket.noise.ravel().tolist()) <= set(range(len(noise)))
    # As few steps as possible.
    assert steps == max(math.ceil(n_pairs / STEP_PAIRS), math.ceil(len(bucket.noisy) / TILE_WORDS))
    for step in range(steps):
        assert len(bucket.words[part(len(bucket.words), step, steps)]) <= STEP_PAIRS
        assert len(bucket.noisy[part(len(bucket.noisy), step, steps)]) <= TILE_WORDS


def test_pairs_keep_their_order():
    words, contexts = np.int32([3, 1, 2]), np.int32([0, 1, 1])

    bucket = with_noise(
        words, contexts, expected=np.ones(4), noise=np.ones(2), rng=np.random.default_rng(0)
    )

    assert bucket.words.tolist() == [3, 1, 2]
    assert bucket.contexts.tolist() == [0, 1, 1]
    assert sorted(bucket.noisy.tolist()) == [0, 1, 2, 3]


def test_contexts_without_weight_as_noise_leave_pairs_without_noise():
    bucket = make_bucket([5.0, 5.0], noise=[0.0, 0.0], n_pairs=20)

    assert len(bucket.words) == 20
    assert len(bucket.noisy) == 0
    assert bucket.noise.shape == (2, TILE_NOISE)


def test_a_bucket_without_pairs_has_noise():
    bucket = make_bucket([4.0, 0.0, 6.0])

    assert len(bucket.words) == 0
    assert meetings(bucket, 3).tolist() == [4, 0, 6]
    assert len(bucket.noise) == 2


@pytest.mark.parametrize(
    ("expected", "noise"),
    [([], [1.0]), ([3.0], []), ([], []), ([0.0, 0.0], [1.0]), ([3.0], [0.0])],
    ids=["no words", "no contexts", "neither", "words without pairs", "contexts without weight"],
)
def test_a_bucket_without_pairs_and_noise_has_no_steps(expected, noise):
    bucket = make_bucket(expected, noise=noise)

    assert [array.shape for array in bucket] == [(0,), (0,), (0,), (0, TILE_NOISE)]


def test_a_small_expectation_mostly_gives_a_bucket_without_noise():
    steps = [len(make_bucket([0.001], seed=seed).noise) for seed in range(100)]

    assert steps.count(0) >= 95


def test_the_bucket_of_a_seed_stays_the_same_between_versions():
    """Runs are reproducible only if buckets never change."""
    bucket = make_bucket([1.5, 0.2, 3.4], noise=[1.0, 2, 5], seed=8)

    assert bucket.noisy.tolist() == [2, 0, 2, 2, 1]
    assert bucket.noise.tolist() == [[2, 2, 1, 1, 1, 0]]


def test_the_same_generator_gives_the_same_bucket():
    first, again, other = (make_bucket([2.5] * 20, n_pairs=9, seed=seed) for seed in (3, 3, 4))

    assert all(np.array_equal(x, y) for x, y in zip(first, again, strict=True))
    assert not np.array_equal(first.noise, other.noise)
    assert not np.array_equal(first.noisy, other.noisy)


def buckets_of_a_pass(
    words: Ids, contexts: Ids, *, noise: Doubles, negatives: int, n_regions: int, seed: int
) -> Iterator[tuple[Bucket, Ids, Ids]]:
    """All buckets of a pass with the noise due to them, each with the ids of its two regions."""
    rng = np.random.default_rng(seed)
    size = len(noise)
    pairs = np.bincount(words, minlength=size)
    probability = noise / noise.sum()
    of_words, of_contexts = (regions.cut(weights, n_regions, rng) for weights in (pairs + 0.0, noise))
    word_region, context_region = of_words.of_ids(), of_contexts.of_ids()
    words, contexts, bounds = sorted_by_bucket(words, contexts, word_region, context_region, n_regions)
    for stratum in range(n_regions):
        for i in range(n_regions):
            j = regions.context_region(i, stratum, n_regions)
            own = slice(bounds[i * n_regions + j], bounds[i * n_regions + j + 1])
            w_ids, c_ids = of_words.members(i), of_contexts.members(j)
            bucket = with_noise(
                np.searchsorted(w_ids, words[own]).astype(np.int32),
                np.searchsorted(c_ids, contexts[own]).astype(np.int32),
                expected=negatives * pairs[w_ids] * probability[c_ids].sum() / TILE_NOISE,
                noise=noise[c_ids],
                rng=rng,
            )
            yield bucket, w_ids, c_ids


@pytest.mark.parametrize("n_regions", [1, 2, 3, 9])
def test_over_a_pass_every_pair_meets_its_negatives_from_the_whole_vocabulary(n_regions):
    """K * (pairs of w) * P(n) meetings of the word w with the noise word n, in expectation."""
    size, negatives, passes = 7, 5, 400
    rng = np.random.default_rng(0)
    # Words have a few contexts each, so the test would notice noise that follows the pairs.
    words = rng.choice(size, 60, p=np.arange(size) / 21).astype(np.int32)
    contexts = ((words + rng.integers(0, 2, 60)) % size).astype(np.int32)
    noise = np.array([8.0, 5, 3, 2, 1, 0, 1])
    seen = np.zeros((passes, size, size))
    for seed in range(passes):
        trained = []
        for bucket, w_ids, c_ids in buckets_of_a_pass(
            words, contexts, noise=noise, negatives=negatives, n_regions=n_regions, seed=seed
        ):
            trained += zip(w_ids[bucket.words].tolist(), c_ids[bucket.contexts].tolist(), strict=True)
            for step in range(steps := len(bucket.noise)):
                noisy = w_ids[bucket.noisy[part(len(bucket.noisy), step, steps)]]
                np.add.at(seen[seed], (noisy[:, None], c_ids[bucket.noise[step]]), 1)
        assert sorted(trained) == sorted(zip(words.tolist(), contexts.tolist(), strict=True))

    expected = negatives * np.bincount(words, minlength=size)[:, None] * noise / noise.sum()
    deviation = seen.std(axis=0) / np.sqrt(passes)
    assert (np.abs(seen.mean(axis=0) - expected) <= 5 * deviation + 1e-9).all()


@given(row_sizes)
def test_pairs_are_all_pairs_of_the_rows(sizes):
    rows = random_rows(*sizes)
    expected = [
        (word, center)
        for b, center in enumerate(rows.centers.tolist())
        for word in rows.words[rows.offsets[b] : rows.offsets[b + 1]].tolist()
    ]

    words, contexts = pairs_of(rows)

    assert list(zip(words.tolist(), contexts.tolist(), strict=True)) == expected
    assert words.dtype == contexts.dtype == np.int32


def test_pairs_of_taken_rows_are_theirs_alone():
    rows = make_rows([7, 8, 9], [[1, 2], [], [3]], [[0], [0], [0]])

    words, contexts = pairs_of(take(rows, 1, 3))

    assert (words.tolist(), contexts.tolist()) == ([3], [9])


@given(st.integers(1, 300), st.integers(0, 80), st.integers(1, 30), seeds)
def test_pairs_are_sorted_by_bucket_and_keep_their_order_within_a_bucket(n_regions, n_pairs, size, seed):
    rng = np.random.default_rng(seed)
    words, contexts = rng.integers(0, size, (2, n_pairs), np.int32)
    word_region, context_region = rng.integers(0, n_regions, (2, size), np.int32)

    found_words, found_contexts, bounds = sorted_by_bucket(
        words, contexts, word_region, context_region, n_regions
    )

    expected: dict[int, list[tuple[int, int]]] = {}
    for word, context in zip(words.tolist(), contexts.tolist(), strict=True):
        bucket = int(word_region[word]) * n_regions + int(context_region[context])
        expected.setdefault(bucket, []).append((word, context))
    found = list(zip(found_words.tolist(), found_contexts.tolist(), strict=True))
    assert bounds.shape == (n_regions**2 + 1,)
    assert (bounds[0], bounds[-1]) == (0, n_pairs)
    assert {
        bucket: found[bounds[bucket] : bounds[bucket + 1]] for bucket in np.flatnonzero(np.diff(bounds))
    } == expected
