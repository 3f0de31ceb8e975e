"""The processes of a command: its driver, Java, executors and Python workers, as /proc shows them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """A process, its parent and its command."""

    pid: int
    parent: int
    command: str


def all_processes() -> list[Process]:
    """The processes that run, without zombies."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            stat = (folder / "stat").read_text()
            state, parent = stat[stat.rfind(")") + 2 :].split()[:2]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if state not in "ZX":
                found.append(Process(int(folder.name), int(parent), command))
    return found


def below(pid: int) -> list[Process]:
    """The children of a process, their children and so on."""
    processes = all_processes()
    found, parents = [], {pid}
    while parents:
        children = [process for process in processes if process.parent in parents]
        found += children
        parents = {process.pid for process in children}
    return found


def java_of(driver: int) -> list[int]:
    """The Java process that a driver started."""
    return [p.pid for p in below(driver) if p.parent == driver and "org.apache.spark.deploy" in p.command]


def executors_of(driver: int) -> list[int]:
    """The executors of local-cluster."""
    return [
        p.pid for p in below(driver) if "CoarseGrainedExecutorBackend" in p.command and "java" in p.command
    ]


def workers_of(driver: int) -> list[int]:
    """The Python workers; not the daemons that started them."""
    found = [p for p in below(driver) if "pyspark.daemon" in p.command]
    daemons = {p.pid for p in found}
    return [p.pid for p in found if p.parent in daemons]


def wait_for(find: Callable[[], list[int]], seconds: float) -> list[int]:
    """What `find` finds as soon as it finds something; nothing if the time is up."""
    deadline = time.monotonic() + seconds
    while not (found := find()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def marked(mark: str) -> list[int]:
    """The processes with NAME=VALUE in their environment, except this one."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            environment = (folder / "environ").read_bytes().split(b"\0")
            if mark.encode() in environment and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found


def kill_marked(mark: str) -> None:
    """Kill all processes of a mark; they may be stopped, and may start others meanwhile."""
    for _ in range(50):
        left = marked(mark)
        if not left:
            return
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
