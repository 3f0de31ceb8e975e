"""The stage between vocabulary and texts: it refuses what cannot fit, and chooses where it is to choose."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import SMALL, manifest
from vecmill.formatting import MIB
from vecmill.pipeline import steps
from vecmill.planning import resources

AUTO = {key: value for key, value in SMALL.items() if key not in ("train.shards", "train.slices")}
AUTO |= {"train.strategy": "auto"}


@pytest.fixture
def output(small_corpus, tmp_path):
    return {"input.path": small_corpus, "output.path": tmp_path / "out"}


def test_a_run_that_cannot_fit_is_refused_before_it_trains(vecmill, output, tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "available_memory", lambda: 100 * MIB)

    outcome = vecmill("run", settings=SMALL | output)

    assert outcome.code == 2
    assert "this run cannot fit: memory of this machine: " in outcome.last_line
    assert "100.0 MiB free" in outcome.last_line
    assert "lower train.dim or vocabulary.max_size" in outcome.last_line
    assert (tmp_path / "out" / "vocabulary").exists()
    assert not (tmp_path / "out" / "texts").exists()


def test_what_was_chosen_is_said_recorded_and_kept(vecmill, output, tmp_path, monkeypatch):
    first = vecmill("run", settings=AUTO | output)

    assert first.code == 0
    assert "one shard" in first.said
    chosen = manifest(tmp_path / "out")["stages"]["plan"]["settings"]
    assert (chosen["strategy"], chosen["shards"], chosen["learning_rate"]) == ("averaging", 1, 0.1)
    assert manifest(tmp_path / "out")["configuration"]["train"]["strategy"] == "averaging"

    def elsewhere(*arguments):
        raise AssertionError("chosen again")

    monkeypatch.setattr(steps, "choose", elsewhere)
    again = vecmill("run", settings=AUTO | output)

    assert again.code == 0
    assert again.said.count("unchanged, not run again") == len(manifest(tmp_path / "out")["stages"])


def test_training_asks_for_the_plan_that_it_needs(vecmill, output):
    vecmill("tokenize", settings=AUTO | output)
    vecmill("vocabulary", settings=AUTO | output)

    outcome = vecmill("train", settings=AUTO | output)

    assert outcome.code == 3
    assert "train needs the stage plan" in outcome.last_line
    assert "run 'vecmill pairs' first" in outcome.last_line
