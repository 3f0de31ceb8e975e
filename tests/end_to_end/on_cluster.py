"""Submitted by tests: runs of vecmill in one application on a cluster, in which executors may die.

The arguments are a file for the place from which a worker imports vecmill, and a file of runs. Each line of
the latter is a run by jobs/run_pipeline.py: its "options"; the "fatal_call" of the kernel, if any; the run
directory "out"; and the file "result" for a copy of its vectors, since the next run trains in "out", too.
"""

from __future__ import annotations

import itertools
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from vecmill.models import MODELS, Model
from vecmill.spark import session

JOB = Path(__file__).parents[2] / "jobs" / "run_pipeline.py"

Kernel = Callable[..., float]


def dying(kernels: Mapping[str, Kernel], fatal_call: int) -> dict[str, Kernel]:
    """The kernels; the executor in which the `fatal_call`th call of all is made is killed."""
    calls = Path(tempfile.mkdtemp())

    def with_death(kernel: Kernel) -> Kernel:
        def call(*arguments: Any) -> float:
            loss = kernel(*arguments)
            if _number_of_call(calls) == fatal_call:
                _kill_executor()
            return loss

        return call

    return {library: with_death(kernel) for library, kernel in kernels.items()}


def _number_of_call(calls: Path) -> int:
    """The next number that no process has taken, from 1."""
    for number in itertools.count(1):
        try:
            (calls / str(number)).touch(exist_ok=False)
        except FileExistsError:
            continue
        return number
    raise AssertionError


def _kill_executor() -> None:
    """End the executor of this worker, whose parent is a daemon, which is a child of the executor."""
    daemon = os.getppid()
    executor = subprocess.check_output(["ps", "-o", "ppid=", "-p", str(daemon)])
    os.kill(int(executor), signal.SIGKILL)
    os.killpg(os.getpgid(daemon), signal.SIGKILL)


def place_of_package(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The file of the package as a worker imports it."""
    import vecmill.training.averaging.worker

    for _ in batches:
        yield pa.RecordBatch.from_pydict({"file": [vecmill.__file__]})


def run_job(options: list[str]) -> int:
    """Run the job as spark-submit does; its exit code."""
    sys.argv[1:] = options
    try:
        runpy.run_path(str(JOB), run_name="__main__")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def run_all(runs: Path) -> int:
    sgns = MODELS["sgns"]
    for line in runs.read_text().splitlines():
        run = json.loads(line)
        fatal_call = run["fatal_call"]

        def build(options: Mapping[str, Any], fatal_call: int | None = fatal_call) -> Model:
            model = sgns.build(options)
            if fatal_call is None:
                return model
            return replace(
                model,
                kernels=dying(model.kernels, fatal_call),
                bucket_kernels=dying(model.bucket_kernels, fatal_call),
            )

        MODELS["sgns"] = replace(sgns, build=build)
        code = run_job(run["options"])
        if code:
            return code
        shutil.copy(Path(run["out"], "exports", "vectors.bin"), run["result"])
    return 0


def main(place: Path, runs: Path) -> int:
    with session.opened() as spark:
        found = spark.range(1).mapInArrow(place_of_package, "file string").first()
        assert found is not None
        place.write_text(found["file"])
        return run_all(runs)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
