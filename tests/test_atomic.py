"""Files that are replaced as a whole."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from vecmill import atomic


def test_a_file_is_written_as_it_is_given_and_no_other_remains(tmp_path):
    path = tmp_path / "deep" / "run.json"

    atomic.write_text(path, "old")
    atomic.write_text(path, "ä\r\n")

    assert path.read_bytes() == "ä\r\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_a_file_can_be_executable(tmp_path):
    atomic.write_text(tmp_path / "java", "#!/bin/sh", mode=0o755)

    assert os.access(tmp_path / "java", os.X_OK)


def test_a_file_that_cannot_be_replaced_leaves_no_other(tmp_path):
    (tmp_path / "folder" / "below").mkdir(parents=True)

    with pytest.raises(IsADirectoryError):
        atomic.write_text(tmp_path / "folder", "x")

    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_writers_at_the_same_time_do_not_mix_their_files(tmp_path):
    path = tmp_path / "file"
    texts = [str(number) * 100_000 for number in range(4)]
    mixed: list[int] = []

    def write(text: str, path: Path = path) -> None:
        for _ in range(20):
            atomic.write_text(path, text)
            found = path.read_text()
            if found not in texts:
                mixed.append(len(found))

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not mixed
    assert list(tmp_path.iterdir()) == [path]
