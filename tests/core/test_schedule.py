from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vecmill.core.schedule import Pace, learning_rates


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


def test_the_rates_of_a_round_are_those_of_its_part_of_the_training():
    pace = Pace(begin=0.25, end=0.75, learning_rate=0.04, min_rate=0.001)

    rates = pace.rates(np.array([[0.0, 0.5], [0.9, 1.0]]))

    assert rates.dtype == np.float32
    np.testing.assert_allclose(rates, [[0.03, 0.02], [0.012, 0.01]], rtol=1e-6)


def test_the_rates_of_a_round_never_fall_below_the_floor():
    rates = Pace(begin=0.9, end=1.0, learning_rate=0.04, min_rate=0.003).rates(np.array([0.0, 0.5, 1.0]))

    np.testing.assert_allclose(rates, [0.004, 0.003, 0.003], rtol=1e-6)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_round_begins_at_the_rate_at_which_the_round_before_it_ends(first, second, third):
    begin, middle, end = sorted([first, second, third])
    before, after = Pace(begin, middle, 0.05, 1e-4), Pace(middle, end, 0.05, 1e-4)

    assert before.rates(np.ones(1)) == pytest.approx(after.rates(np.zeros(1)), rel=1e-6)
