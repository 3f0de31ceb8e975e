from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vecmill.core.merging import MERGES, mean

finite = st.floats(-1e6, 1e6, width=32)
changes_of_one_shape = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4)).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=finite)
)


@given(changes_of_one_shape)
def test_mean_is_the_mean_over_shards_as_float32(changes):
    merged = mean(list(changes))

    assert merged.dtype == np.float32
    expected = changes.astype(np.float64).mean(axis=0)
    largest = np.abs(changes).max() + 1
    np.testing.assert_allclose(merged, expected, rtol=0, atol=1e-6 * largest)


@given(changes_of_one_shape)
def test_mean_leaves_its_arguments_as_they_were(changes):
    before = changes.copy()

    mean(list(changes))

    np.testing.assert_array_equal(changes, before)


@given(hnp.arrays(np.float32, (3, 2), elements=finite))
def test_the_mean_of_one_shard_is_its_change(change):
    np.testing.assert_array_equal(mean([change]), change)


def test_mean_adds_shards_up_in_the_order_given():
    big, one = np.float32([[1e8]]), np.float32([[1.0]])

    # In float32 1e8 + 1 is 1e8, so the order shows in the sum.
    assert mean([big, one, -big]).tolist() == [[0.0]]
    assert mean([big, -big, one]).tolist() == [[np.float32(1) / np.float32(3)]]


def test_mean_is_known_by_the_name_that_a_configuration_gives_it():
    assert MERGES["mean"] is mean
