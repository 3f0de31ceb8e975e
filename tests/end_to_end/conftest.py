from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pyspark.sql import SparkSession

from tests.end_to_end import planted
from vecmill import cli


class Outcome(NamedTuple):
    """What a command left: its exit code, what it said, and its last line."""

    code: int
    said: str

    @property
    def last_line(self) -> str:
        return self.said.strip().splitlines()[-1] if self.said.strip() else ""


Command = Callable[..., Outcome]

# Small enough to train in a second or two, with more than one shard and slice.
SMALL = {
    "vocabulary.min_count": 1,
    "train.dim": 16,
    "train.epochs": 2,
    "train.shards": 2,
    "train.slices": 2,
    "train.learning_rate": 0.1,
    "train.holdout": 0.02,
    "pairs.subsample": 0.01,
}


class Finished(NamedTuple):
    """A run with the settings SMALL that nobody writes to: what others are compared with."""

    folder: Path
    outcome: Outcome


def overrides(settings: dict[str, Any]) -> list[str]:
    """The settings as options of the command line."""
    return [f"--set={key}={value}" for key, value in settings.items()]


@pytest.fixture
def vecmill(spark: SparkSession, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command of vecmill in the tests' session, with keys given as section__key=value."""

    def run(command: str, *arguments: str, settings: dict[str, Any]) -> Outcome:
        capfd.readouterr()
        code = cli.main([command, *overrides(settings), *arguments])
        captured = capfd.readouterr()
        return Outcome(code, captured.out + captured.err)

    return run


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted.write_corpus(tmp_path_factory.mktemp("corpus") / "planted.txt")


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted.write_corpus(tmp_path_factory.mktemp("corpus") / "small.txt", texts=150)


@pytest.fixture(scope="session")
def finished(spark: SparkSession, small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("finished") / "out"
    settings = {**SMALL, "input.path": small_corpus, "output.path": folder}
    with redirect_stdout(io.StringIO()) as said, redirect_stderr(said):
        code = cli.main(["run", *overrides(settings)])
    return Finished(folder, Outcome(code, said.getvalue()))


def manifest(output: Path) -> dict[str, Any]:
    return json.loads((output / "run.json").read_text())
