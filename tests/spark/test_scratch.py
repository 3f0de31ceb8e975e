from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vecmill.errors import ConfigError
from vecmill.spark import scratch

# Makes its folder, puts a file into it, says so and waits.
HOLDER = """
import sys, time
from pathlib import Path
from vecmill.spark import scratch
folder, = scratch.create({"spark.local.dir": sys.argv[1]})
Path(folder, "blockmgr-1").mkdir()
print(folder, flush=True)
time.sleep(float(sys.argv[2]))
"""


def hold(parent: Path, seconds: float) -> tuple[subprocess.Popen[str], Path]:
    """A process that has a folder below `parent`, and this folder."""
    command = [sys.executable, "-c", HOLDER, str(parent), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """The folder of a process that was killed."""
    process, folder = hold(tmp_path, 60)
    process.kill()
    process.wait()
    assert (folder / "blockmgr-1").is_dir()
    return folder


def test_a_process_that_ends_removes_its_folder(tmp_path):
    process, folder = hold(tmp_path, 0)

    assert process.wait() == 0
    assert list(tmp_path.iterdir()) == []
    assert folder.parent == tmp_path


def test_an_interrupted_process_removes_its_folder(tmp_path):
    process, folder = hold(tmp_path, 60)
    process.send_signal(signal.SIGINT)
    process.wait()

    assert not folder.exists()


def test_the_folder_of_a_killed_process_is_removed_by_the_next(killed, tmp_path):
    scratch.remove_stale(tmp_path)

    assert not killed.exists()


def test_the_folder_of_a_living_process_stays(tmp_path):
    process, folder = hold(tmp_path, 60)
    try:
        scratch.remove_stale(tmp_path)

        assert (folder / "blockmgr-1").is_dir()
    finally:
        process.kill()
        process.wait()


def test_a_stopped_process_keeps_its_folder(tmp_path):
    process, folder = hold(tmp_path, 60)
    process.send_signal(signal.SIGSTOP)
    try:
        scratch.remove_stale(tmp_path)

        assert folder.is_dir()
    finally:
        process.kill()
        process.wait()


def test_the_folder_of_a_process_in_another_container_stays(tmp_path):
    process, folder = hold(tmp_path, 60)
    # As if its number meant nothing here.
    elsewhere = folder.rename(tmp_path / f"vecmill-{os.getuid()}-4194305-1")
    try:
        scratch.remove_stale(tmp_path)

        assert elsewhere.is_dir()
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "name",
    [
        "blockmgr-0cda7da4",
        "spark-13581f24",
        "vecmill",
        "vecmill-error-abc.txt",
        "vecmill-java-0",
        f"vecmill-{os.getuid() + 1}-4194305-1",
        f"vecmill-{os.getuid()}-4194305-1.old",
    ],
)
def test_what_is_not_a_folder_of_ours_stays(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "owner").touch()

    scratch.remove_stale(tmp_path)

    assert (tmp_path / name / "owner").exists()


def test_a_link_with_the_name_of_a_folder_stays(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "owner").touch()
    (tmp_path / f"vecmill-{os.getuid()}-4194305-1").symlink_to(tmp_path / "mine")

    scratch.remove_stale(tmp_path)

    assert (tmp_path / "mine" / "owner").exists()


def test_a_folder_without_an_owner_is_removed_once_it_is_old(tmp_path):
    folder = tmp_path / f"vecmill-{os.getuid()}-4194305-1"
    folder.mkdir()
    scratch.remove_stale(tmp_path)
    assert folder.exists()

    long_ago = time.time() - 3600
    os.utime(folder, (long_ago, long_ago))
    scratch.remove_stale(tmp_path)

    assert not folder.exists()


def test_every_folder_of_the_settings_has_one_of_the_process(tmp_path, monkeypatch):
    monkeypatch.delenv("SPARK_LOCAL_DIRS", raising=False)
    named = f"{tmp_path}/a, {tmp_path}/b"

    assert scratch.parents({"spark.local.dir": named}) == [tmp_path / "a", tmp_path / "b"]
    monkeypatch.setenv("SPARK_LOCAL_DIRS", f"{tmp_path}/c")
    assert scratch.parents({"spark.local.dir": named}) == [tmp_path / "c"]


def test_a_folder_that_cannot_be_created_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("SPARK_LOCAL_DIRS", raising=False)
    monkeypatch.setattr(scratch, "_held", {})
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=rf"local.dir: cannot create a folder in {tmp_path}/file \("):
        scratch.create({"spark.local.dir": str(tmp_path / "file")})
