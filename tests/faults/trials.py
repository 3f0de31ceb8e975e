"""One trial of each kind of fault: disturb a run, run it again until it ends, and compare its vectors."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.faults import processes, small_disks
from tests.faults.commands import Ended, Running, Vecmill, spark_home

# The settings of every strategy.
STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    "averaging": {},
    "adasum": {"train.merge": "adasum"},
    "blocked": {"train.strategy": "blocked", "train.shards": 3},
    "unwritten": {"pairs.materialize": "false"},
}

# How often a run is tried until it must have ended.
_MOST_TRIES = 6
_REMEDY = re.compile(r"delete (\S+) and run the same command again")

# Enough for a whole run, and too little for one.
_LARGE_DISK = "100m"


class LostError(Exception):
    """A run that ended in another way than with the same bytes or a refusal in one sentence."""


def fingerprint(out: Path) -> str:
    """A digest of everything that a run exports."""
    digest = hashlib.sha256()
    files = sorted(path for path in (out / "exports").rglob("*") if path.is_file())
    for path in files:
        digest.update(f"{path.relative_to(out)}\0".encode() + path.read_bytes())
    return digest.hexdigest() if files else "nothing"


class Trial:
    """A run and its disturbance.

    start     starts the command in a folder, with further arguments
    rng       of this trial alone
    expected  the fingerprint of an undisturbed run
    lines     how many lines that printed
    story     what happened
    """

    def __init__(
        self,
        vecmill: Vecmill,
        start: Callable[..., Running],
        rng: random.Random,
        expected: str,
        lines: int,
    ) -> None:
        self.vecmill, self.rng = vecmill, rng
        self.story = ""
        self.started: list[Running] = []
        self._start, self._expected, self._lines = start, expected, lines
        self._disks: list[Path] = []
        self.environment: dict[str, str] = {}

    def say(self, text: str) -> None:
        self.story += f"; {text}" if self.story else text

    def start(self, *more: str) -> Running:
        running = self._start(self.vecmill, *more, **self.environment)
        self.started.append(running)
        return running

    def start_until_random_moment(self, *more: str) -> Running:
        """Start the command and wait for a random line, and a moment longer."""
        running = self.start(*more)
        line = self.rng.randrange(self._lines)
        running.wait_until(lambda: len(running.lines) >= line)
        time.sleep(self.rng.uniform(0, 1.5))
        self.say(f"after line {line} of {self._lines}")
        return running

    def mount(self, size: str) -> Path:
        """A disk of its own, unmounted by `close`."""
        folder = self.vecmill.folder.parent / f"disk{len(self._disks)}"
        folder.mkdir()
        small_disks.mount(folder, size)
        self._disks.append(folder)
        return folder

    def close(self) -> None:
        for folder in self._disks:
            small_disks.unmount(folder)

    def finish(self, *more: str, refused: bool = False) -> str:
        """Run the command until it ends with 0, following remedies; the outcome.

        Raises LostError if it does not end, ends in an unclear way, or with other vectors.
        """
        for _ in range(_MOST_TRIES):
            ended = self.start(*more).wait()
            if ended.code == 0:
                self.check_vectors()
                return "refused" if refused else "survived"
            self.check_refusal(ended)
            refused = True
            if ended.code == 3:
                self.follow_remedy(ended)
        raise LostError(f"it did not end within {_MOST_TRIES} tries: {ended.last_line}")

    def check_vectors(self) -> None:
        if fingerprint(self.vecmill.out) != self._expected:
            raise LostError("other vectors")

    def check_refusal(self, ended: Ended) -> None:
        """Check that a command refused with a code and one sentence."""
        if ended.code not in (1, 3, 5):
            raise LostError(f"exit code {ended.code}: {ended.output[-500:]}")
        if not ended.last_line.startswith("vecmill: ") or "unexpected " in ended.last_line:
            raise LostError(f"no sentence: {ended.output[-500:]}")
        if ended.traces:
            raise LostError(f"a trace on the screen: {ended.traces[0]}")
        self.say(f"{ended.code} {ended.last_line.removeprefix('vecmill: ')[:160]}")

    def follow_remedy(self, ended: Ended) -> None:
        found = _REMEDY.search(ended.last_line)
        if found is None:
            raise LostError(f"damage without a remedy: {ended.last_line}")
        path = Path(found[1].removeprefix("file:"))
        if path.parent != self.vecmill.out and self.vecmill.out not in path.parents:
            raise LostError(f"a remedy outside of the run: {ended.last_line}")
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def kill_driver(trial: Trial) -> str:
    """Kill the driver alone."""
    running = trial.start_until_random_moment()
    if not running.is_running:
        return "not struck"
    running.signal(signal.SIGKILL)
    running.wait()
    return trial.finish()


def kill_group(trial: Trial) -> str:
    """Kill the driver and its Java at once, as a crash of the machine does."""
    running = trial.start_until_random_moment()
    if not running.is_running:
        return "not struck"
    running.signal(signal.SIGKILL, group=True)
    running.wait()
    return trial.finish()


def kill_found(
    trial: Trial, name: str, find: Callable[[int], list[int]], *more: str, seconds: float = 5
) -> str:
    """Kill one of the processes that `find` finds; the command ends in one sentence or goes on."""
    running = trial.start_until_random_moment(*more)
    found = processes.wait_for(lambda: find(running.pid) if running.is_running else [0], seconds)
    if not found or not running.is_running:
        return "not struck"
    victim = trial.rng.choice(found)
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
    trial.say(f"{name} {victim} killed")
    ended = running.wait()
    if ended.code == 0:
        trial.check_vectors()
        trial.say("the run went on")
        return "survived"
    trial.check_refusal(ended)
    return trial.finish(*more)


def kill_java(trial: Trial) -> str:
    """Kill Spark's Java process."""
    return kill_found(trial, "Java", processes.java_of)


def kill_worker(trial: Trial) -> str:
    """Kill one Python worker."""
    return kill_found(trial, "worker", processes.workers_of)


def kill_executor(trial: Trial) -> str:
    """Kill one executor of a cluster of two on this machine."""
    conf = trial.vecmill.folder / "cluster.conf"
    conf.write_text("spark.master local-cluster[2,1,1024]\n")
    trial.environment["SPARK_HOME"] = str(spark_home(trial.vecmill.folder))
    return kill_found(trial, "executor", processes.executors_of, "--spark-conf", str(conf), seconds=30)


def stop_and_continue(trial: Trial) -> str:
    """Stop a run, start it again meanwhile, which must be refused, and let the first one go on."""
    running = trial.start_until_random_moment()
    if not running.is_running:
        return "not struck"
    group = trial.rng.random() < 0.5
    is_held = bool(list(trial.vecmill.out.glob(".lock.*")))
    running.signal(signal.SIGSTOP, group=group)
    second = trial.start().wait()
    running.signal(signal.SIGCONT, group=group)
    if second.code == 0 and not is_held:
        # The first had not begun.
        trial.say("the second came first")
    elif second.code != 5:
        raise LostError(f"a second run of a held output ended with {second.code}: {second.output[-500:]}")
    else:
        trial.check_refusal(second)
    ended = running.wait()
    if ended.code != 0:
        trial.check_refusal(ended)
        return trial.finish(refused=True)
    trial.check_vectors()
    return "refused"


def start_twice(trial: Trial) -> str:
    """Start a run twice at once: one of them must hold the output, and the other one refuse."""
    both = [trial.start(), trial.start()]
    ended = [running.wait() for running in both]
    codes = sorted(one.code for one in ended)
    for one in ended:
        if one.code != 0:
            trial.check_refusal(one)
    if codes not in ([0, 5], [0, 0]):
        raise LostError(f"two runs at once ended with {codes}")
    trial.check_vectors()
    return "refused" if 5 in codes else "survived"


def full_output(trial: Trial) -> str:
    """Fill the disk of the output, then make room."""
    disk = trial.mount(f"{trial.rng.randrange(60, 900)}k")
    trial.vecmill = trial.vecmill._replace(out=disk / "out")
    ended = trial.start().wait()
    if ended.code == 0:
        trial.check_vectors()
        return "not struck"
    trial.check_refusal(ended)
    if "No space left on device" not in ended.last_line:
        raise LostError(f"a full disk is not named: {ended.last_line}")
    small_disks.resize(disk, _LARGE_DISK)
    return trial.finish(refused=True)


def full_temporary(trial: Trial) -> str:
    """Fill the disk of Spark's temporary files, then make room."""
    disk = trial.mount(f"{trial.rng.choice([64, 256, 1024, 4096])}k")
    conf = trial.vecmill.folder / "disk.conf"
    conf.write_text(f"spark.master local[1]\nspark.local.dir {disk}\n")
    ended = trial.start("--spark-conf", str(conf)).wait()
    if ended.code == 0:
        trial.check_vectors()
        return "not struck"
    trial.check_refusal(ended)
    if str(disk) not in ended.last_line:
        raise LostError(f"the full disk is not named: {ended.last_line}")
    small_disks.resize(disk, _LARGE_DISK)
    return trial.finish("--spark-conf", str(conf), refused=True)


def read_only_output(trial: Trial) -> str:
    """Make the folder of the output read-only at a random moment, then writable again."""
    running = trial.start_until_random_moment()
    out = trial.vecmill.out
    if not running.is_running or not out.exists():
        return "not struck"
    small_disks.set_read_only(out, to=True)
    try:
        ended = running.wait()
    finally:
        small_disks.set_read_only(out, to=False)
    if ended.code == 0:
        trial.check_vectors()
        return "survived"
    if ended.code == 2 and "cannot write to" in ended.last_line:
        # It had not begun.
        return trial.finish(refused=True)
    trial.check_refusal(ended)
    return trial.finish(refused=True)


def damage(trial: Trial, change: Callable[[Trial, Path], None]) -> str:
    """Kill a run at a random moment, damage one of its files, and go on."""
    running = trial.start_until_random_moment()
    if not running.is_running:
        return "not struck"
    running.signal(signal.SIGKILL, group=True)
    running.wait()
    running.kill_all()
    files = sorted(
        path
        for path in trial.vecmill.out.rglob("*")
        if path.is_file() and not path.name.startswith(".lock") and path.stat().st_size
    )
    if not files:
        return "not struck"
    # Files of a few kinds are many.
    kinds = sorted({path.relative_to(trial.vecmill.out).parts[0] for path in files})
    kind = trial.rng.choice(kinds)
    path = trial.rng.choice([p for p in files if p.relative_to(trial.vecmill.out).parts[0] == kind])
    change(trial, path)
    trial.say(f"{path.relative_to(trial.vecmill.out)} damaged")
    return trial.finish()


def flip_bit(trial: Trial) -> str:
    """Flip one bit of a file."""

    def change(trial: Trial, path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[trial.rng.randrange(len(content))] ^= 1 << trial.rng.randrange(8)
        path.write_bytes(content)

    return damage(trial, change)


def cut_file(trial: Trial) -> str:
    """Cut a file short."""

    def change(trial: Trial, path: Path) -> None:
        os.truncate(path, trial.rng.randrange(path.stat().st_size))

    return damage(trial, change)


def delete_file(trial: Trial) -> str:
    """Delete a file."""
    return damage(trial, lambda trial, path: path.unlink())


_OF_ROOT = {
    "full output": full_output,
    "full temporary": full_temporary,
    "read-only output": read_only_output,
}

FAULTS: Mapping[str, Callable[[Trial], str]] = {
    "kill driver": kill_driver,
    "kill group": kill_group,
    "kill Java": kill_java,
    "kill worker": kill_worker,
    "kill executor": kill_executor,
    "stop": stop_and_continue,
    "two starts": start_twice,
    "flip a bit": flip_bit,
    "cut a file": cut_file,
    "delete a file": delete_file,
    **(_OF_ROOT if os.geteuid() == 0 else {}),
}
