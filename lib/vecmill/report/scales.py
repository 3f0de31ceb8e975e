"""Scales of axes: positions, ticks and their labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

STEPS = (1.0, 2.0, 5.0, 10.0)
# Smaller steps are no normal floats.
SMALLEST_STEP = 1e-300


@dataclass(frozen=True)
class Scale:
    """Maps data from `low`..`high` to pixels from `start`..`end`, linearly or logarithmically."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The position of `value`; the middle if `low` equals `high`."""
        low, high = (math.log10(v) if self.log else v for v in (self.low, self.high))
        if low == high:
            return (self.start + self.end) / 2
        share = ((math.log10(value) if self.log else value) - low) / (high - low)
        return self.start + share * (self.end - self.start)


def linear_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """About so many round numbers within low..high, in steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / about
    if rough < SMALLEST_STEP:
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in STEPS if s * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # Rounded to twelve digits, so that 3 * 0.1 is 0.3.
    return [float(f"{n * step:.12g}") for n in range(first, last + 1)]


def log_ticks(low: float, high: float, at_most: int = 7) -> list[float]:
    """Powers of ten within low..high; only every second, third, ... one if there are many."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    every = max(1, math.ceil((last - first + 1) / at_most))
    return [10.0**power for power in range(first, last + 1, every)]


def widened(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """low..high with a margin at both ends, so that no line touches the frame."""
    margin = (high - low) * share or abs(low) * share or 1.0
    return low - margin, high + margin


def format_short(value: float) -> str:
    """A number on a tick: 1500000 is "1.5M", 20000 "20k", 0.000025 "2.5e-5"."""
    size = abs(value)
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= unit:
            return f"{value / unit:.3g}{letter}"
    if 0 < size < 1e-3:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{value:.4g}"


def format_large(value: float) -> str:
    """A key figure: 16711491 is "16.7 M", 70211 "70,211"."""
    for unit, name in ((1e9, "G"), (1e6, "M")):
        if value >= unit:
            return f"{value / unit:.3g} {name}"
    return f"{value:,.0f}"


def format_signed(value: float) -> str:
    """A number with its sign and two decimals, with a real minus: "+0.31", "−0.12"."""  # noqa: RUF002
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def format_percent(share: float) -> str:
    """A share in percent: 0.5 is "50%", 0.0421 "4.2%", 0.00004 "0.004%"."""
    value = share * 100
    return f"{value:.0f}%" if value >= 10 or value == int(value) else f"{value:.2g}%"
