"""The contract of kernels that train on buckets: every model that has them, every library."""

from __future__ import annotations

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.kernels.batches import (
    BucketSizes,
    bucket_rates,
    bucket_sizes,
    make_bucket,
    random_tables,
)
from tests.core.kernels.subjects import assert_same, bucket_subjects, copy_of
from vecmill.core.buckets import STEP_PAIRS, TILE_NOISE, TILE_WORDS, Bucket
from vecmill.core.threads import map_in_threads, split
from vecmill.errors import ShapeError
from vecmill.models import Size

SIZES = BucketSizes(n_words=12, n_contexts=9)


@pytest.fixture(scope="module", params=bucket_subjects())
def subject(request):
    return request.param


def tables_of(subject, sizes=SIZES, dim=5, scale=1.0):
    """Tables of one region of words and one region of contexts."""
    rows = {"words": sizes.n_words, "contexts": sizes.n_contexts}
    tables = subject.model.tables(Size(words=max(rows.values()), dim=dim))
    cut = [table._replace(rows=rows[table.region]) for table in tables]
    return random_tables(cut, sizes.seed, scale)


def steps_without_common_ids(steps: int) -> Bucket:
    """Six ids per step, which no other step has. Each step has one pair and one noisy word."""
    ids = np.arange(steps * TILE_NOISE, dtype=np.int32).reshape(steps, TILE_NOISE)
    return Bucket(ids[:, 0], ids[:, 1], ids[:, 2], ids)


# Equal to the oracle


@settings(max_examples=150)
@given(sizes=bucket_sizes, dim=st.integers(1, 40))
def test_an_update_equals_the_oracle(subject, sizes, dim):
    bucket = make_bucket(sizes)
    subject.assert_equals_the_oracle(
        tables_of(subject, sizes, dim), bucket, bucket_rates(bucket, sizes.seed)
    )


@pytest.mark.parametrize("dim", [1, 15, 16, 17, 100, 300])
@pytest.mark.parametrize("n_noisy", range(TILE_WORDS + 1))
def test_any_dimension_and_number_of_noisy_words_equals_the_oracle(subject, dim, n_noisy):
    sizes = BucketSizes(7, n_pairs=STEP_PAIRS, n_noisy=n_noisy)
    bucket = make_bucket(sizes)
    subject.assert_equals_the_oracle(tables_of(subject, sizes, dim), bucket, bucket_rates(bucket))


@pytest.mark.parametrize(("n_pairs", "n_noisy"), [(0, 30), (50, 0), (1, 0), (0, 1), (1, 1), (16, 8)])
def test_pairs_without_noise_and_noise_without_pairs_equal_the_oracle(subject, n_pairs, n_noisy):
    sizes = BucketSizes(1, n_pairs=n_pairs, n_noisy=n_noisy)
    bucket = make_bucket(sizes)
    subject.assert_equals_the_oracle(tables_of(subject, sizes), bucket, bucket_rates(bucket))


def test_repeated_ids_equal_the_oracle(subject):
    sizes = BucketSizes(2, n_words=1, n_contexts=1)
    bucket = make_bucket(sizes)
    subject.assert_equals_the_oracle(tables_of(subject, sizes), bucket, bucket_rates(bucket))


def test_hundreds_of_steps_equal_the_oracle(subject):
    sizes = BucketSizes(0, n_words=200, n_contexts=300, n_pairs=4000, n_noisy=2500, more_steps=70)
    bucket = make_bucket(sizes)
    subject.assert_equals_the_oracle(tables_of(subject, sizes), bucket, bucket_rates(bucket))


# The loss


@settings(max_examples=50)
@given(sizes=bucket_sizes)
def test_at_rate_zero_the_loss_is_the_oracles_and_the_tables_stay(subject, sizes):
    bucket = make_bucket(sizes)
    tables = tables_of(subject, sizes)
    before = copy_of(tables)

    loss = subject.train(tables, bucket, np.zeros(len(bucket.noise), np.float32))

    assert loss == pytest.approx(subject.oracle.loss(tables, bucket), rel=1e-5, abs=1e-5)
    assert_same(tables, before)


def test_a_nan_parameter_gives_a_loss_that_is_not_finite(subject):
    bucket = make_bucket(SIZES)

    for name in tables_of(subject):
        tables = tables_of(subject)
        tables[name][:] = np.nan
        assert not math.isfinite(subject.train(tables, bucket, bucket_rates(bucket))), name


@pytest.mark.parametrize("field", ["words", "noisy"])
def test_a_nan_in_one_pair_or_one_noisy_word_gives_a_loss_that_is_not_finite(subject, field):
    bucket = steps_without_common_ids(30)
    sizes = BucketSizes(n_words=180, n_contexts=180)
    for name in tables_of(subject):
        tables = tables_of(subject, sizes)
        region = next(table.region for table in subject.model.tables(Size(1, 1)) if table.name == name)
        if region == "words":
            tables[name][getattr(bucket, field)[3]] = np.nan
            assert not math.isfinite(subject.train(tables, bucket, bucket_rates(bucket)))


# Arguments


def test_tables_are_changed_in_place(subject):
    tables, bucket = tables_of(subject), make_bucket(SIZES)
    before, given_arrays = copy_of(tables), dict(tables)

    loss = subject.train(tables, bucket, bucket_rates(bucket))

    assert type(loss) is float
    for name, table in tables.items():
        assert table is given_arrays[name]
        assert (table != before[name]).any(), name


def test_an_empty_bucket_changes_nothing_and_costs_nothing(subject):
    tables, bucket = tables_of(subject), make_bucket(BucketSizes(n_pairs=0, n_noisy=0))
    before = copy_of(tables)

    assert bucket.noise.shape == (0, TILE_NOISE)
    assert subject.train(tables, bucket, np.zeros(0, np.float32)) == 0.0
    assert_same(tables, before)


def test_arrays_may_be_read_only_views_with_gaps(subject):
    bucket = make_bucket(SIZES)
    rates = bucket_rates(bucket)
    *views, view_of_rates = (np.repeat(array, 2, axis=0)[::2] for array in (*bucket, rates))
    for array in (*views, view_of_rates):
        array.flags.writeable = False
    tables, others = tables_of(subject), tables_of(subject)

    loss = subject.train(tables, Bucket(*views), view_of_rates)

    assert loss == subject.train(others, bucket, rates)
    assert_same(tables, others)


def test_the_same_arguments_give_the_same_bytes(subject):
    sizes = BucketSizes(4, n_words=300, n_contexts=300, n_pairs=8000, n_noisy=4000)
    bucket = make_bucket(sizes)
    results = []
    for _ in range(2):
        tables = tables_of(subject, sizes, dim=100)
        loss = subject.train(tables, bucket, bucket_rates(bucket))
        results.append((loss, {name: table.tobytes() for name, table in tables.items()}))

    assert results[0] == results[1]


def test_a_pickled_kernel_trains(subject):
    bucket = make_bucket(SIZES)
    rates = bucket_rates(bucket)
    for kernel in subject.model.bucket_kernels.values():
        tables, others = tables_of(subject), tables_of(subject)

        loss = pickle.loads(pickle.dumps(kernel))(tables, bucket, rates, range(3))

        assert loss == kernel(others, bucket, rates, range(3))
        assert_same(tables, others)


# Ranges of steps


@settings(max_examples=50)
@given(steps=st.integers(1, 30), ends=st.lists(st.integers(0, 30), max_size=4))
def test_ranges_of_steps_add_up_to_all_steps(subject, steps, ends):
    """Steps without a common id commute, so that minibatches may be cut anywhere."""
    bucket, sizes = steps_without_common_ids(steps), BucketSizes(n_words=180, n_contexts=180)
    rates = bucket_rates(bucket, 1) * 10
    tables, whole_tables = tables_of(subject, sizes), tables_of(subject, sizes)
    bounds = [0, *sorted(min(end, steps) for end in ends), steps]

    whole = subject.train(whole_tables, bucket, rates)
    parts = [subject.train(tables, bucket, rates, range(begin, end)) for begin, end in pairwise(bounds)]

    for name, table in tables.items():
        # A product of larger matrices may sum in another order.
        np.testing.assert_allclose(table, whole_tables[name], rtol=1e-6, atol=1e-7)
    # Losses are summed in float32 between two logarithms, which a range takes at other steps.
    assert sum(parts) == pytest.approx(whole, rel=1e-6)


def test_a_range_of_steps_trains_its_own_ids_only(subject):
    bucket, sizes = steps_without_common_ids(30), BucketSizes(n_words=180, n_contexts=180)
    tables = tables_of(subject, sizes)
    before = copy_of(tables)

    subject.train(tables, bucket, np.full(30, 0.1, np.float32), range(7, 19))

    for name, table in tables.items():
        changed = np.flatnonzero((table != before[name]).any(axis=1))
        assert set(changed) <= set(bucket.noise[7:19].ravel()), name
        assert len(changed) >= 12, name


def test_an_empty_range_of_steps_changes_nothing_and_costs_nothing(subject):
    tables, bucket = tables_of(subject), make_bucket(SIZES)
    before = copy_of(tables)

    assert subject.train(tables, bucket, bucket_rates(bucket), range(2, 2)) == 0.0
    assert_same(tables, before)


@pytest.mark.parametrize(
    "steps", [range(-1, 2), range(0, 5), range(5, 6), range(0, 4, 2), range(3, -1, -1)], ids=str
)
def test_steps_outside_the_bucket_or_with_gaps_are_refused(subject, steps):
    tables, bucket = tables_of(subject), make_bucket(SIZES)
    before = copy_of(tables)
    assert len(bucket.noise) == 4

    with pytest.raises(ShapeError, match=r"^steps must be consecutive steps in 0\.\.4, got range"):
        subject.train(tables, bucket, bucket_rates(bucket), steps)
    assert_same(tables, before)


# Threads


@pytest.mark.parametrize("threads", [2, 7])
def test_threads_share_the_steps(subject, threads):
    bucket, sizes = steps_without_common_ids(40), BucketSizes(n_words=240, n_contexts=240)
    rates = np.full(40, 0.1, np.float32)
    tables, alone = tables_of(subject, sizes), tables_of(subject, sizes)

    expected = subject.train(alone, bucket, rates)
    loss = sum(
        map_in_threads(
            lambda steps: subject.train(tables, bucket, rates, steps), split(40, threads), threads
        )
    )

    for name, table in tables.items():
        np.testing.assert_allclose(table, alone[name], rtol=1e-6, atol=1e-7)
    assert loss == pytest.approx(expected, rel=1e-6)


def test_two_threads_on_the_same_rows_of_tables_lose_little(subject):
    sizes = BucketSizes(5, n_words=60, n_contexts=50, n_pairs=20_000, n_noisy=9000)
    bucket = make_bucket(sizes)
    rates = bucket_rates(bucket) / np.float32(10)
    tables, alone = tables_of(subject, sizes, 20, scale=0.05), tables_of(subject, sizes, 20, scale=0.05)
    before = copy_of(tables)

    expected = subject.train(alone, bucket, rates)
    loss = sum(
        map_in_threads(lambda steps: subject.train(tables, bucket, rates, steps), split(len(rates), 2), 2)
    )

    # What one thread reads while the other one writes differs from run to run.
    assert loss == pytest.approx(expected, rel=0.02)
    for name, table in tables.items():
        assert (table != before[name]).any(axis=1).all(), name


# Refusals


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("words", lambda words: words.astype(np.int64)),
        ("words", lambda words: words.reshape(-1, 1)),
        ("words", lambda words: words - 1),
        ("words", lambda words: words + 1),
        ("contexts", lambda contexts: contexts[1:]),
        ("contexts", lambda contexts: contexts.astype(np.int64)),
        ("contexts", lambda contexts: contexts - 1),
        ("contexts", lambda contexts: contexts + 1),
        ("noisy", lambda noisy: noisy.astype(np.int64)),
        ("noisy", lambda noisy: noisy.reshape(-1, 1)),
        ("noisy", lambda noisy: noisy - 1),
        ("noisy", lambda noisy: noisy + 1),
        ("noise", lambda noise: noise[:, 0]),
        ("noise", lambda noise: noise[:, : TILE_NOISE - 1]),
        ("noise", lambda noise: noise.astype(np.int64)),
        ("noise", lambda noise: noise - 1),
        ("noise", lambda noise: noise + 1),
        ("learning_rates", lambda rates: rates[1:]),
        ("learning_rates", lambda rates: rates.astype(np.float64)),
    ],
)
def test_an_array_of_another_shape_dtype_or_range_is_named_and_changes_nothing(subject, name, change):
    tables = tables_of(subject)
    before = copy_of(tables)
    # Both ends of the range of ids occur, so that any shift leaves it.
    bucket = Bucket(
        np.array([0, 11], np.int32),
        np.array([0, 8], np.int32),
        np.array([0, 11], np.int32),
        np.array([[0, 1, 2, 3, 4, 8]] * 2, np.int32),
    )
    arrays = {"learning_rates": bucket_rates(bucket), **bucket._asdict()}
    arrays[name] = change(arrays[name])
    rates = arrays.pop("learning_rates")

    with pytest.raises(ShapeError, match=f"^{name} must"):
        subject.train(tables, Bucket(**arrays), rates, range(2))
    assert_same(tables, before)


@pytest.mark.parametrize(
    "change",
    [lambda table: table[0], lambda table: table.astype(np.float64), lambda table: table[np.newaxis]],
    ids=["one dimension", "float64", "three dimensions"],
)
def test_a_table_of_another_shape_or_dtype_is_named_and_changes_nothing(subject, change):
    bucket = make_bucket(SIZES)
    for name in tables_of(subject):
        tables = tables_of(subject)
        tables[name] = change(tables[name])
        before = copy_of(tables)

        with pytest.raises(ShapeError, match=f"^{name} must"):
            subject.train(tables, bucket, bucket_rates(bucket))
        assert_same(tables, before)


def test_tables_of_different_dimensions_are_refused_and_change_nothing(subject):
    bucket = make_bucket(SIZES)
    for name in tables_of(subject):
        tables = tables_of(subject)
        tables[name] = tables[name][:, :-1].copy()
        before = copy_of(tables)

        with pytest.raises(ShapeError, match=" must "):
            subject.train(tables, bucket, bucket_rates(bucket))
        assert_same(tables, before)


def test_ids_must_be_rows_of_their_own_table(subject):
    sizes = BucketSizes(6, n_words=3, n_contexts=20)
    bucket = make_bucket(sizes)
    swapped = bucket._replace(words=bucket.contexts, contexts=bucket.words)

    with pytest.raises(ShapeError, match=r"^words must hold ids in 0\.\.2, .* got 0\.\.19$"):
        subject.train(tables_of(subject, sizes), swapped, bucket_rates(bucket))


@pytest.mark.parametrize(("n_pairs", "n_noisy"), [(33, 0), (0, 17), (33, 17)])
def test_more_pairs_or_noisy_words_than_steps_have_room_for_are_refused(subject, n_pairs, n_noisy):
    bucket = make_bucket(BucketSizes(7, n_pairs=n_pairs, n_noisy=n_noisy))

    message = (
        f"^noise must have one step per 16 of {n_pairs} pairs and per 8 of {n_noisy} noisy words, got 2"
    )
    with pytest.raises(ShapeError, match=message):
        subject.train(tables_of(subject), bucket._replace(noise=bucket.noise[:2]), bucket_rates(bucket)[:2])
