"""A second model needs no change in the package: the toy model, from its settings to its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from tests.bench import corpus
from tests.bench.strategies import Setting, train
from tests.end_to_end import planted, toy_model
from tests.end_to_end.conftest import (
    Command,
    Finished,
    Settings,
    assert_same_vectors,
    finish,
    forget,
    manifest,
    metrics,
)
from tests.end_to_end.test_kill import run_until_killed
from vecmill.config import Config
from vecmill.errors import ConfigError
from vecmill.formatting import format_bytes
from vecmill.models import MODELS
from vecmill.spark import session
from vecmill.storage import checkpoints
from vecmill.storage.stores import open_store
from vecmill.vectors.word_vectors import read_run

TOY: Settings = {"model.kind": toy_model.NAME, "model.pull": 0.5, "train.shards": 3}


@pytest.fixture(scope="module", autouse=True)
def _registered():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, toy_model.NAME, toy_model.KIND)
        yield


@pytest.fixture(scope="module")
def trained(_registered: None, finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The toy model on the text of `finished`, with three shards and two slices."""
    folder = tmp_path_factory.mktemp("toy") / "out"
    return finish("run", finished.copied_to(folder) | TOY)


class TestSettings:
    @staticmethod
    def load(*overrides: str) -> Config:
        return Config.load(None, ["input.path=text", "output.path=out", *overrides])

    def test_the_model_is_accepted_with_its_own_key(self):
        config = self.load(f"model.kind={toy_model.NAME}", "model.pull=0.25")

        assert config.model.options == {"pull": 0.25}
        assert config.build_model().vector_tables == ("W", "seen")
        assert config.model_dump()["model"] == {"kind": toy_model.NAME, "pull": 0.25}

    def test_its_key_has_a_default(self):
        assert self.load(f"model.kind={toy_model.NAME}").model.options == {"pull": 0.5}

    @pytest.mark.parametrize(
        ("value", "fault"),
        [("2", r"model\.pull must be a number <= 1"), ("0", r"model\.pull must be a number > 0")],
    )
    def test_a_fault_of_its_key_is_reported(self, value, fault):
        with pytest.raises(ConfigError, match=fault):
            self.load(f"model.kind={toy_model.NAME}", f"model.pull={value}")

    def test_other_models_do_not_know_its_key(self):
        with pytest.raises(ConfigError, match=r"model\.pull is not a key"):
            self.load("model.pull=0.5")

    def test_it_is_listed_among_the_models(self):
        with pytest.raises(ConfigError, match=f"must be one of 'sgns', '{toy_model.NAME}', got 'other'"):
            self.load("model.kind=other")

    def test_blocked_training_is_refused_with_its_reason(self):
        with pytest.raises(ConfigError) as refused:
            self.load(f"model.kind={toy_model.NAME}", "train.strategy=blocked")

        assert refused.value.faults == (
            f"--set: train.strategy 'blocked' cannot train model.kind '{toy_model.NAME}': "
            f"{toy_model.NOT_BLOCKED}; use 'averaging'",
        )

    def test_a_kernel_that_it_lacks_is_refused(self):
        with pytest.raises(ConfigError, match="'numba' does not exist for model"):
            self.load(f"model.kind={toy_model.NAME}", "train.kernel=numba")


def test_it_is_trained_by_averaging_with_several_shards(trained):
    stages, lines = manifest(trained.folder)["stages"], metrics(trained.folder)

    assert {record["state"] for record in stages.values()} == {"done"}
    assert (stages["train"]["kernel"], stages["train"]["rounds"]) == ("numpy", 4)
    assert len(lines) == 4
    assert lines[-1]["held_out_loss"] < lines[0]["held_out_loss"]
    # Changes of three shards and the tables W, C and `seen`, there and back.
    words = stages["vocabulary"]["words"]
    assert all(line["bytes_moved"] == 2 * 3 * words * (16 + 16 + 1) * 4 for line in lines)


def test_each_table_starts_and_is_merged_as_the_model_says(trained):
    stages = manifest(trained.folder)["stages"]
    tables = checkpoints.read(open_store(str(trained.folder)), stages["train"]["round"]).parameters
    words = stages["vocabulary"]["words"]

    assert {name: table.shape for name, table in tables.items()} == {
        "W": (words, 16),
        "C": (words, 16),
        "seen": (words, 1),
    }
    np.testing.assert_array_equal(tables["C"], toy_model.random_rows(16, range(words), seed=1))
    # Counts of all shards are added; a mean would be a third of that.
    assert tables["seen"].sum() == stages["train"]["pairs"]


def test_its_vectors_find_the_planted_neighbours(trained):
    vectors = read_run(str(trained.folder))

    # By chance 0.07.
    assert planted.neighbour_precision(vectors.similar) > 0.9


def test_its_vectors_are_exported_and_can_be_queried(vecmill: Command, trained: Finished):
    tables = checkpoints.read(open_store(str(trained.folder)), 4).parameters
    np.testing.assert_array_equal(read_run(str(trained.folder)).vectors, toy_model.vectors(tables))
    exports = {path.name for path in (trained.folder / "exports").iterdir()}

    assert {"vectors.txt", "vectors.bin", "vectors.npy", "vectors.safetensors"} <= exports
    neighbours = vecmill("neighbors", "a0", "-n", "3", settings={"output.path": trained.folder})
    assert neighbours.code == 0
    nearest = neighbours.output.strip().splitlines()[1:]
    assert len(nearest) == 3
    assert all(line.split()[-1].startswith("a") for line in nearest)


def test_it_is_evaluated_and_reported(vecmill: Command, trained: Finished, tmp_path: Path):
    test = tmp_path / "topics.txt"
    test.write_text("\n".join(f"{a}0 {a}1 {a}2 {a}3 {b}4" for a, b in zip("abcdef", "ghijkl", strict=True)))
    settings = trained.copied_to(tmp_path / "out") | {"evaluate.files": [str(test)]}

    evaluated = vecmill("run", settings=settings)
    page = tmp_path / "report.html"
    reported = vecmill("report", str(page), settings={"output.path": tmp_path / "out"})

    assert evaluated.code == 0, evaluated.output
    assert manifest(tmp_path / "out")["stages"]["evaluate"]["scores"]["topics.txt"] > 0.9
    assert reported.code == 0, reported.output
    assert toy_model.TITLE in page.read_text()
    assert "skip-gram" not in page.read_text()


def test_its_option_makes_only_the_training_stale(vecmill: Command, trained: Finished, tmp_path: Path):
    settings = trained.copied_to(tmp_path / "out") | {"model.pull": 0.3}
    before = manifest(tmp_path / "out")["stages"]

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 0, outcome.output
    after = manifest(tmp_path / "out")["stages"]
    assert {name for name in before if after[name]["key"] != before[name]["key"]} == {
        "plan",
        "train",
        "export",
    }
    assert {name for name in before if after[name] == before[name]} == {
        "tokenize",
        "vocabulary",
        "texts",
        "pairs",
    }
    vectors, others = (read_run(str(folder)).vectors for folder in (tmp_path / "out", trained.folder))
    assert not np.array_equal(vectors, others)


def test_a_killed_run_resumes_with_the_same_bytes(vecmill: Command, trained: Finished, tmp_path: Path):
    settings = trained.copied_to(tmp_path / "out")
    forget(tmp_path / "out", "train", "export")

    run_until_killed(settings, "before", 3)
    resumed = vecmill("run", settings=settings)

    assert resumed.code == 0, resumed.output
    assert "resuming after round 2 of 4" in resumed.output
    assert_same_vectors(trained.folder, tmp_path / "out")


def test_the_simulator_trains_it_to_the_same_bytes(trained: Finished):
    setting = Setting(
        "averaging", "mean", 3, slices=2, rate=0.1, seed=1, epochs=2, dim=16, model=toy_model.NAME
    )

    simulated = train(corpus.read_run(trained.folder), setting)

    rounds = metrics(trained.folder)
    real = checkpoints.read(open_store(str(trained.folder)), rounds[-1]["round"]).parameters
    assert real.keys() == simulated.tables.keys()
    for name, table in real.items():
        np.testing.assert_array_equal(simulated.tables[name], table)
    assert simulated.held_out_loss == pytest.approx(rounds[-1]["held_out_loss"], rel=1e-9)


class Unstoppable:
    """The session of the tests for a command that would stop its own."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spark, name)

    def stop(self) -> None:
        """Do nothing."""


def test_it_has_a_plan(vecmill: Command, spark: SparkSession, trained: Finished, monkeypatch):
    monkeypatch.setattr(session, "build", lambda properties: Unstoppable(spark))
    stages = manifest(trained.folder)["stages"]
    size = stages["vocabulary"]["words"] * (16 + 16 + 1) * 4
    assert stages["plan"]["needs"]["model"] == size

    plan = vecmill("plan", settings=trained.settings)

    assert plan.code == 0, plan.output
    (model,) = (line for line in plan.output.splitlines() if line.startswith("model "))
    assert format_bytes(size) in model
    assert "tables W, C, seen" in model
    assert "Tokens and vocabulary are counted" in plan.output
    assert plan.last_line == "Everything that was checked fits."


def test_auto_chooses_averaging_for_it(vecmill: Command, trained: Finished, tmp_path: Path):
    settings = trained.copied_to(tmp_path / "out") | {"train.strategy": "auto"}
    del settings["train.shards"], settings["train.slices"]
    outcome = vecmill("pairs", settings=settings)

    assert outcome.code == 0, outcome.output
    assert manifest(tmp_path / "out")["stages"]["plan"]["settings"]["strategy"] == "averaging"
