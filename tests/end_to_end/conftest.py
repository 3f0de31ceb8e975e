"""Finished runs that tests share, and the command line in the session of the tests.

The folder of a run is independent of its place: a test that changes a run takes a copy of a finished one.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from pyspark.sql import SparkSession

from tests.end_to_end import planted
from tests.end_to_end.submitting import build_wheel
from vecmill import cli
from vecmill.training.blocked import driver
from vecmill.vectors.word_vectors import read_run

Settings = dict[str, Any]


class Outcome(NamedTuple):
    """The exit code of a command, and its output."""

    code: int
    output: str

    @property
    def last_line(self) -> str:
        return self.output.strip().splitlines()[-1] if self.output.strip() else ""


Command = Callable[..., Outcome]

# Small enough to train in a second or two, with more than one shard and slice.
SMALL: Settings = {
    "vocabulary.min_count": 1,
    "train.dim": 16,
    "train.epochs": 2,
    "train.shards": 2,
    "train.slices": 2,
    "train.learning_rate": 0.1,
    "train.holdout": 0.02,
    "pairs.subsample": 0.01,
}

# The options of the strategies and merges, by name, as a test's id shows it.
STRATEGIES: dict[str, Settings] = {
    "mean": {"train.merge": "mean"},
    "adasum": {"train.merge": "adasum"},
    "blocked": {"train.strategy": "blocked"},
}

# For runs of `finished_blocked`: fewer strata than a pass has, so that a pass takes more than one round.
STRATA_PER_ROUND = 2


class Finished(NamedTuple):
    """A finished run that no test changes."""

    folder: Path
    settings: Settings
    outcome: Outcome

    def copied_to(self, folder: Path) -> Settings:
        """The settings of a copy in `folder`, in which every stage is done."""
        shutil.copytree(self.folder, folder)
        return {**self.settings, "output.path": folder}


def overrides(settings: Settings) -> list[str]:
    """The settings as options of the command line."""
    return [f"--set={key}={value}" for key, value in settings.items()]


def manifest(output: Path) -> dict[str, Any]:
    return json.loads((output / "run.json").read_text())


def metrics(output: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl; none if it does not exist."""
    file = output / "metrics.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


# The tables that stages write.
_TABLES = {"pairs": ["pairs"], "train": ["model"], "export": ["vectors", "exports"]}


def forget(output: Path, *stages: str) -> None:
    """Remove stages from a run, with their tables, so that they run anew."""
    content = manifest(output)
    for stage in stages:
        del content["stages"][stage]
        for table in _TABLES[stage]:
            shutil.rmtree(output / table)
    (output / "run.json").write_text(json.dumps(content))


def assert_same_vectors(expected: Path, got: Path) -> None:
    np.testing.assert_array_equal(read_run(str(got)).vectors, read_run(str(expected)).vectors)


def finish(command: str, settings: Settings) -> Finished:
    """Run a command in the session of the tests."""
    with redirect_stdout(io.StringIO()) as output, redirect_stderr(output):
        code = cli.main([command, *overrides(settings)])
    assert code == 0, output.getvalue()
    return Finished(Path(settings["output.path"]), settings, Outcome(code, output.getvalue()))


@pytest.fixture
def vecmill(spark: SparkSession, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command of vecmill in the session of the tests, with settings and further arguments."""

    def run(command: str, *arguments: str, settings: Settings) -> Outcome:
        capfd.readouterr()
        code = cli.main([command, *overrides(settings), *arguments])
        captured = capfd.readouterr()
        return Outcome(code, captured.out + captured.err)

    return run


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted.write_corpus(tmp_path_factory.mktemp("corpus") / "planted.txt")


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted.write_corpus(tmp_path_factory.mktemp("corpus") / "small.txt", texts=150)


@pytest.fixture(scope="session")
def finished(spark: SparkSession, small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run with the settings SMALL."""
    folder = tmp_path_factory.mktemp("finished") / "out"
    return finish("run", {**SMALL, "input.path": small_corpus, "output.path": folder})


@pytest.fixture(scope="session")
def finished_blocked(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run by blocked training with three workers, in rounds of at most STRATA_PER_ROUND strata."""
    folder = tmp_path_factory.mktemp("finished") / "blocked"
    settings = {**finished.copied_to(folder), **STRATEGIES["blocked"], "train.shards": 3}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "STRATA_PER_ROUND", STRATA_PER_ROUND)
        return finish("run", settings)


@pytest.fixture(scope="session")
def counted(spark: SparkSession, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run on the larger corpus with tokens and vocabulary alone."""
    folder = tmp_path_factory.mktemp("counted") / "out"
    settings = {"input.path": corpus, "output.path": folder, "pairs.subsample": 0.01}
    finish("tokenize", settings)
    return finish("vocabulary", settings)
