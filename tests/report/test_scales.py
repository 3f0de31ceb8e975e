from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.formatting import format_duration
from vecmill.report import scales
from vecmill.report.scales import Scale


def test_a_linear_scale_maps_the_ends_of_the_data_to_its_ends():
    scale = Scale(10, 20, 100, 0)

    assert [scale(10), scale(15), scale(20)] == [100, 50, 0]


def test_a_logarithmic_scale_has_equal_steps_for_equal_factors():
    scale = Scale(1, 100, 0, 50, log=True)

    assert [scale(1), scale(10), scale(100)] == pytest.approx([0, 25, 50])


def test_data_without_extent_is_in_the_middle():
    assert Scale(3, 3, 0, 10)(3) == 5


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (2.24, 2.47, [2.25, 2.3, 2.35, 2.4, 2.45]),
        (1, 15, [5, 10, 15]),
        (7, 7, [7]),
    ],
)
def test_linear_ticks_are_round_numbers_within_the_data(low, high, expected):
    assert scales.linear_ticks(low, high) == expected


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_linear_ticks_rise_within_the_data_and_are_few(low, extent):
    ticks = scales.linear_ticks(low, low + extent)

    assert ticks == sorted(ticks)
    assert len(ticks) <= 7
    slack = 1e-6 * (abs(low) + extent)
    assert all(low - slack <= tick <= low + extent + slack for tick in ticks)


def test_logarithmic_ticks_are_powers_of_ten_and_few():
    assert scales.log_ticks(3, 2000) == [10, 100, 1000]
    assert scales.log_ticks(1, 1e9) == [1, 100, 1e4, 1e6, 1e8]


def test_numbers_are_formatted_for_people():
    short = [scales.format_short(value) for value in (0, 0.05, 2.5e-6, 12, 20_000, 1_500_000)]
    assert short == ["0", "0.05", "2.5e-6", "12", "20k", "1.5M"]
    percentages = [scales.format_percent(share) for share in (0, 0.5, 0.0421, 1e-6)]
    assert percentages == ["0%", "50%", "4.2%", "0.0001%"]
    assert [scales.format_large(value) for value in (70_211, 16_711_491)] == ["70,211", "16.7 M"]
    assert [scales.format_signed(value) for value in (0.314, -0.12)] == ["+0.31", "\N{MINUS SIGN}0.12"]


def test_durations_are_rounded_before_the_unit_is_chosen():
    assert [format_duration(seconds) for seconds in (59.9, 599.9)] == ["1 min 0 s", "10 min"]


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 5e-324), (1.0, math.nextafter(1, 2)), (-1e15, 1e15), (0, 1e-299)]
)
def test_ticks_of_extreme_ranges_are_few(low, high):
    assert 1 <= len(scales.linear_ticks(low, high)) <= 12
