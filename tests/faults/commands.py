"""Commands of vecmill in processes of their own, which tests disturb while they run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pyspark

from tests.faults import processes

PROJECT = Path(__file__).parents[2]

# Under load, starting Spark alone may take half a minute.
PATIENCE_SECONDS = 300

# Small enough to train in seconds, with several shards, slices and rounds.
SETTINGS: dict[str, Any] = {
    "vocabulary.min_count": 1,
    "train.dim": 16,
    "train.epochs": 3,
    "train.shards": 2,
    "train.slices": 2,
    "train.learning_rate": 0.1,
    "train.holdout": 0.02,
    # The compiled kernel takes longer to load than these runs take to train.
    "train.kernel": "numpy",
    "pairs.subsample": 0.01,
}

MARK = "VECMILL_FAULTS"

_TRACE = re.compile(
    r"Traceback \(most recent call last\)|py4j|^\s+at [\w.$]+\(|\(\w+\.(?:java|scala):\d+\)"
)


def spark_home(folder: Path) -> Path:
    """A folder of links to Spark, below which executors of local-cluster work."""
    home = folder / "spark"
    home.mkdir(exist_ok=True)
    for path in Path(pyspark.__file__).parent.iterdir():
        if path.name != "work" and not (home / path.name).exists():
            (home / path.name).symlink_to(path)
    return home


class Ended(NamedTuple):
    """The exit code of a command, negative for a signal, and what it printed."""

    code: int
    output: str

    @property
    def last_line(self) -> str:
        lines = self.output.strip().splitlines()
        return lines[-1] if lines else ""

    @property
    def traces(self) -> list[str]:
        """The lines of stack traces of Python, Py4J and Java."""
        return [line for line in self.output.splitlines() if _TRACE.search(line)]


class Running:
    """A command that runs, and the lines that it has printed."""

    def __init__(self, command: Sequence[object], folder: Path, environment: Mapping[str, str]) -> None:
        self.mark = uuid.uuid4().hex
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            list(map(str, command)),
            cwd=folder,
            env={**environment, MARK: self.mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)

    def wait_for_line(self, pattern: str, seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether a line matched before the command ended and before the time was up."""
        return self.wait_until(lambda: any(re.search(pattern, line) for line in self.lines), seconds)

    def wait_until(self, condition: Any, seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether a condition became true before the command ended and before the time was up."""
        deadline = time.monotonic() + seconds
        while not condition():
            if not self.is_running or time.monotonic() > deadline:
                return bool(condition())
            time.sleep(0.02)
        return True

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to the driver, or to its whole process group, as a terminal does."""
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.pid, number)

    def wait(self, seconds: float = PATIENCE_SECONDS) -> Ended:
        """How the command ended. It is killed if the time is up."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.lines.append(f"killed after {seconds} seconds\n")
            self.signal(signal.SIGKILL, group=True)
            code = self._process.wait()
        # A process that outlives its driver keeps the pipe open.
        self._reader.join(10)
        return Ended(code, "".join(self.lines))

    def kill_all(self) -> None:
        """Kill the command with every process that it started."""
        processes.kill_marked(f"{MARK}={self.mark}")
        self._process.wait()


class Vecmill(NamedTuple):
    """Where commands run.

    folder     the working folder, which is not on Python's path, as with the installed command
    temporary  for temporary files
    corpus     the text
    out        the folder of the run
    """

    folder: Path
    temporary: Path
    corpus: Path
    out: Path

    def options(self, settings: Mapping[str, object]) -> list[str]:
        """The settings as options of the command line."""
        place = {"input.path": self.corpus, "output.path": self.out}
        return [f"--set={key}={value}" for key, value in {**SETTINGS, **place, **settings}.items()]

    def environment(self, **changes: str) -> dict[str, str]:
        """The environment of this process with its own temporary folder; Python finds the project."""
        path = os.pathsep.join(filter(None, [str(PROJECT / "lib"), os.environ.get("PYTHONPATH", "")]))
        # Java's second compiler costs more than it saves in a process that lives for a minute.
        java = {"SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
        return {**java, **os.environ, "TMPDIR": str(self.temporary), "PYTHONPATH": path, **changes}

    def start(
        self,
        command: str,
        *arguments: object,
        settings: Mapping[str, object] | None = None,
        before: Sequence[object] = (),
        python: Sequence[str] = ("-P", "-m", "vecmill"),
        **environment: str,
    ) -> Running:
        """Start a command of vecmill; `before` is a program that starts it, such as nice."""
        options = self.options(settings or {}) if command != "doctor" else []
        whole = [*before, sys.executable, *python, command, *options, *arguments]
        return Running(whole, self.folder, self.environment(**environment))

    def run(self, command: str, *arguments: object, **details: Any) -> Ended:
        """Run a command of vecmill to its end."""
        running = self.start(command, *arguments, **details)
        try:
            return running.wait()
        finally:
            running.kill_all()

    def spark_conf(self, *lines: str) -> list[str]:
        """Options that name a file of Spark settings."""
        path = self.folder / "spark.conf"
        path.write_text("\n".join(lines))
        return ["--spark-conf", str(path)]
