"""A run that is killed goes on from its last round, to the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.conftest import SMALL, manifest, overrides
from vecmill.runs.directory import LOCK
from vecmill.vectors.word_vectors import read_run

_PATIENCE_SECONDS = 240


def command(settings: dict[str, object]) -> list[str]:
    return [sys.executable, "-m", "vecmill", "run", *overrides(settings)]


def rounds_done(out: Path) -> int:
    metrics = out / "metrics.jsonl"
    return len(metrics.read_text().splitlines()) if metrics.exists() else 0


def kill_after_rounds(started: subprocess.Popen[bytes], out: Path, rounds: int) -> None:
    """Kill the driver, its Java and its workers without warning once `rounds` are done."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while rounds_done(out) < rounds:
        assert started.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline, "the run did not get to its rounds"
        time.sleep(0.02)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()


@pytest.mark.parametrize("strategy", ["averaging", "blocked"])
def test_a_killed_driver_goes_on_to_the_same_bytes(vecmill, small_corpus, tmp_path, strategy):
    settings = {**SMALL, "input.path": small_corpus, "train.strategy": strategy, "train.epochs": 4}
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    first = subprocess.Popen(
        command({**settings, "output.path": killed}), start_new_session=True, stderr=subprocess.DEVNULL
    )
    kill_after_rounds(first, killed, rounds=2)
    done = manifest(killed)["stages"]["train"]
    assert done["state"] == "running"
    assert 0 < done["round"] < 8
    assert (killed / LOCK).exists(), "it had no time to let go of the output"

    resumed = vecmill("run", settings={**settings, "output.path": killed})

    assert resumed.code == 0, resumed.said
    assert "tokenize   unchanged" in resumed.said
    assert f"going on after round {done['round']} of 8" in resumed.said
    assert rounds_done(killed) == 8
    assert vecmill("run", settings={**settings, "output.path": whole}).code == 0
    np.testing.assert_array_equal(read_run(str(killed)).vectors, read_run(str(whole)).vectors)
