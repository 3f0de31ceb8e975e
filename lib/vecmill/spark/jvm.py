"""The Java process that Spark runs in: its start, what it prints, and how it ended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from io import RawIOBase
from pathlib import Path
from typing import Any

from pyspark import SparkConf
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway

# The last lines that Java printed, which say why it did not start.
_last_lines: deque[str] = deque(maxlen=50)

_is_silent = False

_process: subprocess.Popen[bytes] | None = None

# A dead process closes its connections a moment before the system reports its end.
_PATIENCE_SECONDS = 5.0

_STDERR = 2

# Keeps the last line together while it is incomplete.
_MARK = b"\0"

# The process that started this one. Under spark-submit it is Java.
_PARENT = os.getppid()


def launch(settings: Mapping[str, str]) -> Any:
    """Start Java with the settings of Spark; the gateway to it.

    Raises PySparkRuntimeError if Java ends before it is ready: see `last_lines`.
    """
    global _is_silent, _process
    _is_silent = False
    conf = SparkConf()
    for key, value in settings.items():
        conf.set(key, value)
    _last_lines.clear()
    read_end, write_end = os.pipe()
    relay = threading.Thread(target=_relay, args=(read_end,), daemon=True)
    relay.start()
    try:
        gateway = launch_gateway(conf, {"stderr": write_end})  # type: ignore[no-untyped-call]
    except BaseException as error:
        # Ctrl-C would leave Java without the folder in which it reports that it is ready: it never ends.
        _kill_writers(write_end)
        os.close(write_end)
        if isinstance(error, PySparkRuntimeError):
            # Java has ended, so the relay ends once it has read the last line.
            relay.join(_PATIENCE_SECONDS)
        raise
    os.close(write_end)
    _process = gateway.proc
    return gateway


def _kill_writers(descriptor: int) -> None:
    """Kill the children of this process whose standard error is the pipe `descriptor`, on Linux."""
    for found in Path("/proc").glob("[0-9]*/fd/2"):
        with suppress(OSError, ValueError):
            is_writer = found.readlink() == Path(f"/proc/self/fd/{descriptor}").readlink()
            if is_writer and found.parts[2] != str(os.getpid()):
                os.kill(int(found.parts[2]), signal.SIGKILL)


def last_lines() -> list[str]:
    """The last lines that Java printed on its standard error."""
    return list(_last_lines)


def silence() -> None:
    """Print nothing more of what Java prints."""
    global _is_silent
    _is_silent = True


def exit_code() -> int | None:
    """How Java ended: its exit code, or the negated number of the signal that ended it.

    None if it runs, or if this process did not start it. Waits a moment for a process that is about to end,
    so call it only if a connection to Java has failed.
    """
    if _process is None:
        return None
    try:
        return _process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def ended() -> int | None:
    """As `exit_code`, without waiting."""
    return None if _process is None else _process.poll()


def is_parent_gone() -> bool:
    """Whether the process that started this one has ended. Under spark-submit it is Java."""
    return os.getppid() != _PARENT


def _relay(descriptor: int) -> None:
    """Print what Java prints on its standard error, without stack traces."""
    with os.fdopen(descriptor, "rb", 0) as stream:
        for line in without_traces(_lines_of(stream)):
            if _is_silent:
                continue
            # Not sys.stderr, whose lock a thread must not hold when Python exits. Nobody may be reading.
            with suppress(OSError):
                os.write(_STDERR, line)


def _lines_of(stream: RawIOBase) -> Iterator[bytes]:
    """The lines as soon as they are complete; a carriage return ends a line, too, as in progress bars."""
    pending = b""
    while chunk := stream.read(1 << 16):
        *complete, pending = (pending + chunk + _MARK).splitlines(keepends=True)
        pending = pending.removesuffix(_MARK)
        for line in complete:
            _last_lines.append(line.decode(errors="replace").strip())
            yield line
    if pending:
        yield pending


_TRACE_OF_JAVA = re.compile(rb"\s+at \S+\(.*\)|\s*\.\.\. \d+ (more|common frames omitted)")
_NOISE = (b"WARNING: Using incubator modules",)


def without_traces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines without stack traces of Java and Python, and without what Java says at every start.

    The sentence that ends a command gives the cause.
    """
    in_traceback = False
    for line in lines:
        if line.startswith(b"Traceback (most recent call last):"):
            in_traceback = True
        elif in_traceback:
            # The first line that is not indented names the error.
            in_traceback = line.startswith((b" ", b"\t")) or not line.strip()
        elif not _TRACE_OF_JAVA.match(line) and not line.startswith(_NOISE):
            yield line
