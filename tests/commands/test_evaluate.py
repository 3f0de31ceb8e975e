"""`vecmill evaluate --json FILE` writes the whole file, and replaces nothing but a file."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from vecmill.commands.evaluate import write_json
from vecmill.errors import ConfigError


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    path.write_text("old and longer")

    write_json("new", path)

    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("old")
    link.symlink_to(target)

    write_json("new", link)

    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()), daemon=True)
    reader.start()

    write_json("new", pipe)

    reader.join(timeout=30)
    assert received == ["new"]
    assert pipe.is_fifo()


def test_a_missing_folder_is_reported_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--json: cannot write .*No such file or directory"):
        write_json("new", tmp_path / "missing" / "scores.json")

    assert not (tmp_path / "missing").exists()
