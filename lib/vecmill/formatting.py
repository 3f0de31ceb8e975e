"""Sizes and durations as people read and write them."""

from __future__ import annotations

import re

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

_UNITS = {"b": 1, "k": KIB, "m": MIB, "g": GIB, "t": 1 << 40, "p": 1 << 50}


def parse_bytes(text: str, unit: int = 1) -> int:
    """Bytes of a size in the notation of Spark's settings, "512m" or "2g"; a bare number counts `unit`s.

    Raises ValueError if the text is not a size.
    """
    found = re.fullmatch(r"(\d+)([bkmgtp]?)b?", text.strip().lower())
    if not found:
        raise ValueError(f"not a size: {text!r}")
    return int(found[1]) * (_UNITS[found[2]] if found[2] else unit)


def format_bytes(count: float) -> str:
    """A size in units of 1024: "1.5 GiB"."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in ("B", "KiB") else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"


def format_duration(seconds: float) -> str:
    """A length of time: "4.2 s", "42 s", "3 min 49 s", "24 min", "2 h 05 min"."""
    if round(seconds) < 60:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 10:
        return f"{minutes} min {rest} s"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def shorten(text: str, length: int = 1000) -> str:
    """A message of at most `length` characters on one line, without its middle if it is longer."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    tail = length // 4
    return f"{line[: length - tail - 5].rstrip()} […] {line[-tail:].lstrip()}"
