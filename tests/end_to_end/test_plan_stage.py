"""The stage plan: it refuses a run that does not fit into memory, and chooses the strategy for "auto"."""

from __future__ import annotations

import json

import pytest

from tests.end_to_end.conftest import SMALL, assert_same_vectors, manifest, metrics
from vecmill.formatting import MIB
from vecmill.pipeline import plan
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


@pytest.mark.parametrize("command", ["run", "train"])
def test_a_run_that_resumes_with_less_memory_is_refused_before_it_trains(
    vecmill, finished, tmp_path, monkeypatch, command
):
    out = tmp_path / "out"
    settings = finished.copied_to(out)
    content = manifest(out)
    content["stages"]["train"].update(state="running", round=3)
    (out / "run.json").write_text(json.dumps(content))

    with monkeypatch.context() as patch:
        patch.setattr(resources, "available_memory", lambda: 100 * MIB)
        refused = vecmill(command, settings=settings)

    assert refused.code == 2
    assert "this run cannot fit: memory of this machine: " in refused.last_line
    assert "100.0 MiB free" in refused.last_line
    assert "lower train.dim or vocabulary.max_size" in refused.last_line
    assert manifest(out)["stages"]["train"]["round"] == 3
    resumed = vecmill("run", settings=settings)
    assert resumed.code == 0, resumed.output
    assert "resuming after round 3 of 4" in resumed.output
    assert len(metrics(out)) == 4
    assert_same_vectors(finished.folder, out)


def test_a_finished_run_is_not_planned_again_for_less_memory(vecmill, finished, tmp_path, monkeypatch):
    settings = finished.copied_to(tmp_path / "out")
    monkeypatch.setattr(resources, "available_memory", lambda: 100 * MIB)

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 0, outcome.output
    assert manifest(tmp_path / "out")["stages"] == manifest(finished.folder)["stages"]


def test_the_choice_is_printed_recorded_and_kept(vecmill, output, tmp_path, monkeypatch):
    first = vecmill("run", settings=AUTO | output)

    assert first.code == 0
    assert "one shard" in first.output
    chosen = manifest(tmp_path / "out")["stages"]["plan"]["settings"]
    assert (chosen["strategy"], chosen["shards"], chosen["learning_rate"]) == ("averaging", 1, 0.1)
    assert manifest(tmp_path / "out")["configuration"]["train"]["strategy"] == "averaging"

    def choose_again(*arguments):
        raise AssertionError("chosen again")

    monkeypatch.setattr(plan, "choose", choose_again)
    again = vecmill("run", settings=AUTO | output)

    assert again.code == 0
    assert again.output.count("unchanged, not run again") == len(manifest(tmp_path / "out")["stages"])


def test_training_plans_first_and_needs_the_texts_of_that_plan(vecmill, output, tmp_path):
    vecmill("tokenize", settings=AUTO | output)
    early = vecmill("train", settings=AUTO | output)
    assert early.code == 3
    assert "train needs the stage vocabulary" in early.last_line
    vecmill("vocabulary", settings=AUTO | output)

    outcome = vecmill("train", settings=AUTO | output)

    assert outcome.code == 3
    assert manifest(tmp_path / "out")["stages"]["plan"]["state"] == "done"
    assert "train needs the stage texts" in outcome.last_line
    assert "run 'vecmill pairs' first" in outcome.last_line
