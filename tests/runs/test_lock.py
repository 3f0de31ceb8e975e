"""The lock that keeps two runs out of one folder."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from vecmill.errors import OutputHeldError
from vecmill.runs.lock import hold
from vecmill.storage.files import Files

DAY = 86_400


def write_lock(tmp_path: Path, *, age_seconds: float = 0, **holder: Any) -> None:
    lock = tmp_path / ".lock"
    lock.write_text(json.dumps({"started": "yesterday", "token": "theirs", **holder}))
    when = time.time() - age_seconds
    os.utime(lock, (when, when))


def pid_of_ended_process() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def assert_held(files: Files) -> str:
    """The message with which a run is refused."""
    before = files.read_text(".lock")
    with pytest.raises(OutputHeldError) as error, hold(files):
        pytest.fail("two runs hold one folder")
    assert files.read_text(".lock") == before
    return str(error.value)


def test_a_held_folder_has_a_lock_until_the_block_ends(files, tmp_path):
    with hold(files):
        holder = json.loads((tmp_path / ".lock").read_text())
        assert (holder["host"], holder["pid"]) == (socket.gethostname(), os.getpid())

    assert not (tmp_path / ".lock").exists()
    with hold(files):
        assert (tmp_path / ".lock").exists()


def test_the_lock_is_deleted_if_the_run_fails(files, tmp_path):
    with pytest.raises(ZeroDivisionError), hold(files):
        raise ZeroDivisionError

    assert not (tmp_path / ".lock").exists()


def test_a_run_whose_process_lives_keeps_others_out(files, tmp_path):
    write_lock(tmp_path, host=socket.gethostname(), pid=os.getppid())

    message = assert_held(files)

    assert message.startswith(f"output.path: another run holds {files.root} ")
    assert f"process {os.getppid()} on {socket.gethostname()}, since yesterday" in message


def test_a_run_keeps_a_second_one_of_the_same_process_out(files):
    with hold(files):
        assert_held(files)


def test_a_run_on_another_host_keeps_others_out_while_it_renews_its_lock(files, tmp_path):
    write_lock(tmp_path, host="elsewhere", pid=pid_of_ended_process(), age_seconds=60)

    assert "on elsewhere" in assert_held(files)


def test_the_lock_of_an_ended_process_is_taken_over(files, tmp_path):
    write_lock(tmp_path, host=socket.gethostname(), pid=pid_of_ended_process())

    with hold(files):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()

    assert not (tmp_path / ".lock").exists()


def test_a_lock_that_was_not_renewed_is_taken_over(files, tmp_path):
    write_lock(tmp_path, host="elsewhere", pid=1, age_seconds=DAY)

    with hold(files):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()


def test_half_a_lock_keeps_others_out_until_it_is_old(files, tmp_path):
    lock = tmp_path / ".lock"
    lock.write_text('{"host": "els')
    assert_held(files)

    os.utime(lock, (time.time() - DAY, time.time() - DAY))
    with hold(files):
        assert json.loads(lock.read_text())["pid"] == os.getpid()


def test_a_lock_that_another_run_took_over_is_not_deleted(files, tmp_path):
    with hold(files):
        # This process was suspended for so long that another run took its lock over.
        write_lock(tmp_path, host="elsewhere", pid=1)

    assert json.loads((tmp_path / ".lock").read_text())["token"] == "theirs"
