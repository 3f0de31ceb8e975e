"""Emitted instructions, through functions that use them."""

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


@numba.njit
def tanh_of_all(numbers):
    return [tiles.tanh(number) for number in numbers]


@pytest.mark.parametrize("dim", [*range(1, 41), 100, 300])
def test_every_position_of_a_row_counts_once_for_any_length(dim):
    # Whole numbers, whose sums have no rounding.
    rows = np.random.default_rng(dim).integers(-9, 10, (2, dim)).astype(np.float32)

    assert dot(rows) == rows[0] @ rows[1]


@pytest.mark.parametrize("dim", [1, 3, 4, 5, 8, 15, 16, 17, 31, 100])
def test_a_row_is_written_to_its_end_and_no_further(dim):
    table = np.random.default_rng(dim).integers(-9, 10, (3, dim)).astype(np.float32)
    first, second, beyond = table.copy()

    attract(table, np.float32(2))

    np.testing.assert_array_equal(table, [first + 2 * second, second + 2 * first, beyond])


def test_tanh_has_single_precision():
    x = np.linspace(-12, 12, 20_001).astype(np.float32)

    np.testing.assert_allclose(np.array(tanh_of_all(x)), np.tanh(x.astype(np.float64)), atol=4e-7, rtol=0)


def test_tanh_of_nan_is_nan_and_of_infinity_is_one():
    assert math.isnan(tanh(np.float32(np.nan)))
    assert tanh(np.float32(np.inf)) == pytest.approx(1, abs=4e-7)
    assert tanh(np.float32(-np.inf)) == pytest.approx(-1, abs=4e-7)
