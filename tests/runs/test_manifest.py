"""run.json, metrics.jsonl, and the lock that keeps two runs out of one folder."""

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

from vecmill.errors import InputError, OutputHeldError
from vecmill.runs.directory import Manifest, hold, read_metrics, write_metrics
from vecmill.storage.files import Folder

DAY = 86_400


@pytest.fixture
def folder(spark, tmp_path: Path) -> Folder:
    return Folder(spark, str(tmp_path))


def test_a_new_manifest_knows_no_stage(folder):
    manifest = Manifest(folder)

    assert manifest.stage("tokenize") == {}
    assert not manifest.is_done("tokenize", "key")


def test_a_stage_is_done_once_it_is_finished_and_only_under_its_key(folder):
    manifest = Manifest(folder)

    manifest.begin("tokenize", "key")
    assert not Manifest(folder).is_done("tokenize", "key")
    manifest.finish("tokenize", 1.2345, {"tokens": 7})

    reread = Manifest(folder)
    assert reread.is_done("tokenize", "key")
    assert not reread.is_done("tokenize", "other key")
    assert not reread.is_done("vocabulary", "key")
    record = reread.stage("tokenize")
    assert (record["tokens"], record["seconds"], record["key"]) == (7, 1.23, "key")


def test_beginning_again_keeps_what_was_done_under_the_same_key(folder):
    manifest = Manifest(folder)
    manifest.begin("train", "key")
    manifest.update("train", round=3)

    assert manifest.begin("train", "key") == {"key": "key", "round": 3, "state": "running"}


def test_beginning_under_another_key_forgets_what_was_done(folder):
    manifest = Manifest(folder)
    manifest.begin("train", "key")
    manifest.update("train", round=3)

    assert manifest.begin("train", "other key") == {"key": "other key", "state": "running"}
    assert Manifest(folder).stage("train") == {"key": "other key", "state": "running"}


def test_what_is_recorded_of_a_stage_cannot_be_changed_from_outside(folder):
    manifest = Manifest(folder)
    manifest.begin("train", "key")

    manifest.stage("train")["state"] = "done"

    assert manifest.stage("train")["state"] == "running"


def test_the_manifest_is_json_that_a_person_can_read(folder, tmp_path):
    manifest = Manifest(folder)
    manifest.content["configuration"] = {"input": {"path": "/korpus/größe"}}
    manifest.save()

    text = (tmp_path / "run.json").read_text(encoding="utf-8")
    assert '  "configuration": {\n' in text
    assert "größe" in text
    assert json.loads(text) == {
        "stages": {},
        "configuration": {"input": {"path": "/korpus/größe"}},
    }


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"stages": []}', "null"])
def test_a_file_that_is_no_record_of_a_run_is_refused(folder, tmp_path, content):
    (tmp_path / "run.json").write_text(content)

    with pytest.raises(InputError, match=r"run\.json is not the record of a run .*output\.path"):
        Manifest(folder)


def test_metrics_are_read_as_they_were_written(folder, tmp_path):
    lines = [{"round": 1, "loss": 0.5, "held_out_loss": None}, {"round": 2, "loss": 0.25}]
    assert read_metrics(folder) == []

    write_metrics(folder, lines)

    assert read_metrics(folder) == lines
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2


def write_lock(tmp_path: Path, *, age_seconds: float = 0, **holder: Any) -> None:
    lock = tmp_path / ".lock"
    lock.write_text(json.dumps({"started": "yesterday", "token": "theirs", **holder}))
    when = time.time() - age_seconds
    os.utime(lock, (when, when))


def pid_of_nobody() -> int:
    """The id of a process that has just ended."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


def test_a_held_folder_has_a_lock_that_goes_with_the_block(folder, tmp_path):
    with hold(folder):
        holder = json.loads((tmp_path / ".lock").read_text())
        assert (holder["host"], holder["pid"]) == (socket.gethostname(), os.getpid())

    assert not (tmp_path / ".lock").exists()
    with hold(folder):
        assert (tmp_path / ".lock").exists()


def test_the_lock_goes_when_the_run_fails(folder, tmp_path):
    with pytest.raises(ZeroDivisionError), hold(folder):
        raise ZeroDivisionError

    assert not (tmp_path / ".lock").exists()


def assert_held(folder: Folder) -> str:
    before = folder.read_text(".lock")
    with pytest.raises(OutputHeldError) as fault, hold(folder):
        pytest.fail("two runs hold one folder")
    assert folder.read_text(".lock") == before
    return str(fault.value)


def test_a_run_of_a_living_process_keeps_others_out(folder, tmp_path):
    write_lock(tmp_path, host=socket.gethostname(), pid=os.getppid())

    message = assert_held(folder)

    assert message.startswith(f"output.path: another run holds {folder.root} ")
    assert f"process {os.getppid()} on {socket.gethostname()}, since yesterday" in message


def test_a_run_keeps_a_second_of_the_same_process_out(folder):
    with hold(folder):
        assert_held(folder)


def test_a_run_on_another_host_keeps_others_out_while_it_renews_its_lock(folder, tmp_path):
    write_lock(tmp_path, host="elsewhere", pid=pid_of_nobody(), age_seconds=60)

    assert "on elsewhere" in assert_held(folder)


def test_the_lock_of_a_process_that_is_gone_is_taken_over(folder, tmp_path):
    write_lock(tmp_path, host=socket.gethostname(), pid=pid_of_nobody())

    with hold(folder):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()

    assert not (tmp_path / ".lock").exists()


def test_a_lock_that_nobody_renewed_is_taken_over(folder, tmp_path):
    write_lock(tmp_path, host="elsewhere", pid=1, age_seconds=DAY)

    with hold(folder):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()


def test_half_a_lock_keeps_others_out_until_it_is_old(folder, tmp_path):
    lock = tmp_path / ".lock"
    lock.write_text('{"host": "els')
    assert_held(folder)

    os.utime(lock, (time.time() - DAY, time.time() - DAY))
    with hold(folder):
        assert json.loads(lock.read_text())["pid"] == os.getpid()


def test_a_lock_that_another_run_took_over_is_left_to_it(folder, tmp_path):
    with hold(folder):
        # This process was suspended for so long that another run took it for dead.
        write_lock(tmp_path, host="elsewhere", pid=1)

    assert json.loads((tmp_path / ".lock").read_text())["token"] == "theirs"
