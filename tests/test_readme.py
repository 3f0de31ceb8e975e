"""Every command of the README runs, in its order, in a copy of the project."""

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

# These would run the tests within a test, install everything again, or take an hour, so make only lists
# what they would do.
_DRY = ("make test", "make run", "make bench")


def is_dry(command: str) -> bool:
    return command.startswith(_DRY) and "CORPUS=my.txt" not in command


def commands() -> list[str]:
    """The lines of all blocks of shell commands, without comments; a backslash continues a line."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project without builds and runs; its .venv is the environment of these tests."""
    folder = tmp_path_factory.mktemp("readme") / "vecmill"
    left_out = shutil.ignore_patterns(".venv*", ".git", "runs", "dist", "build", ".*_cache", ".hypothesis")

    def left_out_at_the_top(within: str, names: list[str]) -> set[str]:
        # The package has a folder `runs`, too.
        return left_out(within, names) if within == str(PROJECT) else set()

    shutil.copytree(PROJECT, folder, ignore=left_out_at_the_top)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".venv" / "installed").touch()
    # Older than the environment, so that make does not install it again.
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
    assert any(".venv/bin/vecmill" in command for command in commands())
    for command in commands():
        dry = is_dry(command)
        ended = run(command.replace("make ", "make --dry-run ", 1) if dry else command, copy)
        assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
        assert ended.stdout or ended.stderr, f"{command} printed nothing"
    for block in re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL):
        program = subprocess.run([sys.executable, "-c", block], cwd=copy, capture_output=True, text=True)
        assert program.returncode == 0, program.stderr


def test_the_readme_names_every_job_and_every_command():
    from vecmill.cli import parser

    for job in (PROJECT / "jobs").glob("*.py"):
        assert f"`jobs/{job.name}`" in README
    for command in parser()._subparsers._group_actions[0].choices:  # type: ignore[union-attr]
        assert f"`{command}" in README
