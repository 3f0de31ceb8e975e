from __future__ import annotations

from pathlib import Path

from vecmill.planning import machine


def test_free_disk_is_that_of_the_folder_above_where_there_is_none_yet(tmp_path: Path) -> None:
    free = machine.free_disk(tmp_path / "not" / "there" / "yet")

    assert free is not None
    assert free > 0


def test_memory_of_this_machine_is_between_nothing_and_everything() -> None:
    free = machine.available_memory()

    assert free is None or 0 < free < 1 << 50
