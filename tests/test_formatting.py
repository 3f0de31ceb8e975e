from __future__ import annotations

import pytest

from vecmill import formatting


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2g", 2 << 30), ("512m", 512 << 20), ("1TB", 1 << 40), ("7b", 7), ("3", 3 << 20)],
)
def test_a_size_is_read_as_spark_reads_it(text: str, expected: int) -> None:
    assert formatting.parse_bytes(text, formatting.MIB) == expected


@pytest.mark.parametrize("text", ["", "g", "1.5g", "-1", "2 gigabytes"])
def test_what_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        formatting.parse_bytes(text)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 B"), (2048, "2 KiB"), (1.5 * 2**20, "1.5 MiB"), (3 << 40, "3.0 TiB")],
)
def test_a_size_is_formatted_in_the_largest_unit_that_fits(count: float, expected: str) -> None:
    assert formatting.format_bytes(count) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(4.21, "4.2 s"), (42, "42 s"), (229, "3 min 49 s"), (1440, "24 min"), (7500, "2 h 05 min")],
)
def test_a_duration_is_formatted_in_units_that_fit(seconds: float, expected: str) -> None:
    assert formatting.format_duration(seconds) == expected


def test_a_short_message_stays_as_it_is_but_for_line_breaks():
    assert formatting.shorten("a\n  b") == "a b"


@pytest.mark.parametrize("length", [40, 1000])
def test_a_long_message_keeps_its_beginning_and_its_end(length):
    shortened = formatting.shorten(f"cause {'x' * 1_000_000} remedy", length)

    assert len(shortened) <= length
    assert shortened.startswith("cause xx")
    assert shortened.endswith("xx remedy")
    assert "[…]" in shortened
