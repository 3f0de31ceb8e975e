from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vecmill.core.schedule import learning_rates


def test_the_rate_falls_linearly_to_its_floor_and_stays_there():
    progress = np.array([0.0, 0.25, 0.5, 0.99, 1.0, 1.5])

    rates = learning_rates(progress, start=0.04, floor=0.001)

    assert rates.dtype == np.float32
    np.testing.assert_allclose(rates, [0.04, 0.03, 0.02, 0.001, 0.001, 0.001], rtol=1e-6)


@given(
    hnp.arrays(np.float64, st.integers(0, 20), elements=st.floats(0, 2)),
    st.floats(1e-3, 1),
    st.floats(0, 1e-3),
)
def test_rates_never_rise_with_progress_and_lie_between_floor_and_start(progress, start, floor):
    rates = learning_rates(np.sort(progress), start, floor)

    assert (np.diff(rates) <= 0).all()
    assert (rates >= np.float32(floor)).all()
    assert (rates <= np.float32(start)).all()
