"""What the compiled kernels compute with."""

from __future__ import annotations

import numpy as np
import pytest

numba = pytest.importorskip("numba")
tiles = pytest.importorskip("vecmill.core.kernels.tiles")


def test_tanh_is_right_to_single_precision():
    x = np.linspace(-12, 12, 20_001).astype(np.float32)

    @numba.njit
    def of_all(numbers):
        return [tiles.tanh(number) for number in numbers]

    got = np.array(of_all(x))

    np.testing.assert_allclose(got, np.tanh(x.astype(np.float64)), atol=4e-7, rtol=0)
