"""Ctrl-C, SIGTERM, SIGHUP and SIGKILL in the middle of a command: what is said, and what is left."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.end_to_end.submitting import PROJECT, build_wheel, environment, launcher
from tests.faults import processes
from tests.faults.commands import MARK, Ended, Running, Vecmill

INTERRUPTED = "vecmill: interrupted; run the same command again to resume"
AVERAGING = {"train.strategy": "averaging"}
BLOCKED = {"train.strategy": "blocked"}
UNWRITTEN = {"pairs.materialize": "false"}


def after_signal(running: Running, number: int, *, group: bool) -> Ended:
    """How a command ended, with only the lines that it printed after a signal."""
    before = len(running.lines)
    running.signal(number, group=group)
    ended = running.wait(60)
    # Lines of a round that was just finished.
    lines = [line for line in running.lines[before:] if " round " not in line]
    return Ended(ended.code, "".join(lines))


def nothing_is_left(vecmill: Vecmill, running: Running, seconds: float = 15) -> bool:
    """Whether no process of a command and no temporary file is left after a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not processes.marked(f"{MARK}={running.mark}") and not list(vecmill.temporary.iterdir()):
            return True
        time.sleep(0.2)
    return False


@pytest.mark.parametrize(
    ("settings", "number", "group"),
    [
        (AVERAGING, signal.SIGINT, True),
        (AVERAGING, signal.SIGHUP, True),
        (BLOCKED, signal.SIGINT, True),
        (BLOCKED, signal.SIGTERM, False),
        (UNWRITTEN, signal.SIGTERM, True),
    ],
)
def test_an_interrupted_run_says_so_in_one_line_and_resumes(counted, settings, number, group):
    vecmill = counted
    running = vecmill.start("run", settings=settings)
    try:
        assert running.wait_for_line(r"round \d+/"), running.wait()
        time.sleep(0.3)
        ended = after_signal(running, number, group=group)

        assert ended == Ended(1, f"{INTERRUPTED}\n")
        assert nothing_is_left(vecmill, running)
    finally:
        running.kill_all()
    again = vecmill.run("run", settings=settings)
    assert again.code == 0, again.output
    assert "resuming after round" in again.output


@pytest.mark.parametrize("seconds", [0.5, 1, 2, 4, 6])
def test_a_command_that_is_interrupted_while_it_starts_leaves_no_process(vecmill, seconds):
    running = vecmill.start("run")
    try:
        time.sleep(seconds)
        ended = after_signal(running, signal.SIGINT, group=True)

        # Before our first line runs, Python itself reports the interruption.
        assert ended.code in (1, -signal.SIGINT, 130)
        if seconds >= 2:
            assert ended.output.endswith(f"{INTERRUPTED}\n")
        assert nothing_is_left(vecmill, running)
    finally:
        running.kill_all()


def test_every_stage_can_be_interrupted(vecmill):
    for stage in ("tokenize", "vocabulary", "texts", "pairs"):
        running = vecmill.start("run")
        try:
            assert running.wait_for_line(f" {stage} "), running.wait()
            ended = after_signal(running, signal.SIGINT, group=True)

            assert ended.code == 1
            assert ended.output.endswith(f"{INTERRUPTED}\n")
            assert ended.traces == [], ended.output
        finally:
            running.kill_all()


def test_what_a_killed_run_leaves_is_removed_by_the_next(counted):
    vecmill = counted
    for _ in range(2):
        running = vecmill.start("run")
        try:
            assert running.wait_for_line(r"round \d+/"), running.wait()
            running.signal(signal.SIGKILL)
            running.wait()
            assert len(list(vecmill.temporary.iterdir())) == 1
        finally:
            running.kill_all()

    ended = vecmill.run("run")

    assert ended.code == 0, ended.output
    assert list(vecmill.temporary.iterdir()) == []


def test_java_ends_after_its_driver_is_killed(counted):
    running = counted.start("run")
    try:
        assert running.wait_for_line(r"round \d+/"), running.wait()
        running.signal(signal.SIGKILL)

        deadline = time.monotonic() + 60
        while processes.marked(f"{MARK}={running.mark}"):
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        running.kill_all()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("dist"))


def submit(vecmill: Vecmill, wheel: Path, *files: Path, settings: dict[str, str]) -> Running:
    """A run by spark-submit on this machine, with the wheel and other files of Python."""
    named = ",".join(map(str, (wheel, *files)))
    options = ["--master", "local[2]", "--py-files", named]
    options += ["--properties-file", PROJECT / "conf" / "spark" / "local.conf"]
    command = [launcher("spark-submit"), *options, PROJECT / "jobs" / "run_pipeline.py"]
    variables = {**environment(wheel.parent), "TMPDIR": str(vecmill.temporary)}
    return Running([*command, *vecmill.options(settings)], vecmill.folder, variables)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_submitted_run_that_is_interrupted_says_so_in_its_last_line(counted, wheel, number):
    running = submit(counted, wheel, settings={"train.epochs": "30", "train.strategy": "blocked"})
    try:
        assert running.wait_for_line(r"round \d+/"), running.wait()
        time.sleep(0.3)
        ended = after_signal(running, number, group=True)

        assert ended.last_line == INTERRUPTED, ended.output
        assert ended.traces == [], ended.output
    finally:
        running.kill_all()


def test_a_submitted_run_works_in_a_folder_with_modules_of_the_user(vecmill, wheel):
    (vecmill.folder / "random.py").write_text("print('my experiment')\n")
    mine = vecmill.folder / "mine.py"
    mine.write_text(
        "import pyarrow.compute as pc\n\ndef split(text): return pc.utf8_split_whitespace(text)\n"
    )
    settings = {"tokenizer.kind": "python", "tokenizer.pattern": "mine:split", "train.epochs": "1"}

    running = submit(vecmill, wheel, mine, settings=settings)
    try:
        ended = running.wait()
    finally:
        running.kill_all()

    assert ended.code == 0, ended.output
    assert "my experiment" not in ended.output


def test_a_stopped_run_keeps_its_output_and_goes_on(counted):
    running = counted.start("run", settings={"train.epochs": 10})
    try:
        assert running.wait_for_line(r"round \d+/"), running.wait()
        running.signal(signal.SIGSTOP, group=True)
        second = counted.run("run", settings={"train.epochs": 10})

        assert second.code == 5, second.output
        assert "another run holds" in second.last_line
        assert second.traces == []
        running.signal(signal.SIGCONT, group=True)
        ended = running.wait()
    finally:
        running.kill_all()

    assert ended.code == 0, ended.output
