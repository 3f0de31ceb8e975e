"""CPU seconds and peak memory of a command and of all processes that it starts, with Java and workers.

    python -m tests.bench.measure -- vecmill pairs --config conf/demo.toml

Reads /proc (Linux) several times per second. The use of a process between the last reading and its end is
missed, so the numbers of short-lived processes are a little low.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PAUSE_SECONDS = 0.2


class Process(NamedTuple):
    """One process at the last reading: its kind, CPU seconds and highest resident memory."""

    kind: str
    cpu_seconds: float
    peak_bytes: int


class Usage(NamedTuple):
    """The use of a command: exit code, wall seconds, all processes by pid, and their peak together."""

    exit_code: int
    wall_seconds: float
    processes: dict[int, Process]
    peak_together_bytes: int

    @property
    def cpu_seconds(self) -> float:
        return sum(process.cpu_seconds for process in self.processes.values())

    def by_kind(self) -> dict[str, dict[str, float]]:
        """For each kind of process, CPU seconds of all and peak memory of the largest."""
        kinds: dict[str, list[Process]] = defaultdict(list)
        for process in self.processes.values():
            kinds[process.kind].append(process)
        return {
            kind: {
                "processes": len(found),
                "cpu_seconds": round(sum(p.cpu_seconds for p in found), 2),
                "largest_peak_mb": round(max(p.peak_bytes for p in found) / 1e6),
            }
            for kind, found in sorted(kinds.items())
        }


def measure(command: list[str], **keywords: object) -> Usage:
    """Run a command to its end; the use of the command and its descendants."""
    started = time.monotonic()
    child = subprocess.Popen(command, **keywords)  # type: ignore[call-overload]
    seen: dict[int, Process] = {}
    together = 0
    while child.poll() is None:
        alive = _descendants(child.pid, seen)
        found = {pid: process for pid in alive if (process := _read_process(pid, pid == child.pid))}
        for pid, process in found.items():
            # A process that ends has no name and no memory left, but earlier readings have them. A process
            # that starts may still be the shell that becomes Java.
            before = seen.get(pid, process)
            kind = before.kind if process.kind == "other" else process.kind
            peak = max(before.peak_bytes, process.peak_bytes)
            seen[pid] = process._replace(kind=kind, peak_bytes=peak)
        together = max(together, sum(_resident(pid) for pid in found))
        time.sleep(_PAUSE_SECONDS)
    return Usage(child.returncode, time.monotonic() - started, seen, together)


def _descendants(root: int, known: dict[int, Process]) -> set[int]:
    """The live processes below `root`, and below processes that earlier readings found below it."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children[int(fields[1])].append(int(entry.name))
    found, todo = set(), [root, *known]
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += children[pid]
    return found


def _read_process(pid: int, is_root: bool) -> Process | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text()
        command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return None
    peak = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
    java, worker = "java" in command.split(" ")[0], "pyspark.daemon" in command
    kind = "driver" if is_root else "java" if java else "worker" if worker else "other"
    return Process(kind, (int(fields[11]) + int(fields[12])) / _TICKS, int(peak.split()[1]) * 1024)


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- COMMAND [ARGUMENT ...]")
    command = [part for part in parser.parse_args().command if part != "--"]
    usage = measure(command)
    summary = {
        "wall_seconds": round(usage.wall_seconds, 2),
        "cpu_seconds": round(usage.cpu_seconds, 2),
        "peak_together_mb": round(usage.peak_together_bytes / 1e6),
        **usage.by_kind(),
    }
    print(json.dumps(summary), file=sys.stderr)
    return usage.exit_code


if __name__ == "__main__":
    sys.exit(main())
