"""The NumPy kernels of skip-gram with negative sampling: steps of any size, and their helpers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.kernels.batches import (
    bucket_rates,
    bucket_sizes,
    make_bucket,
    make_rows,
    random_batch,
    random_bucket,
    random_rates,
    random_rows,
    row_sizes,
)
from tests.core.kernels.sgns_oracle import update as oracle_update
from vecmill.core.buckets import Bucket
from vecmill.core.kernels import sgns_buckets_numpy, sgns_numpy
from vecmill.core.kernels.sgns_numpy import distinct, softplus
from vecmill.core.rows import take
from vecmill.errors import ShapeError


def assert_rows_equal_the_oracle(batch, rows_per_step, atol=1e-5):
    W, C, rows, rates = batch
    expected, expected_loss = oracle_update({"W": W, "C": C}, rows, rates, rows_per_step)

    total = sgns_numpy.update(W, C, rows, rates, rows_per_step=rows_per_step)

    np.testing.assert_allclose(W, expected["W"], rtol=1e-5, atol=atol)
    np.testing.assert_allclose(C, expected["C"], rtol=1e-5, atol=atol)
    assert total == pytest.approx(expected_loss, rel=1e-5, abs=1e-5)


def assert_bucket_equals_the_oracle(batch, steps_together):
    W, C, bucket, rates = batch
    expected, expected_loss = oracle_update({"W": W, "C": C}, bucket, rates, steps_together)

    total = sgns_buckets_numpy.update(W, C, bucket, rates, steps_together=steps_together)

    np.testing.assert_allclose(W, expected["W"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(C, expected["C"], rtol=1e-5, atol=1e-5)
    assert total == pytest.approx(expected_loss, rel=1e-5, abs=1e-5)


@settings(max_examples=150)
@given(sizes=row_sizes, dim=st.integers(1, 9), rows_per_step=st.integers(1, 50))
def test_rows_in_steps_of_any_size_equal_the_oracle(sizes, dim, rows_per_step):
    rng = np.random.default_rng(sizes.seed)
    W, C = rng.normal(size=(2, sizes.vocabulary_size, dim)).astype(np.float32)
    rows = random_rows(*sizes)
    rates = random_rates(sizes.seed, len(rows.centers))
    assert_rows_equal_the_oracle((W, C, rows, rates), rows_per_step)


@pytest.mark.parametrize("rows_per_step", [1, 16, 1000, 5000])
def test_thousands_of_rows_in_steps_of_any_size_equal_the_oracle(rows_per_step):
    assert_rows_equal_the_oracle(random_batch(0, 3000, n_rows=2500, skipped=2), rows_per_step)


@settings(max_examples=150)
@given(sizes=bucket_sizes, dim=st.integers(1, 40), steps_together=st.integers(1, 20))
def test_buckets_with_any_number_of_steps_together_equal_the_oracle(sizes, dim, steps_together):
    rng = np.random.default_rng(sizes.seed)
    W = rng.normal(size=(sizes.n_words, dim)).astype(np.float32)
    C = rng.normal(size=(sizes.n_contexts, dim)).astype(np.float32)
    bucket = make_bucket(sizes)
    assert_bucket_equals_the_oracle((W, C, bucket, bucket_rates(bucket, sizes.seed)), steps_together)


@pytest.mark.parametrize("steps_together", [1, 4, 256, 1000])
def test_hundreds_of_steps_with_any_number_together_equal_the_oracle(steps_together):
    batch = random_bucket(0, n_words=2000, n_contexts=1500, n_pairs=5000, n_noisy=2500, more_steps=300)
    assert_bucket_equals_the_oracle(batch, steps_together)


def test_a_batch_may_be_cut_at_any_step():
    W, C, rows, rates = random_batch(1, n_rows=10)
    whole_W, whole_C = W.copy(), C.copy()

    whole = sgns_numpy.update(whole_W, whole_C, rows, rates, rows_per_step=4)
    parts = [
        sgns_numpy.update(W, C, take(rows, begin, end), rates[begin:end], rows_per_step=4)
        for begin, end in ((0, 4), (4, 10))
    ]

    np.testing.assert_array_equal(W, whole_W)
    np.testing.assert_array_equal(C, whole_C)
    assert sum(parts) == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("score", [0.0, 20.0, 100.0, 1e4, 1e30])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.filterwarnings("error")
def test_extreme_scores_equal_the_oracle_and_leave_finite_tables(score, sign):
    W = np.array([[sign * score], [0.5]], np.float32)
    C = np.array([[1.0], [-1.0], [0.25]], np.float32)
    rows = make_rows([0, 1], [[0], [0, 1]], [[1], [0]])
    both = np.array([0, 1], np.int32)
    bucket = Bucket(both, both, both, np.array([[0, 1, 2, 1, 0, 2]], np.int32))

    batch = W.copy(), C[:2].copy(), rows, np.full(2, 0.025, np.float32)
    assert_rows_equal_the_oracle(batch, 2, atol=1e-6)
    of_bucket = W.copy(), C.copy(), bucket, np.full(1, 0.025, np.float32)
    assert_bucket_equals_the_oracle(of_bucket, 1)
    for table in (*batch[:2], *of_bucket[:2]):
        assert np.isfinite(table).all()


@pytest.mark.parametrize("largest", [1, 50, 2**31 - 1])
@pytest.mark.parametrize("count", [0, 1, 30, 5000])
# With a million steps and ids of 31 bits, keys have a dozen bits left for positions, and 5,000 need 13.
@pytest.mark.parametrize("n_steps", [1, 7, 1 << 20])
def test_every_id_finds_its_position_among_the_distinct_ids_of_its_step(n_steps, count, largest):
    rng = np.random.default_rng(count)
    ids = rng.integers(0, largest, count, endpoint=True).astype(np.int32)
    steps = rng.integers(0, n_steps, count)

    of_steps, bounds, positions = distinct(ids, steps, n_steps)

    assert len(bounds) == n_steps + 1
    np.testing.assert_array_equal(of_steps[bounds[steps] + positions], ids)
    expected = sorted({(int(step), int(id_)) for step, id_ in zip(steps, ids, strict=True)})
    numbered = np.repeat(np.arange(n_steps), np.diff(bounds))
    assert list(zip(numbered.tolist(), of_steps.tolist(), strict=True)) == expected


@pytest.mark.filterwarnings("error")
@given(st.floats(-(2.0**100), 2.0**100, width=32))
def test_softplus_is_log_of_one_plus_exp(x):
    expected = max(x, 0) + math.log1p(math.exp(-abs(x)))

    assert softplus(np.float32([x]))[0] == pytest.approx(expected, rel=1e-6, abs=2e-7)


@pytest.mark.filterwarnings("error")
def test_softplus_of_nan_is_nan_without_a_warning():
    assert math.isnan(softplus(np.float32([np.nan]))[0])


def test_steps_of_no_rows_are_refused():
    W, C, rows, rates = random_batch(6)

    with pytest.raises(ShapeError, match="rows_per_step must be at least 1, got 0"):
        sgns_numpy.update(W, C, rows, rates, rows_per_step=0)


def test_minibatches_of_no_steps_are_refused():
    W, C, bucket, rates = random_bucket(8)

    with pytest.raises(ShapeError, match="steps_together must be at least 1, got 0"):
        sgns_buckets_numpy.update(W, C, bucket, rates, steps_together=0)
