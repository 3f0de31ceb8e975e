"""The NumPy kernel of buckets against the oracle in plain loops, and that against finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.kernels.batches import buckets, planted_bucket, random_bucket
from tests.core.kernels.oracle import oracle_gradients, oracle_loss, oracle_update
from vecmill.core.buckets import TILE_NOISE, Bucket
from vecmill.core.kernels.sgns_buckets_numpy import update
from vecmill.core.kernels.sgns_numpy import initialise
from vecmill.errors import ShapeError


def assert_equals_the_oracle(batch, steps_together):
    W, C, bucket, rates = batch
    expected_W, expected_C, expected_loss = oracle_update(W, C, bucket, rates, steps_together)

    total = update(W, C, bucket, rates, steps_together=steps_together)

    np.testing.assert_allclose(W, expected_W, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(C, expected_C, rtol=1e-5, atol=1e-5)
    assert total == pytest.approx(expected_loss, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_the_oracles_gradients_equal_finite_differences(seed):
    W, C, bucket, _ = random_bucket(seed, n_words=4, n_contexts=6, dim=3, n_pairs=20, n_noisy=5)
    tables = {"W": W.astype(np.float64), "C": C.astype(np.float64)}
    step = 1e-6

    def slope(name, place):
        losses = []
        for change in (step, -step):
            changed = {**tables, name: tables[name].copy()}
            changed[name][place] += change
            losses.append(oracle_loss(changed["W"], changed["C"], bucket))
        return (losses[0] - losses[1]) / (2 * step)

    for name, gradients in zip(tables, oracle_gradients(W, C, bucket), strict=True):
        for place in np.ndindex(gradients.shape):
            assert gradients[place] == pytest.approx(slope(name, place), rel=1e-6, abs=1e-7)


def test_the_oracles_loss_of_one_step_is_the_formula_written_out():
    W, C = [[0.5], [2.0]], [[1.0], [-3.0]]
    zero, one = np.array([0], np.int32), np.array([1], np.int32)
    bucket = Bucket(words=one, contexts=zero, noisy=zero, noise=np.array([[0, 1, 1, 1, 1, 1]], np.int32))

    pair = math.log(1 / (1 + math.exp(-2.0)))  # c . w = 1 * 2
    noise = math.log(1 / (1 + math.exp(0.5))) + 5 * math.log(1 / (1 + math.exp(-1.5)))  # -n . w
    assert oracle_loss(W, C, bucket) == pytest.approx(-(pair + noise), rel=1e-12)


@settings(max_examples=150)
@given(buckets(), st.integers(1, 20))
def test_an_update_equals_the_oracles(batch, steps_together):
    assert_equals_the_oracle(batch, steps_together)


@pytest.mark.parametrize("steps_together", [1, 4, 256, 1000])
def test_an_update_over_hundreds_of_steps_equals_the_oracles(steps_together):
    batch = random_bucket(0, n_words=2000, n_contexts=1500, n_pairs=5000, n_noisy=2500, more_steps=300)
    assert_equals_the_oracle(batch, steps_together)


@pytest.mark.parametrize(("n_pairs", "n_noisy"), [(0, 30), (50, 0), (1, 0), (0, 1), (1, 1), (16, 8)])
def test_pairs_without_noise_and_noise_without_pairs_are_a_bucket_too(n_pairs, n_noisy):
    assert_equals_the_oracle(random_bucket(1, n_pairs=n_pairs, n_noisy=n_noisy), 4)


def test_an_empty_bucket_changes_nothing_and_costs_nothing():
    W, C, bucket, rates = random_bucket(2, n_pairs=0, n_noisy=0)
    before = W.copy(), C.copy()

    assert len(rates) == 0
    assert update(W, C, bucket, rates) == 0.0
    np.testing.assert_array_equal(W, before[0])
    np.testing.assert_array_equal(C, before[1])


def test_the_noise_of_a_step_without_noisy_words_is_met_by_nobody():
    W, C, bucket, rates = random_bucket(3, n_pairs=0, n_noisy=1, more_steps=4)
    before = C.copy()

    update(W, C, bucket, rates)

    np.testing.assert_array_equal(np.flatnonzero((before != C).any(axis=1)), np.unique(bucket.noise[-1]))


@pytest.mark.parametrize("score", [0.0, 20.0, 100.0, 1e4, 1e30])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.filterwarnings("error")
def test_any_finite_score_gives_the_oracles_loss_and_finite_tables(score, sign):
    W = np.array([[sign * score], [0.5]], np.float32)
    C = np.array([[1.0], [-1.0], [0.25]], np.float32)
    both = np.array([0, 1], np.int32)
    bucket = Bucket(both, both, both, np.array([[0, 1, 2, 1, 0, 2]], np.int32))

    assert_equals_the_oracle((W, C, bucket, np.full(1, 0.025, np.float32)), 1)
    assert np.isfinite(W).all()
    assert np.isfinite(C).all()


def test_a_loss_that_is_no_number_comes_through():
    W, C, bucket, rates = random_bucket(9)
    W[bucket.words[0]] = np.nan

    assert not math.isfinite(update(W, C, bucket, rates))


def test_the_same_arguments_give_the_same_bytes():
    results = []
    for _ in range(2):
        W, C, bucket, rates = random_bucket(4, n_words=300, dim=100, n_pairs=8000, n_noisy=4000)
        results.append((update(W, C, bucket, rates), W.tobytes(), C.tobytes()))

    assert results[0] == results[1]


def test_the_loss_falls_on_planted_topics_and_words_of_a_topic_come_together():
    n_words, bucket = planted_bucket(20_000)
    W, C = initialise(n_words, 8, np.random.default_rng(0))
    no_rates = np.zeros(len(bucket.noise), np.float32)
    at_first = update(W, C, bucket, no_rates)

    for rate in np.linspace(0.05, 0.0, 10, endpoint=False):
        update(W, C, bucket, no_rates + np.float32(rate))

    # Each pair stands for 5 noise words. At best each of a topic's ten contexts, met 0.1 times in a pair
    # and 0.25 times as noise, costs what that mixture must, and the other topic's cost nothing: 2.094 nats.
    assert at_first / len(bucket.words) == pytest.approx(6 * math.log(2), rel=0.001)
    assert update(W, C, bucket, no_rates) / len(bucket.words) == pytest.approx(2.094, rel=0.05)
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    cosines = unit @ unit.T
    assert cosines[:10, :10].min() > 0.5 > cosines[:10, 10:].max()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("W", lambda W: W[0]),
        ("W", lambda W: W.astype(np.float64)),
        ("C", lambda C: C[0]),
        ("C", lambda C: C[:, :-1]),
        ("C", lambda C: C.astype(np.float64)),
        ("words", lambda words: words.astype(np.int64)),
        ("words", lambda words: words.reshape(-1, 1)),
        ("words", lambda words: words - 1),
        ("contexts", lambda contexts: contexts[1:]),
        ("contexts", lambda contexts: contexts + 100),
        ("noisy", lambda noisy: noisy.astype(np.int64)),
        ("noisy", lambda noisy: noisy + 100),
        ("noise", lambda noise: noise[:, 0]),
        ("noise", lambda noise: noise[:, : TILE_NOISE - 1]),
        ("noise", lambda noise: noise - 1),
        ("learning_rates", lambda rates: rates[1:]),
        ("learning_rates", lambda rates: rates.astype(np.float64)),
    ],
)
def test_a_wrong_shape_dtype_or_id_is_named_and_changes_nothing(name, change):
    W, C, bucket, rates = random_bucket(5)
    before = W.copy(), C.copy()
    given_arrays = {"W": W, "C": C, "learning_rates": rates, **bucket._asdict()}
    given_arrays[name] = change(given_arrays[name])

    with pytest.raises(ShapeError, match=f"^{name} must"):
        update(
            given_arrays["W"],
            given_arrays["C"],
            Bucket(**{field: given_arrays[field] for field in Bucket._fields}),
            given_arrays["learning_rates"],
        )
    np.testing.assert_array_equal(W, before[0])
    np.testing.assert_array_equal(C, before[1])


def test_the_ids_of_each_table_are_held_to_its_own_rows():
    W, C, bucket, rates = random_bucket(6, n_words=3, n_contexts=20)
    swapped = bucket._replace(words=bucket.contexts, contexts=bucket.words)

    with pytest.raises(ShapeError, match=r"^words must hold ids in 0\.\.2, .* got 0\.\.19$"):
        update(W, C, swapped, rates)


@pytest.mark.parametrize(("n_pairs", "n_noisy"), [(33, 0), (0, 17), (33, 17)])
def test_more_pairs_or_noisy_words_than_steps_have_room_for_are_refused(n_pairs, n_noisy):
    W, C, bucket, rates = random_bucket(7, n_pairs=n_pairs, n_noisy=n_noisy)

    with pytest.raises(
        ShapeError,
        match=f"a step for each 16 of {n_pairs} pairs and each 8 of {n_noisy} noisy words, got 2",
    ):
        update(W, C, bucket._replace(noise=bucket.noise[:2]), rates[:2])


def test_no_step_together_is_refused():
    W, C, bucket, rates = random_bucket(8)

    with pytest.raises(ShapeError, match="steps_together must be at least 1, got 0"):
        update(W, C, bucket, rates, steps_together=0)
