"""What the compiled kernels share."""

from __future__ import annotations

import numpy as np
import pytest

tiles = pytest.importorskip("vecmill.core.tiles")


def test_tanh_is_right_to_single_precision():
    x = np.linspace(-12, 12, 20_001).astype(np.float32)
    got = np.array([tiles.tanh(value) for value in x])

    np.testing.assert_allclose(got, np.tanh(x.astype(np.float64)), atol=4e-7, rtol=0)


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_threads_share_the_items_out_without_gap_or_overlap(threads):
    seen = np.zeros(5)

    def train(begin, end):
        seen[begin:end] += 1
        return float(end - begin)

    assert tiles.hogwild(train, 5, threads) == 5
    assert seen.tolist() == [1] * 5
