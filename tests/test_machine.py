from __future__ import annotations

from pathlib import Path

import pytest

from vecmill import machine


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2g", 2 << 30), ("512m", 512 << 20), ("1TB", 1 << 40), ("7b", 7), ("3", 3 << 20)],
)
def test_a_size_is_read_as_spark_reads_it(text: str, expected: int) -> None:
    assert machine.parse_bytes(text, machine.MIB) == expected


@pytest.mark.parametrize("text", ["", "g", "1.5g", "-1", "2 gigabytes"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        machine.parse_bytes(text)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 B"), (2048, "2 KiB"), (1.5 * 2**20, "1.5 MiB"), (3 << 40, "3.0 TiB")],
)
def test_a_size_is_told_in_the_largest_unit_that_fits(count: float, expected: str) -> None:
    assert machine.told_bytes(count) == expected


def test_free_disk_is_that_of_the_folder_above_where_there_is_none_yet(tmp_path: Path) -> None:
    free = machine.free_disk(tmp_path / "not" / "there" / "yet")

    assert free is not None
    assert free > 0


def test_memory_of_this_machine_is_between_nothing_and_everything() -> None:
    free = machine.available_memory()

    assert free is None or 0 < free < 1 << 50
