"""The lease of a run directory: one run writes into it at a time, on every file system.

A lease is a file `.lock.N` that names its holder and is renewed by a thread. N rises with every holder and
never falls, so it is a fencing token: whoever finds a higher one has lost the directory. Creating a
file that must not exist is the only operation that has to be atomic.

    acquire   read the highest lock file; if it is released or stale, create the next one; hold if that one
              is still the highest
    renew     rewrite the own lock file
    check     before every publication: the own lock file must be the highest
    release   rewrite it as released; it stays, so that numbers do not start again

On local disks and mounts the holder also has a lock of the operating system, which ends with its process
and not before: a run that stands still keeps its output, and the output of a dead run is free at once.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from py4j.protocol import Py4JError

from vecmill.errors import OutputHeldError, VecmillError
from vecmill.storage.files import Files

LOCK = ".lock"
_NUMBERED = re.compile(r"\.lock\.(\d+)")


class Timing(NamedTuple):
    """Seconds between renewals, and without a renewal until a lease is stale."""

    renew: float = 20.0
    stale: float = 120.0


TIMING = Timing()


class Process(NamedTuple):
    """What tells a process from every other one, also from one that has the same number later.

    boot           of the machine; "" if unknown
    pid_namespace  in which `pid` counts; "" if unknown
    start          ticks from the boot to the start of the process; 0 if unknown
    """

    host: str
    boot: str
    pid_namespace: str
    pid: int
    start: int


def this_process() -> Process:
    """The identity of this process."""
    return Process(
        socket.gethostname(),
        _read("/proc/sys/kernel/random/boot_id"),
        _link("/proc/self/ns/pid"),
        os.getpid(),
        _start_of(os.getpid()),
    )


class Lease:
    """A held run directory.

    number  the fencing token: higher than that of every earlier holder
    """

    def __init__(self, files: Files, number: int, holder: Mapping[str, Any]) -> None:
        self._files, self.number, self._holder = files, number, dict(holder)

    @property
    def name(self) -> str:
        """The name of its lock file."""
        return f"{LOCK}.{self.number}"

    def check(self) -> None:
        """Raise OutputHeldError if another run has taken the directory over."""
        highest = _highest(self._files)
        if highest == self.number:
            return
        by = f"another run ({_describe(_content(self._files, highest))})" if highest else "somebody"
        lost = "has taken it over while this one stood still" if highest else f"has removed {self.name}"
        raise OutputHeldError(
            f"output.path: this run no longer holds {self._files.root}, because {by} {lost}; it has "
            "stopped writing; run the same command again once no other run is at work there"
        )

    def renew(self) -> None:
        """Show that the holder lives."""
        if _highest(self._files) == self.number:
            self._files.write_text(self.name, json.dumps(self._holder))

    def release(self) -> None:
        """Let the next run in at once."""
        if _highest(self._files) == self.number:
            self._files.write_text(self.name, json.dumps({**self._holder, "released": True}))


@contextmanager
def hold(files: Files, timing: Timing = TIMING) -> Iterator[Lease]:
    """Hold a run directory against every other run until the block ends.

    Raises OutputHeldError if another run holds the directory.
    """
    with _system_lock(files) as is_locked:
        lease = acquire(files, this_process(), timing, is_locked=is_locked)
        done = threading.Event()
        renewer = threading.Thread(target=_keep_renewing, args=(lease, timing, done), daemon=True)
        renewer.start()
        try:
            yield lease
        finally:
            done.set()
            renewer.join()
            with suppress(ConnectionError, Py4JError, VecmillError):
                lease.release()


def acquire(
    files: Files,
    process: Process,
    timing: Timing,
    *,
    is_locked: bool,
    sleep: Callable[[float], None] = time.sleep,
) -> Lease:
    """Take the lease if it is free, released or stale. Raises OutputHeldError if it is held.

    `is_locked` says that this process has the operating system's lock of the directory.
    """
    highest = _highest(files)
    if highest:
        content = _content(files, highest)
        if not _is_free(files, highest, content, process, timing, is_locked=is_locked, sleep=sleep):
            raise OutputHeldError(_held_by(files, content))
    holder = {
        **process._asdict(),
        "token": uuid.uuid4().hex,
        "started": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
    }
    lease = Lease(files, highest + 1, holder)
    if not files.create_text(lease.name, json.dumps(holder)):
        raise OutputHeldError(_held_by(files, _content(files, lease.number)))
    if _highest(files) != lease.number:
        # This run was slow: others have held the directory since it looked.
        files.delete(lease.name)
        raise OutputHeldError(_held_by(files, _content(files, _highest(files))))
    for number in _numbers(files):
        if number < lease.number:
            files.delete(f"{LOCK}.{number}")
    return lease


def _is_free(
    files: Files,
    number: int,
    content: Mapping[str, Any],
    process: Process,
    timing: Timing,
    *,
    is_locked: bool,
    sleep: Callable[[float], None],
) -> bool:
    """Whether the holder of a lock file has released it or no longer lives."""
    if content.get("released") is True:
        return True
    same_machine = process.boot != "" and content.get("boot") == process.boot
    if same_machine and is_locked:
        # The holder would have the operating system's lock.
        return True
    if same_machine and content.get("pid_namespace") == process.pid_namespace:
        pid, start = content.get("pid"), content.get("start")
        return not (isinstance(pid, int) and start == _start_of(pid) != 0)
    return _seconds_unrenewed(files, number, timing, sleep) >= timing.stale


def _seconds_unrenewed(files: Files, number: int, timing: Timing, sleep: Callable[[float], None]) -> float:
    """How long ago a lock file was renewed, by the clock of its file system and not by this machine's."""
    name, probe = f"{LOCK}.{number}", f"{LOCK}-probe-{uuid.uuid4().hex}"
    try:
        files.write_text(probe, "")
        renewed = files.modified(name)
        age = (files.modified(probe) - renewed) / 1000
        if age < -timing.renew:
            # A clock was set back: only watching tells whether the lock file is renewed.
            sleep(2 * timing.renew)
            age = timing.stale if files.modified(name) == renewed else 0.0
        return age
    except VecmillError:
        # The holder has just released or replaced it.
        return 0.0
    finally:
        files.delete(probe)


def _keep_renewing(lease: Lease, timing: Timing, done: threading.Event) -> None:
    while not done.wait(timing.renew):
        # The file system may fail for a moment; the work itself reports it if it goes on failing.
        with suppress(VecmillError, Py4JError, ConnectionError):
            lease.renew()


@contextmanager
def _system_lock(files: Files) -> Iterator[bool]:
    """The operating system's lock of a local folder; False if there is no such lock.

    Raises OutputHeldError if another process has it.
    """
    if files.local is None:
        yield False
        return
    # Inherited by no child: a Java process that outlives this one must not keep the lock.
    descriptor = os.open(files.local / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputHeldError(_held_by(files, _content(files, _highest(files)))) from None
        except OSError:
            # Some network file systems have no locks.
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def _numbers(files: Files) -> list[int]:
    found = (_NUMBERED.fullmatch(name) for name in files.names(""))
    return sorted(int(match[1]) for match in found if match)


def _highest(files: Files) -> int:
    """The number of the highest lock file; 0 if there is none."""
    return max(_numbers(files), default=0)


def _content(files: Files, number: int) -> dict[str, Any]:
    """What a lock file says about its holder; nothing if it is damaged or gone."""
    try:
        content = json.loads(files.read_text(f"{LOCK}.{number}"))
    except (ValueError, VecmillError):
        return {}
    return content if isinstance(content, dict) else {}


def _held_by(files: Files, content: Mapping[str, Any]) -> str:
    return (
        f"output.path: another run holds {files.root} ({_describe(content)}); wait for it, or name another "
        "folder"
    )


def _describe(content: Mapping[str, Any]) -> str:
    known = {key: str(content.get(key, "?"))[:80] for key in ("pid", "host", "started")}
    return f"process {known['pid']} on {known['host']}, since {known['started']}"


def _start_of(pid: int) -> int:
    """When a process of this machine started, in ticks since the boot; 0 if it does not run."""
    stat = _read(f"/proc/{pid}/stat")
    # The name of the program, in parentheses, may hold spaces and parentheses.
    fields = stat[stat.rfind(")") + 2 :].split()
    return int(fields[19]) if len(fields) > 19 and fields[0] not in "ZX" else 0


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except (OSError, ValueError):
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
