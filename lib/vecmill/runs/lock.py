"""The lock of a run directory: only one run writes into it at a time."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from py4j.protocol import Py4JError

from vecmill.errors import OutputHeldError, VecmillError
from vecmill.storage.files import Files

LOCK = ".lock"

# A run renews its lock every 20 seconds. A lock that was not renewed for two minutes belongs to a dead run.
_RENEW_SECONDS = 20.0
_DEAD_SECONDS = 120.0


@contextmanager
def hold(files: Files) -> Iterator[None]:
    """Lock a run directory against other runs until the block ends.

    The lock is a file that names its holder, and a thread renews it. It is taken over if its process no
    longer exists on this host, or if it was not renewed for two minutes: then its run was killed.

    Raises OutputHeldError if another run holds the lock.
    """
    mine = {"host": socket.gethostname(), "pid": os.getpid(), "token": uuid.uuid4().hex}
    mine["started"] = time.strftime("%Y-%m-%d %H:%M:%S %Z")
    text = json.dumps(mine)
    if not files.create_text(LOCK, text):
        _take_over(files, text)
    # Two runs that start at once may both find no lock; the run whose file remains holds it.
    time.sleep(0.1)
    if files.read_text(LOCK) != text:
        raise OutputHeldError(_held_by(files))
    done = threading.Event()
    renewer = threading.Thread(target=_renew, args=(files, text, done), daemon=True)
    renewer.start()
    try:
        yield
    finally:
        done.set()
        renewer.join()
        with suppress(ConnectionError, Py4JError, VecmillError):
            # Another run may have taken the lock over.
            if files.read_text(LOCK) == text:
                files.delete(LOCK)


def _renew(files: Files, text: str, done: threading.Event) -> None:
    while not done.wait(_RENEW_SECONDS):
        try:
            if files.read_text(LOCK) != text:
                return
            files.write_text(LOCK, text)
        except VecmillError:
            # The failure may be temporary; if it is not, the work of the run reports it.
            continue


def _take_over(files: Files, text: str) -> None:
    holder = _holder(files)
    silent = time.time() - files.modified(LOCK) / 1000
    same_host = holder.get("host") == socket.gethostname()
    if silent < _DEAD_SECONDS and not (same_host and not _is_alive(holder.get("pid"))):
        raise OutputHeldError(_held_by(files))
    files.write_text(LOCK, text)


def _holder(files: Files) -> dict[str, Any]:
    try:
        return cast(dict[str, Any], json.loads(files.read_text(LOCK)))
    except ValueError:
        return {}


def _is_alive(pid: object) -> bool:
    if not isinstance(pid, int) or pid == os.getpid():
        return pid == os.getpid()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _held_by(files: Files) -> str:
    holder = _holder(files)
    return (
        f"output.path: another run holds {files.root} (process {holder.get('pid', '?')} on "
        f"{holder.get('host', '?')}, since {holder.get('started', '?')}); wait for it, or name "
        "another folder; the lock of a run that was killed on another host expires after "
        f"{_DEAD_SECONDS:.0f} seconds"
    )
