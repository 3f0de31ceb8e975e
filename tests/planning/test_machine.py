from __future__ import annotations

from pathlib import Path

import pytest

from vecmill.formatting import MIB
from vecmill.planning import machine


def test_the_free_disk_of_a_missing_folder_is_that_of_the_folder_above_it(tmp_path: Path) -> None:
    free = machine.free_disk(tmp_path / "missing" / "folder")

    assert free is not None
    assert free > 0


def test_the_available_memory_of_this_machine_is_a_sensible_number() -> None:
    free = machine.available_memory()

    assert free is None or 0 < free < 1 << 50


def test_a_machine_has_at_least_the_memory_that_is_available() -> None:
    free, total = machine.available_memory(), machine.total_memory()

    assert free is None or total is None or free <= total


def test_the_memory_of_a_container_is_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_CONTAINER", tmp_path)
    (tmp_path / "memory.max").write_text(f"{100 * MIB}\n")
    (tmp_path / "memory.current").write_text(f"{40 * MIB}\n")

    assert machine.total_memory() == 100 * MIB
    assert machine.available_memory() == 60 * MIB
    (tmp_path / "memory.max").write_text("max\n")
    assert (machine.total_memory() or 0) > 100 * MIB
