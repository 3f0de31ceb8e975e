"""Numbers on an axis: where they stand, which get a tick, and how they are written."""

from __future__ import annotations

import math
from dataclasses import dataclass

STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """From `low`..`high` of the data to `start`..`end` of the picture, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Where `value` stands in the picture; in the middle where the data has no extent."""
        low, high = (math.log10(v) if self.log else v for v in (self.low, self.high))
        if low == high:
            return (self.start + self.end) / 2
        share = ((math.log10(value) if self.log else value) - low) / (high - low)
        return self.start + share * (self.end - self.start)


def linear_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers within low..high, about so many, in steps of 1, 2 or 5 times a power of ten."""
    if low == high:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in STEPS if s * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # Twelve digits: 3 * 0.1 is to read 0.3.
    return [float(f"{n * step:.12g}") for n in range(first, last + 1)]


def log_ticks(low: float, high: float, at_most: int = 7) -> list[float]:
    """Powers of ten within low..high, every second or third of them where there are many."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    every = max(1, math.ceil((last - first + 1) / at_most))
    return [10.0**power for power in range(first, last + 1, every)]


def widened(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """low..high with some air at both ends, so that no line runs along the frame."""
    air = (high - low) * share or abs(low) * share or 1.0
    return low - air, high + air


def short(value: float) -> str:
    """A number for a tick: 1500000 is "1.5M", 20000 "20k", 0.000025 "2.5e-5"."""
    size = abs(value)
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= unit:
            return f"{value / unit:.3g}{letter}"
    if 0 < size < 1e-3:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{value:.4g}"


def large(value: float) -> str:
    """A number to be taken in at a glance: 16711491 is "16.7 M", 70211 "70,211"."""
    for unit, name in ((1e9, "G"), (1e6, "M")):
        if value >= unit:
            return f"{value / unit:.3g} {name}"
    return f"{value:,.0f}"


def signed(value: float) -> str:
    """A number with two decimals and its sign, a true minus: "+0.31", "−0.12"."""  # noqa: RUF002
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def percent(share: float) -> str:
    """A share for a tick or a table: 0.5 is "50%", 0.0421 "4.2%", 0.00004 "0.004%"."""
    value = share * 100
    return f"{value:.0f}%" if value >= 10 or value == int(value) else f"{value:.2g}%"


def duration(seconds: float) -> str:
    """A length of time as a person reads it: "42 s", "3 min 49 s", "24 min", "2 h 05 min"."""
    if round(seconds) < 60:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 10:
        return f"{minutes} min {rest} s"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: float) -> str:
    """Bytes as a person reads them, in units of a thousand."""
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count:.0f} bytes"
