"""What is put straight into compiled code, through the functions that do one thing with it."""

from __future__ import annotations

import math

import numpy as np
import pytest

numba = pytest.importorskip("numba")
tiles = pytest.importorskip("vecmill.core.kernels.tiles")


@numba.njit
def dot(rows):
    return tiles.dot(tiles.address(rows, 0), tiles.address(rows, 1), rows.shape[1])


@numba.njit
def attract(rows, gain):
    tiles.attract(tiles.address(rows, 0), tiles.address(rows, 1), gain, rows.shape[1])


@numba.njit
def tanh(x):
    return tiles.tanh(x)


@pytest.mark.parametrize("dim", [*range(1, 41), 100, 300])
def test_every_place_of_a_row_counts_once_whatever_its_length(dim):
    # Whole numbers, whose sums have no rounding.
    rows = np.random.default_rng(dim).integers(-9, 10, (2, dim)).astype(np.float32)

    assert dot(rows) == rows[0] @ rows[1]


@pytest.mark.parametrize("dim", [1, 3, 4, 5, 8, 15, 16, 17, 31, 100])
def test_a_row_is_written_to_its_end_and_no_further(dim):
    table = np.random.default_rng(dim).integers(-9, 10, (3, dim)).astype(np.float32)
    first, second, beyond = table.copy()

    attract(table, np.float32(2))

    np.testing.assert_array_equal(table, [first + 2 * second, second + 2 * first, beyond])


def test_what_is_no_number_stays_so():
    assert math.isnan(tanh(np.float32(np.nan)))
    assert tanh(np.float32(np.inf)) == pytest.approx(1, abs=4e-7)
    assert tanh(np.float32(-np.inf)) == pytest.approx(-1, abs=4e-7)
