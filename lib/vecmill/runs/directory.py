"""The run directory: what was made with which settings, and who is at work in it."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, cast

from py4j.protocol import Py4JError

from vecmill.errors import InputError, OutputHeldError, VecmillError
from vecmill.storage.files import Folder

MANIFEST = "run.json"
METRICS = "metrics.jsonl"
LOCK = ".lock"

# A run renews its lock this often; one that was not renewed for so long belongs to a dead run.
_RENEW_SECONDS = 20.0
_DEAD_SECONDS = 120.0

Record = dict[str, Any]


class Manifest:
    """run.json: configuration, versions, input, and for every stage its state, key and counts.

    What this file says is what a table is: a stage is done only once its record says so, and the
    record is written after the table was published.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.content: Record = {"stages": {}}
        text = folder.read_text_if_any(MANIFEST)
        if text is not None:
            try:
                self.content = json.loads(text)
                self.content["stages"].items()
            except (ValueError, KeyError, AttributeError, TypeError) as error:
                raise InputError(
                    f"{folder.path(MANIFEST)} is not the record of a run ({error}); remove that "
                    "folder, or name another with output.path"
                ) from error

    def stage(self, name: str) -> Record:
        """What is recorded of a stage; empty where it never began."""
        return dict(self.content["stages"].get(name, {}))

    def is_done(self, name: str, key: str) -> bool:
        """Whether the stage was finished under this key."""
        record = self.stage(name)
        return record.get("state") == "done" and record.get("key") == key

    def begin(self, name: str, key: str, *, afresh: bool = False) -> Record:
        """Say that a stage is at work; what it had done under the same key is kept, but for `afresh`."""
        if afresh or self.stage(name).get("key") != key:
            self.content["stages"][name] = {"key": key}
        return self.update(name, state="running")

    def finish(self, name: str, seconds: float, counts: Mapping[str, Any]) -> None:
        """Say that a stage is done, how long it took and what it counted."""
        finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.update(name, state="done", seconds=round(seconds, 2), finished=finished, **counts)

    def update(self, name: str, **values: Any) -> Record:
        """Add to what is recorded of a stage, and save it."""
        self.content["stages"][name] = {**self.stage(name), **values}
        self.save()
        return self.stage(name)

    def save(self) -> None:
        """Write run.json anew."""
        self._folder.write_text(MANIFEST, json.dumps(self.content, indent=2, ensure_ascii=False) + "\n")


def read_metrics(folder: Folder) -> list[Record]:
    """The lines of metrics.jsonl, one a round."""
    return [json.loads(line) for line in (folder.read_text_if_any(METRICS) or "").splitlines()]


def write_metrics(folder: Folder, lines: list[Record]) -> None:
    """Rewrite metrics.jsonl: not every file system can append, and the file has one line a round."""
    folder.write_text(METRICS, "".join(json.dumps(line) + "\n" for line in lines))


@contextmanager
def hold(folder: Folder) -> Iterator[None]:
    """Hold a run directory against every other run, until the block ends.

    The lock is a file that names its holder and is renewed by a thread. A lock whose process is gone
    from this host, or that nobody renewed for two minutes, is taken over: its run was killed.

    Raises OutputHeldError where another run holds the directory.
    """
    mine = {"host": socket.gethostname(), "pid": os.getpid(), "token": uuid.uuid4().hex}
    mine["started"] = time.strftime("%Y-%m-%d %H:%M:%S %Z")
    text = json.dumps(mine)
    if not folder.create_text(LOCK, text):
        _take_over(folder, text)
    # Two runs that came at once may both have found no lock; the one whose file stays has it.
    time.sleep(0.1)
    if folder.read_text(LOCK) != text:
        raise OutputHeldError(_held_by(folder))
    done = threading.Event()
    renewer = threading.Thread(target=_renew, args=(folder, text, done), daemon=True)
    renewer.start()
    try:
        yield
    finally:
        done.set()
        renewer.join()
        with suppress(ConnectionError, Py4JError, VecmillError):
            # Not the lock of a run that took this one for dead.
            if folder.read_text(LOCK) == text:
                folder.delete(LOCK)


def _renew(folder: Folder, text: str, done: threading.Event) -> None:
    while not done.wait(_RENEW_SECONDS):
        try:
            if folder.read_text(LOCK) != text:
                return
            folder.write_text(LOCK, text)
        except VecmillError:
            # The file system is away for a moment; the work itself will say so if it stays away.
            continue


def _take_over(folder: Folder, text: str) -> None:
    holder = _holder(folder)
    silent = time.time() - folder.modified(LOCK) / 1000
    same_host = holder.get("host") == socket.gethostname()
    if silent < _DEAD_SECONDS and not (same_host and not _is_alive(holder.get("pid"))):
        raise OutputHeldError(_held_by(folder))
    folder.write_text(LOCK, text)


def _holder(folder: Folder) -> Record:
    try:
        return cast(Record, json.loads(folder.read_text(LOCK)))
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


def _held_by(folder: Folder) -> str:
    holder = _holder(folder)
    return (
        f"output.path: another run holds {folder.root} (process {holder.get('pid', '?')} on "
        f"{holder.get('host', '?')}, since {holder.get('started', '?')}); wait for it, or name "
        f"another folder; a run that was killed elsewhere lets go after {_DEAD_SECONDS:.0f} seconds"
    )
