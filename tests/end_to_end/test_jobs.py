"""The jobs as programs; test_cluster and test_readme submit them."""

from __future__ import annotations

import runpy
import sys

import pytest

from tests.end_to_end.submitting import PROJECT


@pytest.mark.parametrize("job", sorted(path.name for path in (PROJECT / "jobs").glob("*.py")))
def test_every_job_has_the_arguments_of_its_command(job, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [job, "--help"])

    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(PROJECT / "jobs" / job), run_name="__main__")

    assert ended.value.code == 0
    assert "--set SECTION.KEY=VALUE" in capsys.readouterr().out
