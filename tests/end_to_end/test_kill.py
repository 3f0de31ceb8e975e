"""A run that is killed while it trains resumes from its last round, with the same bytes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import (
    STRATA_PER_ROUND,
    Settings,
    assert_same_vectors,
    forget,
    manifest,
    metrics,
    overrides,
)
from vecmill.runs.lease import LOCK
from vecmill.training.blocked import driver

PROJECT = Path(__file__).parents[2]

_PATIENCE_SECONDS = 240


def run_until_killed(settings: Settings, moment: str, fatal_round: int) -> None:
    """Run the pipeline in a process of its own, which is killed at `moment`, see `killed`."""
    command = [sys.executable, "-m", "tests.end_to_end.killed", moment, str(fatal_round), "run"]
    ended = subprocess.run(
        [*command, *overrides(settings)],
        cwd=PROJECT,
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr
    out = Path(settings["output.path"])
    assert manifest(out)["stages"]["train"]["state"] == "running"
    [lease] = out.glob(f"{LOCK}.*")
    assert "released" not in lease.read_text(), "it had no time to release the output"


@pytest.mark.parametrize(
    ("strategy", "moment", "fatal_round", "resumed_after"),
    [("averaging", "before", 3, 2), ("blocked", "after", 3, 3)],
)
def test_a_killed_run_resumes_with_the_same_bytes(
    vecmill, request, tmp_path, monkeypatch, strategy, moment, fatal_round, resumed_after
):
    whole = request.getfixturevalue("finished" if strategy == "averaging" else "finished_blocked")
    settings = whole.copied_to(tmp_path / "out")
    forget(tmp_path / "out", "train", "export")
    monkeypatch.setattr(driver, "STRATA_PER_ROUND", STRATA_PER_ROUND)

    run_until_killed(settings, moment, fatal_round)
    before = manifest(tmp_path / "out")["stages"]
    assert before["train"]["round"] == resumed_after
    resumed = vecmill("run", settings=settings)

    assert resumed.code == 0, resumed.output
    rounds = len(metrics(whole.folder))
    assert f"resuming after round {resumed_after} of {rounds}" in resumed.output
    assert [line["round"] for line in metrics(tmp_path / "out")] == [*range(1, rounds + 1)]
    after = manifest(tmp_path / "out")["stages"]
    assert after["tokenize"] == before["tokenize"]
    assert after["train"]["state"] == "done"
    assert_same_vectors(whole.folder, tmp_path / "out")
