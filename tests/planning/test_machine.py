from __future__ import annotations

from pathlib import Path

from vecmill.planning import machine


def test_the_free_disk_of_a_missing_folder_is_that_of_the_folder_above_it(tmp_path: Path) -> None:
    free = machine.free_disk(tmp_path / "missing" / "folder")

    assert free is not None
    assert free > 0


def test_the_available_memory_of_this_machine_is_a_sensible_number() -> None:
    free = machine.available_memory()

    assert free is None or 0 < free < 1 << 50
