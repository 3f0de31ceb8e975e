"""How a command ends: exit code and last line, whatever happens to its streams and its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from vecmill import cli
from vecmill.commands import COMMANDS, Command
from vecmill.errors import InputError

VECTORS = "2 2\nking 1 0\nkönigin 0.9 0.1\n"


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_text(VECTORS, encoding="utf-8")
    return path


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "vecmill", *arguments]
    return subprocess.run(command, capture_output=True, env={**os.environ, **environment}, check=False)


def test_a_reader_that_stops_reading_is_no_failure(vectors):
    many = " ".join(["king"] * 5000)
    asking = f"{sys.executable} -m vecmill neighbors --vectors {vectors} -n 1 {many}"
    command = f"{asking} | head -1; echo ${{PIPESTATUS[0]}}"

    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)

    assert ended.stdout.splitlines() == ["king:", "0"]
    assert ended.stderr == ""


# A command that reports progress for ever, as a module of the pipeline.
ENDLESS = """
import sys
from vecmill import cli
from vecmill.commands import COMMANDS, Command

work = {"__name__": "vecmill.pipeline.train"}
exec("import sys\\ndef work(arguments):\\n    while True: print('round', file=sys.stderr)", work)
cli.COMMANDS = (*COMMANDS, Command("work", "for a test", work["work"]))
sys.exit(cli.main(["work"]))
"""


def test_a_run_that_is_cut_off_by_its_reader_has_failed(tmp_path):
    (tmp_path / "endless.py").write_text(ENDLESS)
    command = f"{sys.executable} {tmp_path}/endless.py 2>&1 | head -1; echo ${{PIPESTATUS[0]}}"

    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)

    assert ended.stdout.splitlines() == ["round", "1"]


def test_a_connection_to_java_that_breaks_is_no_closed_pipe(monkeypatch, capsys):
    def fails() -> int:
        raise BrokenPipeError(32, "Broken pipe")

    assert run_in_process(monkeypatch, fails) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "vecmill: unexpected BrokenPipeError: [Errno 32] Broken pipe (the traceback is in "
    )
    Path(line.rpartition(" in ")[2].removesuffix(")")).unlink()


def test_a_missing_package_is_named_with_its_remedy(monkeypatch, capsys):
    def fails() -> int:
        raise ModuleNotFoundError("No module named 'pyspark'")

    # As if importing it failed.
    monkeypatch.setitem(sys.modules, "vecmill.spark.failures", None)

    assert run_in_process(monkeypatch, fails) == 1
    assert "run 'vecmill doctor', which says how to install what is missing" in capsys.readouterr().err


def test_a_terminal_without_a_letter_shows_its_number(vectors):
    ended = run("neighbors", "--vectors", str(vectors), "-n", "1", "king", PYTHONIOENCODING="ascii")

    assert ended.returncode == 0
    assert b"k\\xf6nigin" in ended.stdout


def run_in_process(monkeypatch: pytest.MonkeyPatch, work) -> int:  # type: ignore[no-untyped-def]
    """The exit code of a command that does `work`."""
    command = Command("work", "for a test", lambda arguments: work())
    monkeypatch.setattr(cli, "COMMANDS", (*COMMANDS, command))
    return cli.main(["work"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_a_command_in_one_line(monkeypatch, capsys, number):
    def work() -> int:
        os.kill(os.getpid(), number)
        time.sleep(10)
        return 0

    assert run_in_process(monkeypatch, work) == 1
    assert capsys.readouterr().err == "vecmill: interrupted; run the same command again to resume\n"


def test_what_fails_while_a_command_is_interrupted_is_not_its_cause(monkeypatch, capsys):
    def work() -> int:
        try:
            raise KeyboardInterrupt
        finally:
            raise ConnectionError("could not remove .staging: Connection refused")

    assert run_in_process(monkeypatch, work) == 1
    assert capsys.readouterr().err == "vecmill: interrupted; run the same command again to resume\n"


def test_the_handlers_of_signals_are_those_of_before(monkeypatch):
    def handler(number: int, frame: object) -> None:
        pytest.fail("the signal was not sent")

    before = signal.signal(signal.SIGTERM, handler)
    try:
        assert run_in_process(monkeypatch, lambda: 0) == 0
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_command_runs_in_another_thread_too(monkeypatch):
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(run_in_process(monkeypatch, lambda: 0)))
    thread.start()
    thread.join()

    assert codes == [0]


def test_an_unexpected_failure_takes_one_line_and_keeps_its_traceback_in_a_file(monkeypatch, capsys):
    def work() -> int:
        raise ZeroDivisionError("a\nb")

    assert run_in_process(monkeypatch, work) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("vecmill: unexpected ZeroDivisionError: a (the traceback is in ")
    file = Path(line.rpartition(" in ")[2].removesuffix(")"))
    assert 'raise ZeroDivisionError("a\\nb")' in file.read_text()
    file.unlink()


def test_a_message_of_a_megabyte_is_cut(monkeypatch, capsys):
    def work() -> int:
        raise InputError(f"a cell with {'x' * 1_000_000}; remove it")

    assert run_in_process(monkeypatch, work) == 3
    message = capsys.readouterr().err
    assert len(message) < 1100
    assert message.startswith("vecmill: a cell with xxx")
    assert message.endswith("x; remove it\n")
