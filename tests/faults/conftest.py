"""These tests run only if their folder or a file of it is named: `pytest tests/faults`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end import planted
from tests.faults import small_disks
from tests.faults.commands import Ended, Vecmill


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the folder out unless it is named."""
    return None if any("faults" in argument for argument in config.args) else True


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted.write_corpus(tmp_path_factory.mktemp("corpus") / "planted.txt")


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The folder for temporary files of the commands of a test."""
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


@pytest.fixture
def vecmill(tmp_path: Path, temporary: Path, corpus: Path) -> Vecmill:
    """Commands in processes of their own, in a folder of their own, on a corpus."""
    (tmp_path / "work").mkdir()
    return Vecmill(tmp_path / "work", temporary, corpus, tmp_path / "out")


@pytest.fixture(scope="session")
def counted_run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with tokens and vocabulary alone, which no test changes."""
    folder = tmp_path_factory.mktemp("counted")
    vecmill = Vecmill(folder, folder, corpus, folder / "out")
    for command in ("tokenize", "vocabulary"):
        ended = vecmill.run(command)
        assert ended.code == 0, ended.output
    return vecmill.out


@pytest.fixture
def counted(vecmill: Vecmill, counted_run: Path) -> Vecmill:
    """As `vecmill`, with tokens and vocabulary in the output."""
    shutil.copytree(counted_run, vecmill.out)
    return vecmill


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Makes a disk in memory of a size such as "2m". Needs root."""
    if os.geteuid() != 0 or not small_disks.can_mount(tmp_path):
        pytest.skip("only root can mount a small disk")
    made: list[Path] = []

    def make(size: str) -> Path:
        folder = tmp_path / f"disk{len(made)}"
        folder.mkdir()
        small_disks.mount(folder, size)
        made.append(folder)
        return folder

    yield make
    for folder in made:
        small_disks.unmount(folder)


def check_refused(ended: Ended, code: int, *parts: str) -> None:
    """Check how a command failed: its code, its last line, and that no trace is on the screen."""
    assert ended.code == code, ended.output
    assert ended.last_line.startswith("vecmill: "), ended.output
    assert len(ended.last_line) < 1100
    for part in parts:
        assert part in ended.last_line, ended.output
    assert ended.traces == [], ended.output
