"""Submitted by test_cluster: runs of vecmill in one application, in which executors may die.

Each line of the file it is given is a run: its "options", and the "fatal_call" of the kernel, if any.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vecmill import cli
from vecmill.core import kernels
from vecmill.spark import session

Kernel = Callable[..., float]


def dying(make: Callable[..., Kernel], fatal_call: int | None) -> Callable[..., Kernel]:
    """What makes a kernel, in whose `fatal_call`th call, on whatever executor, that executor is killed."""
    calls = Path(tempfile.mkdtemp())

    def make_dying(*how: Any) -> Kernel:
        kernel = make(*how)

        def call(*arguments: Any) -> float:
            loss = kernel(*arguments)
            if fatal_call and _number_of_call(calls) == fatal_call:
                _kill_executor()
            return loss

        return call

    return make_dying


def _number_of_call(calls: Path) -> int:
    """The next number that no process has had, from 1."""
    for number in itertools.count(1):
        try:
            (calls / str(number)).touch(exist_ok=False)
        except FileExistsError:
            continue
        return number
    raise AssertionError


def _kill_executor() -> None:
    """End the executor of this worker: its workers are children of a daemon, which is a child of it."""
    daemon = os.getppid()
    executor = subprocess.check_output(["ps", "-o", "ppid=", "-p", str(daemon)])
    os.kill(int(executor), signal.SIGKILL)
    os.killpg(os.getpgid(daemon), signal.SIGKILL)


def main(runs: Path) -> int:
    makers = kernels.kernel, kernels.bucket_kernel
    with session.opened():
        for line in runs.read_text().splitlines():
            run = json.loads(line)
            kernels.kernel, kernels.bucket_kernel = (dying(make, run["fatal_call"]) for make in makers)
            code = cli.main(["run", *run["options"]])
            if code:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
