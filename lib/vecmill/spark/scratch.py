"""Folders for the temporary files of Java and Spark; a later session removes those of killed processes.

Java and Spark delete their temporary files when they exit, but not when they are killed. So the process has
a folder of its own, `vecmill-UID-PID-START`, and holds a lock of the operating system on a file in it. The
lock ends with the process.
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import os
import re
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from vecmill.errors import ConfigError, VecmillError

_OWNER = "owner"
_NAME = re.compile(r"vecmill-(\d+)-(\d+)-(\d+)(?:-\d+)?")
_MOST_NAMES = 10

# A folder without the file of its owner is being created or removed, unless it is older.
_STALE_SECONDS = 60

# The descriptors with the locks of this process's folders. The locks end when they are closed.
_held: dict[Path, int] = {}


def parents(properties: Mapping[str, str]) -> list[Path]:
    """The folders for temporary files that the environment or the settings name."""
    configured = os.environ.get("SPARK_LOCAL_DIRS") or properties.get("spark.local.dir")
    names = [name.strip() for name in (configured or "").split(",") if name.strip()]
    return [Path(name) for name in names or [tempfile.gettempdir()]]


def create(properties: Mapping[str, str]) -> list[Path]:
    """A folder of this process in each of the `parents`; those of dead processes are removed.

    They are the same in every call of a process, because its Java process stays the same, and are removed
    when the process exits. Raises ConfigError if a folder cannot be created.
    """
    if not _held:
        atexit.register(_remove_own)
        for parent in dict.fromkeys(parents(properties)):
            remove_stale(parent)
            try:
                _held.update([_create_in(parent.absolute())])
            except OSError as error:
                raise _failure(parent, error) from error
    return list(_held)


def folders() -> list[Path]:
    """The folders of this process; none before `create`."""
    return list(_held)


def remove_stale(parent: Path) -> None:
    """Remove the folders of this user's processes that no longer live; never another file."""
    with suppress(OSError):
        for folder in parent.iterdir():
            named = _NAME.fullmatch(folder.name)
            if named and int(named[1]) == os.getuid() and _is_own_folder(folder):
                _remove_if_dead(folder, int(named[2]), int(named[3]))


def _remove_if_dead(folder: Path, pid: int, start: int) -> None:
    if start == start_of(pid) != 0:
        return
    try:
        descriptor = os.open(folder / _OWNER, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        if time.time() - folder.lstat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        # A process in another container, whose number means nothing here, has the lock, too.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _create_in(parent: Path) -> tuple[Path, int]:
    """A new folder and the descriptor with its lock."""
    parent.mkdir(parents=True, exist_ok=True)
    name = f"vecmill-{os.getuid()}-{os.getpid()}-{start_of(os.getpid())}"
    for number in range(_MOST_NAMES):
        folder = parent / (f"{name}-{number}" if number else name)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            descriptor = os.open(folder / _OWNER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            # Some network file systems have no locks. Folders there are never removed by other processes.
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return folder, descriptor
    raise OSError(errno.EEXIST, "its folders exist")


def _remove_own() -> None:
    """Remove this process's folders at its exit; Java ends at the same time."""
    if threading.current_thread() is threading.main_thread():
        # Another Ctrl-C would print a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    for folder, descriptor in _held.items():
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)
    _held.clear()


def _is_own_folder(folder: Path) -> bool:
    status = folder.lstat()
    return folder.is_dir() and not folder.is_symlink() and status.st_uid == os.getuid()


def _failure(parent: Path, error: OSError) -> VecmillError:
    cause = error.strerror or str(error)
    remedy = "set spark.local.dir (--spark-conf FILE) or TMPDIR to a folder on another disk"
    text = f"spark.local.dir: cannot create a folder in {parent} ({cause}); {remedy}"
    # A full disk may have space later.
    return VecmillError(text) if error.errno in (errno.ENOSPC, errno.EDQUOT) else ConfigError([text])


def start_of(pid: int) -> int:
    """When a process of this machine started, in ticks since the boot; 0 if it does not run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (OSError, ValueError):
        return 0
    # The name of the program, in parentheses, may hold spaces and parentheses.
    fields = stat[stat.rfind(")") + 2 :].split()
    return int(fields[19]) if len(fields) > 19 and fields[0] not in "ZX" else 0
