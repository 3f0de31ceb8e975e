from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vecmill.core.arrays import Floats
from vecmill.core.merging import MERGES, adasum, mean, total

seeds = st.integers(0, 2**32 - 1)
finite = st.floats(-1e6, 1e6, width=32)
changes_of_one_shape = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4)).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=finite)
)


@given(changes_of_one_shape)
def test_the_mean_is_the_mean_over_shards_as_float32(changes):
    merged = mean(list(changes))

    assert merged.dtype == np.float32
    expected = changes.astype(np.float64).mean(axis=0)
    largest = np.abs(changes).max() + 1
    np.testing.assert_allclose(merged, expected, rtol=0, atol=1e-6 * largest)


@given(changes_of_one_shape)
def test_the_mean_does_not_change_its_arguments(changes):
    before = changes.copy()

    mean(list(changes))

    np.testing.assert_array_equal(changes, before)


@given(hnp.arrays(np.float32, (3, 2), elements=finite))
def test_the_mean_of_one_shard_is_its_change(change):
    np.testing.assert_array_equal(mean([change]), change)


def test_the_mean_adds_shards_in_the_given_order():
    big, one = np.float32([[1e8]]), np.float32([[1.0]])

    # In float32 1e8 + 1 is 1e8, so the order shows in the sum.
    assert mean([big, one, -big]).tolist() == [[0.0]]
    assert mean([big, -big, one]).tolist() == [[np.float32(1) / np.float32(3)]]


@given(changes_of_one_shape)
def test_the_sum_is_the_sum_over_shards_as_float32_and_does_not_change_its_arguments(changes):
    before = changes.copy()

    merged = total(list(changes))

    assert merged.dtype == np.float32
    expected = changes.astype(np.float64).sum(axis=0)
    largest = np.abs(changes).sum(axis=0).max() + 1
    np.testing.assert_allclose(merged, expected, rtol=0, atol=1e-6 * largest)
    merged[:] = np.nan
    np.testing.assert_array_equal(changes, before)


@given(st.lists(st.integers(0, 2**20), min_size=1, max_size=8))
def test_the_sum_of_counters_is_exact_in_any_order(counts):
    changes = [np.float32([[count]]) for count in counts]

    assert total(changes).tolist() == total(changes[::-1]).tolist() == [[sum(counts)]]


@given(hnp.arrays(np.float32, (3, 2), elements=finite))
def test_the_sum_of_one_shard_is_its_change(change):
    np.testing.assert_array_equal(total([change]), change)


def test_merges_are_known_by_their_names():
    assert {"mean": mean, "adasum": adasum, "sum": total} == MERGES


def random_changes(seed: int, n_shards: int, n_rows: int = 6, dim: int = 5) -> list[Floats]:
    return list(np.random.default_rng(seed).normal(size=(n_shards, n_rows, dim)).astype(np.float32))


def adasum_of_rows(a: list[float], b: list[float]) -> list[float]:
    """Maleki et al. 2020, section 3, in plain loops and float64."""
    product = sum(x * y for x, y in zip(a, b, strict=True))
    square_of_a, square_of_b = sum(x * x for x in a), sum(y * y for y in b)
    from_a = 1 - product / (2 * square_of_a) if square_of_a else 1.0
    from_b = 1 - product / (2 * square_of_b) if square_of_b else 1.0
    return [from_a * x + from_b * y for x, y in zip(a, b, strict=True)]


def assert_merges_rows(changes, merge_row):
    expected = [merge_row(*rows) for rows in zip(*(change.tolist() for change in changes), strict=True)]
    merged = adasum(changes)

    assert merged.dtype == np.float32
    np.testing.assert_allclose(merged, expected, rtol=0, atol=1e-5 * (np.abs(changes).max() + 1e-30))


@given(seeds, st.integers(1, 20), st.floats(-6, 6), st.floats(-6, 6))
def test_adasum_of_two_is_the_formula_row_by_row(seed, dim, of_a, of_b):
    """For changes of very different lengths: one shard saw a row seldom, the other one saw it often."""
    a, b = random_changes(seed, 2, dim=dim)

    assert_merges_rows([a * np.float32(10**of_a), b * np.float32(10**of_b)], adasum_of_rows)


@pytest.mark.parametrize("seed", range(5))
def test_adasum_of_five_merges_neighbours_in_pairs_and_the_results_in_pairs_again(seed):
    def tree(a, b, c, d, e):
        return adasum_of_rows(adasum_of_rows(adasum_of_rows(a, b), adasum_of_rows(c, d)), e)

    assert_merges_rows(random_changes(seed, 5), tree)


@given(seeds, st.sampled_from([1, 2, 4, 8]))
def test_adasum_of_identical_changes_is_that_change(seed, n_shards):
    [change] = random_changes(seed, 1)

    np.testing.assert_allclose(adasum([change] * n_shards), change, rtol=1e-5)


def test_adasum_adds_orthogonal_changes():
    changes = [np.float32([row]) for row in ([1, 0, 0], [0, 20, 0], [0, 0, -3])]

    np.testing.assert_array_equal(adasum(changes), [[1, 20, -3]])


def test_adasum_of_opposite_changes_is_zero():
    a = np.float32([[2, -4]])

    np.testing.assert_array_equal(adasum([a, -a]), [[0, 0]])


@given(seeds, st.integers(1, 7), st.data())
def test_a_shard_without_a_change_of_a_row_leaves_it_to_the_others(seed, n_shards, data):
    changes = random_changes(seed, n_shards)
    [alone] = random_changes(seed + 1, 1)
    nothing = [np.zeros_like(alone)] * n_shards
    position = data.draw(st.integers(0, n_shards))

    np.testing.assert_array_equal(adasum([*nothing[:position], alone, *nothing[position:]]), alone)
    np.testing.assert_array_equal(adasum([adasum(changes), nothing[0]]), adasum(changes))
    np.testing.assert_array_equal(adasum(nothing), nothing[0])


@given(seeds, st.integers(1, 7), st.integers(-20, 20), st.sampled_from([-1, 1]))
def test_adasum_scales_with_its_arguments(seed, n_shards, power, sign):
    changes = random_changes(seed, n_shards)
    # Powers of two are exact in float32.
    scale = np.float32(sign * 2.0**power)

    np.testing.assert_array_equal(adasum([change * scale for change in changes]), adasum(changes) * scale)


@given(seeds, st.integers(1, 7))
def test_the_adasum_of_a_row_does_not_depend_on_other_rows(seed, n_shards):
    changes = random_changes(seed, n_shards)

    np.testing.assert_array_equal(adasum([change[2:4] for change in changes]), adasum(changes)[2:4])


@given(seeds, st.integers(1, 7))
def test_adasum_neither_changes_nor_returns_its_arguments(seed, n_shards):
    changes = random_changes(seed, n_shards)
    before = np.array(changes)

    adasum(changes)[:] = 0

    np.testing.assert_array_equal(changes, before)


@given(hnp.arrays(np.float32, (3, 2), elements=finite))
def test_the_adasum_of_one_shard_is_its_change(change):
    np.testing.assert_array_equal(adasum([change]), change)
