"""Every command of the README is run, in its order, in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end import planted
from vecmill.spark import java

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text()

# These would run the tests within the tests, set everything up again, or take an hour: that make knows
# them and what they would do is as much as can be asked for here.
_NOT_WITHIN_A_TEST = ("make test", "make run", "make bench")


def is_too_much(command: str) -> bool:
    return command.startswith(_NOT_WITHIN_A_TEST) and "CORPUS=my.txt" not in command


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project without what was built; its .venv is the environment of these tests."""
    folder = tmp_path_factory.mktemp("readme") / "vecmill"
    left_out = shutil.ignore_patterns(".venv", ".git", "runs", "dist", "build", ".*_cache", ".hypothesis")
    shutil.copytree(PROJECT, folder, ignore=left_out)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".venv" / "installed").touch()
    # Older than the environment, which make would otherwise set up again.
    os.utime(folder / "pyproject.toml", (0, 0))
    corpus = planted.write_corpus(folder / "my.txt", texts=400)
    with corpus.open("a") as file:
        file.writelines("man and woman king and queen drink water every day\n" for _ in range(60))
    return folder


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "MASTER": "local[2]",
        "JAVA_HOME": str(java.find().home),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    return subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )


def test_every_command_of_the_readme_works(copy):
    for command in commands():
        dry = is_too_much(command)
        ended = run(command.replace("make ", "make --dry-run ", 1) if dry else command, copy)
        assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
        assert ended.stdout or ended.stderr, f"{command} said nothing"
    for block in re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL):
        program = subprocess.run([sys.executable, "-c", block], cwd=copy, capture_output=True, text=True)
        assert program.returncode == 0, program.stderr


def test_the_readme_names_every_job_and_every_command():
    from vecmill.cli import parser

    for job in (PROJECT / "jobs").glob("*.py"):
        assert f"`jobs/{job.name}`" in README
    for command in parser()._subparsers._group_actions[0].choices:  # type: ignore[union-attr]
        assert f"`{command}" in README
