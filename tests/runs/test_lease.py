"""The lease of a run directory: never two writers, in whatever order the steps of several runs come."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vecmill.errors import OutputHeldError, VecmillError
from vecmill.runs import lease as leases
from vecmill.runs.fenced_files import FencedFiles
from vecmill.runs.lease import LOCK, Lease, Process, Timing, acquire, hold, this_process
from vecmill.storage.local_files import LocalFiles

DAY = 86_400
ELSEWHERE = Process("other-host", "other-boot", "other-namespace", 1, 1)


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(str(tmp_path), tmp_path)


def refused(files: LocalFiles) -> str:
    """The sentence with which a second run is refused."""
    with pytest.raises(OutputHeldError) as fault, hold(files):
        pytest.fail("two runs hold one folder")
    return str(fault.value)


def leave_lock(files: LocalFiles, number: int = 1, age: float = 0.0, **changed: object) -> None:
    """A lock file as a run leaves that can no longer release it, last renewed `age` seconds ago."""
    content = {**ELSEWHERE._asdict(), "token": "t", "started": "2020-01-01 00:00:00 UTC", **changed}
    path = files.local / f"{LOCK}.{number}"
    path.write_text(json.dumps(content))
    then = time.time() - age
    os.utime(path, (then, then))


def taken(files: LocalFiles, **changed: object) -> Lease:
    arguments = {"is_locked": True, "sleep": lambda seconds: None, **changed}
    return acquire(files, this_process(), Timing(), **arguments)  # type: ignore[arg-type]


def test_a_second_run_is_refused_until_the_first_has_ended(files):
    with hold(files):
        assert f"another run holds {files.root} (process {os.getpid()} on " in refused(files)
    with hold(files) as second:
        assert second.number == 2


def test_a_lease_number_is_never_given_twice(files):
    numbers = []
    for _ in range(3):
        with hold(files) as lease:
            numbers.append(lease.number)

    assert numbers == [1, 2, 3]
    assert [name for name in files.names("") if name.startswith(f"{LOCK}.")] == [f"{LOCK}.3"]


def start_holder(folder: Path) -> subprocess.Popen[str]:
    """A process that holds the folder until it is killed; returns once it does."""
    program = (
        "import sys, time; from pathlib import Path\n"
        "from vecmill.runs.lease import hold; from vecmill.storage.local_files import LocalFiles\n"
        "with hold(LocalFiles(sys.argv[1], Path(sys.argv[1]))):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_output_of_a_killed_run_is_free_at_once(files):
    process = start_holder(files.local)
    process.send_signal(signal.SIGKILL)
    process.wait()

    with hold(files) as lease:
        assert lease.number == 2


def test_a_run_that_stands_still_keeps_its_output_however_long(files):
    process = start_holder(files.local)
    try:
        process.send_signal(signal.SIGSTOP)
        path = files.local / f"{LOCK}.1"
        os.utime(path, (time.time() - DAY, time.time() - DAY))

        with pytest.raises(OutputHeldError, match="another run holds"), hold(files):
            pytest.fail("two runs hold one folder")
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


def test_a_fresh_lease_of_another_machine_is_respected_and_a_stale_one_is_not(files):
    leave_lock(files, age=60)
    with pytest.raises(OutputHeldError, match="process 1 on other-host, since 2020-01-01"):
        taken(files)

    leave_lock(files, age=121)
    assert taken(files).number == 2


def test_the_same_host_name_in_another_container_does_not_make_a_living_run_dead(files):
    """Process 1 of another namespace is not process 1 here."""
    here = this_process()
    leave_lock(files, host=here.host, pid=1, boot="another machine's", age=5)

    with pytest.raises(OutputHeldError):
        taken(files)


def test_a_restart_with_the_same_process_number_need_not_wait(files):
    """A container that is started again has always the same process number."""
    leave_lock(files, **{**this_process()._asdict(), "start": 1}, age=1)

    assert taken(files, is_locked=False).number == 2


def test_without_a_system_lock_a_living_process_of_this_machine_keeps_its_lease(files):
    leave_lock(files, **this_process()._asdict(), age=DAY)

    with pytest.raises(OutputHeldError):
        taken(files, is_locked=False)


def test_the_age_of_a_lease_is_told_by_the_clock_of_its_file_system(files, monkeypatch):
    """The clock of this machine may be two minutes off."""
    leave_lock(files, age=1)
    monkeypatch.setattr(time, "time", lambda: 0.0)

    with pytest.raises(OutputHeldError):
        taken(files)


def test_a_lease_from_the_future_is_watched_and_taken_over_if_nobody_renews_it(files):
    leave_lock(files, age=-DAY)
    waited: list[float] = []

    assert taken(files, sleep=waited.append).number == 2
    assert waited == [2 * Timing().renew]


def test_a_lease_from_the_future_that_is_renewed_meanwhile_is_respected(files):
    leave_lock(files, age=-DAY)

    with pytest.raises(OutputHeldError):
        taken(files, sleep=lambda seconds: leave_lock(files, age=-DAY - 1))


@pytest.mark.parametrize("content", ["", "{", "[1]", '"x"', "null", "\x00\xff"])
def test_a_damaged_lock_file_holds_until_it_is_stale_and_breaks_nothing(files, content):
    leave_lock(files)
    path = files.local / f"{LOCK}.1"
    path.write_text(content)
    with pytest.raises(OutputHeldError, match=r"process \? on \?, since \?"):
        taken(files)

    os.utime(path, (time.time() - DAY, time.time() - DAY))
    assert taken(files).number == 2


def test_a_run_that_lost_its_lease_changes_nothing_any_more(files):
    mine = taken(files)
    fenced = FencedFiles(files, mine)
    fenced.write_text("run.json", "mine")
    leave_lock(files, number=mine.number + 1)

    changes: list[Callable[[], object]] = [
        lambda: fenced.write_text("run.json", "again"),
        lambda: fenced.create_text("new", "x"),
        lambda: fenced.publish("run.json", "table"),
        lambda: fenced.delete("run.json"),
        lambda: fenced.put(files.local / "run.json", "copy"),
    ]
    for change in changes:
        with pytest.raises(OutputHeldError, match=r"no longer holds .* has taken it over"):
            change()
    assert fenced.read_text("run.json") == "mine"
    mine.renew()
    mine.release()
    assert "released" not in json.loads(files.read_text(f"{LOCK}.{mine.number + 1}"))


def test_a_lease_whose_file_was_removed_is_lost(files):
    mine = taken(files)
    (files.local / mine.name).unlink()

    with pytest.raises(OutputHeldError, match=r"somebody has removed \.lock\.1"):
        mine.check()


def test_a_holder_renews_its_lease(files):
    with hold(files, Timing(renew=0.05)) as lease:
        path = files.local / lease.name
        before = path.stat().st_mtime_ns
        deadline = time.monotonic() + 10
        while path.stat().st_mtime_ns == before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime_ns > before


class SharedFiles:
    """Files in memory whose every operation waits for its turn; a clock that the test moves."""

    def __init__(self) -> None:
        self.texts: dict[str, tuple[str, float]] = {}
        self.now = 0.0
        self.turn: Callable[[], None] = lambda: None

    root, local = "memory", None

    def names(self, name: str) -> list[str]:
        self.turn()
        return sorted(self.texts)

    def read_text(self, name: str) -> str:
        self.turn()
        if name not in self.texts:
            raise VecmillError(f"no {name}")
        return self.texts[name][0]

    def write_text(self, name: str, text: str) -> None:
        self.turn()
        self.texts[name] = (text, self.now)

    def create_text(self, name: str, text: str) -> bool:
        self.turn()
        if name in self.texts:
            return False
        self.texts[name] = (text, self.now)
        return True

    def modified(self, name: str) -> int:
        self.turn()
        if name not in self.texts:
            raise VecmillError(f"no {name}")
        return int(self.texts[name][1] * 1000)

    def delete(self, name: str) -> None:
        self.turn()
        self.texts.pop(name, None)


def lease_of(files: SharedFiles, process: Process) -> Lease:
    return acquire(files, process, Timing(), is_locked=False, sleep=lambda s: None)  # type: ignore[arg-type]


class Interleaving:
    """Runs side by side, one step of one of them at a time, chosen by chance."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.files = SharedFiles()
        self.files.turn = self._wait_for_turn
        self._condition = threading.Condition()
        self._waiting: dict[int, bool] = {}
        self._turn_of: int | None = None
        # The lease number of every publication, in their order.
        self.published: list[int] = []
        self.failures: list[BaseException] = []

    def _wait_for_turn(self) -> None:
        me = threading.get_ident()
        with self._condition:
            self._waiting[me] = True
            self._turn_of = None if self._turn_of == me else self._turn_of
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._turn_of == me)
            self._waiting[me] = False

    def run(self, works: list[Callable[[], None]]) -> None:
        living: set[int] = set()

        def start(work: Callable[[], None]) -> None:
            self._wait_for_turn()
            try:
                work()
            except BaseException as error:
                self.failures.append(error)
            finally:
                with self._condition:
                    living.discard(threading.get_ident())
                    self._turn_of = None
                    self._condition.notify_all()

        threads = [threading.Thread(target=start, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
            assert thread.ident is not None
            living.add(thread.ident)
        while living:
            with self._condition:
                self._condition.wait_for(
                    lambda: (
                        not living or (self._turn_of is None and all(self._waiting.get(i) for i in living))
                    )
                )
                if not living:
                    break
                if self.random.random() < 0.2:
                    self.files.now += self.random.choice([1, 30, 130])
                self._turn_of = self.random.choice(sorted(living))
                self._condition.notify_all()
        for thread in threads:
            thread.join(timeout=10)
        assert not self.failures

    def work(self, number: int) -> Callable[[], None]:
        process = Process(f"host-{number}", f"boot-{number}", "namespace", number, 1)

        def work() -> None:
            for _ in range(3):
                try:
                    lease = lease_of(self.files, process)
                    for _ in range(2):
                        # The check and the publication are one step here: see `FencedFiles`.
                        lease.check()
                        self.published.append(lease.number)
                    if self.random.random() < 0.7:
                        lease.release()
                except OutputHeldError:
                    continue

        return work


@pytest.mark.parametrize("block", range(10))
def test_in_a_thousand_interleavings_no_run_publishes_after_one_that_came_later(block):
    held = 0
    for seed in range(100 * block, 100 * block + 100):
        interleaving = Interleaving(seed)
        interleaving.run([interleaving.work(number) for number in range(3)])
        assert interleaving.published == sorted(interleaving.published), f"seed {seed}"
        held += len(set(interleaving.published))
    assert held >= 100


@pytest.mark.parametrize("count", [2, 8])
def test_of_runs_that_find_a_stale_lock_at_once_exactly_one_gets_it(count):
    for seed in range(40):
        interleaving = Interleaving(seed)
        interleaving.files.texts[f"{LOCK}.1"] = (json.dumps(ELSEWHERE._asdict()), 0.0)
        interleaving.files.now = DAY
        outcomes: list[bool] = []

        def start(interleaving: Interleaving = interleaving, outcomes: list[bool] = outcomes) -> None:
            try:
                lease_of(interleaving.files, this_process())
                outcomes.append(True)
            except OutputHeldError:
                outcomes.append(False)

        interleaving.run([start] * count)
        assert outcomes.count(True) == 1, f"seed {seed}"


@contextmanager
def without_system_lock() -> Iterator[None]:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError("no locks here")

    original = leases.fcntl.flock
    leases.fcntl.flock = refuse  # type: ignore[assignment]
    try:
        yield
    finally:
        leases.fcntl.flock = original


def test_a_file_system_without_locks_is_held_by_the_lease_alone(files):
    with without_system_lock(), hold(files):
        assert "another run holds" in refused(files)
