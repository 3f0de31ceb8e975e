"""The start values of a table do not depend on which rows are requested together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.core.starts import uniform_rows, zero_rows

ROWS = 40

requested_rows = st.tuples(st.integers(0, ROWS), st.integers(0, ROWS)).map(sorted).map(lambda r: range(*r))


@pytest.mark.parametrize("kind", [uniform_rows, zero_rows])
@given(rows=requested_rows, columns=st.integers(1, 20), seed=st.integers(0, 2**63 - 1))
def test_rows_start_the_same_whichever_rows_are_requested(kind, rows, columns, seed):
    start = kind(columns)

    some, whole = start(rows, seed), start(range(ROWS), seed)

    assert some.dtype == whole.dtype == np.float32
    assert some.shape == (len(rows), columns)
    np.testing.assert_array_equal(some, whole[rows.start : rows.stop])


@given(st.integers(1, 20), st.integers(0, 2**63 - 1))
def test_a_longer_table_begins_with_the_rows_of_a_shorter_one(columns, seed):
    start = uniform_rows(columns)

    np.testing.assert_array_equal(start(range(2 * ROWS), seed)[:ROWS], start(range(ROWS), seed))


def test_uniform_rows_are_those_of_word2vec():
    rows = uniform_rows(50)(range(1000), 0)

    assert -0.01 <= rows.min() < -0.0099
    assert 0.0099 < rows.max() < 0.01
    assert rows.mean() == pytest.approx(0, abs=1e-4)
    assert rows.std() == pytest.approx(0.02 / math.sqrt(12), rel=0.02)


def test_zero_rows_are_zeros():
    assert not zero_rows(3)(range(5), 1).any()


def test_another_seed_gives_other_rows():
    start = uniform_rows(4)

    assert set(start(range(10), 0).ravel()).isdisjoint(start(range(10), 1).ravel())


def test_rows_do_not_repeat():
    rows = uniform_rows(3)(range(1000), 5)

    assert len(np.unique(rows, axis=0)) == 1000


def test_the_start_values_of_a_seed_stay_the_same_between_versions():
    """Runs are reproducible only if these values never change."""
    expected = [[-0.130630, 0.034503], [0.169022, -0.159929], [0.138353, -0.052942]]
    np.testing.assert_allclose(uniform_rows(2)(range(4, 7), 3), expected, atol=1e-6)
