from __future__ import annotations

import numpy as np

from vecmill.training.averaging import initial_tables


def test_the_first_tables_follow_from_the_seed():
    first, again = (initial_tables(50, 8, seed=3) for _ in range(2))

    np.testing.assert_array_equal(first["W"], again["W"])
    assert not first["C"].any()
    assert (first["W"] != initial_tables(50, 8, seed=4)["W"]).any()
