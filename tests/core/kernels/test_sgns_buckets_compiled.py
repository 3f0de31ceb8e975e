"""The compiled kernel of buckets against the oracle in plain loops, pair by pair and tile by tile."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.kernels.batches import buckets, planted_bucket, random_bucket
from tests.core.kernels.oracle import oracle_update_in_turn
from vecmill.core.buckets import STEP_PAIRS, TILE_NOISE, TILE_WORDS, Bucket
from vecmill.core.kernels.sgns_numpy import initialise
from vecmill.errors import ShapeError

sgns_buckets_compiled = pytest.importorskip("vecmill.core.kernels.sgns_buckets_compiled")
update = sgns_buckets_compiled.update


def assert_equals_the_oracle(batch):
    W, C, bucket, rates = batch
    expected_W, expected_C, expected_loss = oracle_update_in_turn(W, C, bucket, rates)

    total = update(W, C, bucket, rates)

    np.testing.assert_allclose(W, expected_W, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(C, expected_C, rtol=1e-5, atol=1e-5)
    assert total == pytest.approx(expected_loss, rel=1e-5, abs=1e-5)


@settings(max_examples=150)
@given(buckets())
def test_an_update_equals_the_oracles(batch):
    assert_equals_the_oracle(batch)


@pytest.mark.parametrize("dim", [1, 15, 16, 17, 100, 300])
@pytest.mark.parametrize("n_noisy", range(TILE_WORDS + 1))
def test_no_dimension_and_no_number_of_noisy_words_is_odd_for_its_blocks(dim, n_noisy):
    assert_equals_the_oracle(random_bucket(7, dim=dim, n_pairs=STEP_PAIRS, n_noisy=n_noisy))


@pytest.mark.parametrize(("n_pairs", "n_noisy"), [(0, 30), (50, 0), (1, 0), (0, 1), (1, 1), (16, 8)])
def test_pairs_without_noise_and_noise_without_pairs_are_a_bucket_too(n_pairs, n_noisy):
    assert_equals_the_oracle(random_bucket(1, n_pairs=n_pairs, n_noisy=n_noisy))


def test_hundreds_of_steps_equal_the_oracles():
    assert_equals_the_oracle(random_bucket(0, n_words=200, n_contexts=300, n_pairs=4000, n_noisy=2500))


@settings(max_examples=50)
@given(st.floats(-1e5, 1e5, width=32))
def test_any_score_gives_the_oracles_loss_and_finite_tables(score):
    W = np.array([[score], [0.5]], np.float32)
    C = np.array([[1.0], [-1.0], [1.0], [-1.0], [0.25]], np.float32)
    both = np.array([0, 1], np.int32)
    # No context is noise: the 4e-7 that tanh may be off, times 1e5, would show in the loss of its noise.
    bucket = Bucket(both, both, both, np.array([[2, 3, 4, 3, 2, 4]], np.int32))
    rates = np.full(1, 0.025, np.float32)
    *_, expected = oracle_update_in_turn(W, C, bucket, rates)

    assert update(W, C, bucket, rates) == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(W).all()
    assert np.isfinite(C).all()


@pytest.mark.parametrize("name", ["words", "noisy"])
def test_a_loss_that_is_no_number_comes_through(name):
    W, C, bucket, rates = random_bucket(9)
    W[getattr(bucket, name)[0]] = np.nan

    assert not math.isfinite(update(W, C, bucket, rates))


def test_an_empty_bucket_changes_nothing_and_costs_nothing():
    W, C, bucket, rates = random_bucket(2, n_pairs=0, n_noisy=0)
    before = W.copy(), C.copy()

    assert update(W, C, bucket, rates) == 0.0
    np.testing.assert_array_equal(W, before[0])
    np.testing.assert_array_equal(C, before[1])


def test_the_arrays_of_a_bucket_may_be_views_and_read_only():
    W, C, bucket, rates = random_bucket(3)
    views = Bucket(*(np.repeat(array, 2, axis=0)[::2] for array in bucket))
    for array in (*views, rates):
        array.flags.writeable = False
    expected_W, expected_C = W.copy(), C.copy()

    assert update(W, C, views, rates) == update(expected_W, expected_C, bucket, rates)
    np.testing.assert_array_equal(W, expected_W)
    np.testing.assert_array_equal(C, expected_C)


def test_the_same_arguments_give_the_same_bytes():
    results = []
    for _ in range(2):
        W, C, bucket, rates = random_bucket(4, n_words=300, dim=100, n_pairs=8000, n_noisy=4000)
        results.append((update(W, C, bucket, rates), W.tobytes(), C.tobytes()))

    assert results[0] == results[1]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_loss_falls_on_planted_topics_and_words_of_a_topic_come_together(threads):
    n_words, bucket = planted_bucket(20_000)
    W, C = initialise(n_words, 8, np.random.default_rng(0))
    no_rates = np.zeros(len(bucket.noise), np.float32)

    for rate in np.linspace(0.05, 0.0, 10, endpoint=False):
        update(W, C, bucket, no_rates + np.float32(rate), threads=threads)

    # The least that is possible; see the same test of the NumPy kernel.
    assert update(W, C, bucket, no_rates) / len(bucket.words) == pytest.approx(2.094, rel=0.05)
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    cosines = unit @ unit.T
    assert cosines[:10, :10].min() > 0.5 > cosines[:10, 10:].max()


def test_two_threads_come_about_to_what_one_does_and_leave_no_row_out():
    W, C, bucket, rates = random_bucket(5, n_words=60, n_contexts=50, dim=20, n_pairs=20_000, n_noisy=9000)
    W, C, rates = W / np.float32(20), C / np.float32(20), rates / np.float32(10)
    before, alone = (W.copy(), C.copy()), (W.copy(), C.copy())

    expected = update(*alone, bucket, rates)
    total = update(W, C, bucket, rates, threads=2)

    # What one thread reads while the other writes differs from run to run.
    assert total == pytest.approx(expected, rel=0.02)
    for table, at_first in zip((W, C), before, strict=True):
        assert (table != at_first).any(axis=1).all()


@pytest.mark.parametrize("threads", [2, 7])
def test_threads_take_every_step_once(threads):
    """Steps without a row in common commute, so that threads must give what one gives."""
    steps, dim = 40, 6
    own = np.arange(steps * TILE_NOISE, dtype=np.int32).reshape(steps, TILE_NOISE)
    bucket = Bucket(own[:, 0], own[:, 1], own[:, 2], own)
    W, C = np.random.default_rng(0).normal(size=(2, own.size, dim)).astype(np.float32)
    rates = np.full(steps, 0.1, np.float32)
    alone_W, alone_C = W.copy(), C.copy()

    alone = update(alone_W, alone_C, bucket, rates)
    together = update(W, C, bucket, rates, threads=threads)

    np.testing.assert_array_equal(W, alone_W)
    np.testing.assert_array_equal(C, alone_C)
    # Losses are summed up in float32 between two logarithms, and threads take theirs at other places.
    assert together == pytest.approx(alone, rel=1e-6)


def test_more_threads_than_steps_are_no_fault():
    W, C, bucket, rates = random_bucket(6, n_pairs=1, n_noisy=1)
    assert update(W, C, bucket, rates, threads=4) > 0


def test_wrong_arguments_are_refused_as_by_the_other_kernel():
    W, C, bucket, rates = random_bucket(8)

    with pytest.raises(ShapeError, match=r"^contexts must hold ids"):
        update(W, C, bucket._replace(contexts=bucket.contexts + 100), rates)
    with pytest.raises(ShapeError, match=r"^learning_rates must"):
        update(W, C, bucket, rates[1:])
    with pytest.raises(ShapeError, match=r"^noise must have a step for each 16 of 50 pairs"):
        update(W, C, bucket._replace(noise=bucket.noise[:1]), rates[:1])
