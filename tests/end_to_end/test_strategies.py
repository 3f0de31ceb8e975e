"""Every way by which many shards train one model, in one session: quality, and what a run leaves."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.end_to_end import planted
from tests.end_to_end.conftest import SMALL, manifest
from vecmill.training.blocked import driver
from vecmill.vectors.word_vectors import read_run

# By name, as a test's id shows it.
STRATEGIES = {
    "mean": {"train.merge": "mean"},
    "adasum": {"train.merge": "adasum"},
    "blocked": {"train.strategy": "blocked"},
}


@pytest.mark.parametrize("strategy", ["adasum", "blocked"])
def test_neighbours_on_a_planted_corpus_are_those_that_were_planted(vecmill, corpus, tmp_path, strategy):
    settings = {
        "input.path": corpus,
        "output.path": tmp_path / "out",
        "train.dim": 24,
        "train.epochs": 4,
        "train.learning_rate": 0.2,
        "train.shards": 3,
        "train.slices": 2,
        "pairs.subsample": 0.01,
        **STRATEGIES[strategy],
    }
    outcome = vecmill("run", settings=settings)

    assert outcome.code == 0, outcome.said
    vectors = read_run(str(tmp_path / "out"))
    # It is 1.0; by chance 0.07.
    assert planted.neighbour_precision(vectors.similar) > 0.9


@pytest.fixture
def blocked_run(vecmill, small_corpus, tmp_path):
    settings = {
        **SMALL,
        **STRATEGIES["blocked"],
        "input.path": small_corpus,
        "output.path": tmp_path / "out",
        "train.shards": 3,
    }
    outcome = vecmill("run", settings=settings)
    assert outcome.code == 0, outcome.said
    return settings


def test_a_blocked_run_leaves_its_buckets_its_rounds_and_a_report(
    vecmill, blocked_run, tmp_path, monkeypatch
):
    out = blocked_run["output.path"]

    stages = manifest(out)["stages"]
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert stages["pairs"]["rows"] == stages["train"]["pairs"] == sum(line["pairs"] for line in lines)
    assert stages["train"]["words"] == sum(line["words"] for line in lines) == 2 * stages["texts"]["words"]
    assert all(line["loss"] > 0 and line["held_out_loss"] > 0 for line in lines)
    assert lines[-1]["learning_rate"] == pytest.approx(2.5e-6)
    assert len(list((out / "pairs").rglob("*.parquet"))) == 2 * 2 * 3
    page = tmp_path / "report.html"
    assert vecmill("report", str(page), settings={"output.path": out}).code == 0
    assert "held-out" in page.read_text().lower()

    shown = vecmill("pairs", "--show", "5", settings=blocked_run).said.strip().splitlines()
    assert shown[0].split() == ["w", "c", "label"]
    assert len(shown) == 7
    assert {line.split()[2] for line in shown[1:-1]} == {"+"}
    assert shown[-1] == "(blocked training: noise, label -, is drawn while training)"

    # The same pass in rounds of a single stratum.
    first = read_run(str(out)).vectors
    monkeypatch.setattr(driver, "STRATA_A_ROUND", 1)
    again = {**blocked_run, "output.path": tmp_path / "again"}
    outcome = vecmill("run", settings=again)
    assert outcome.said.count(" round ") == 2 * 2 * 3
    np.testing.assert_allclose(read_run(str(tmp_path / "again")).vectors, first, rtol=1e-3, atol=1e-4)


def test_a_vocabulary_cannot_be_cut_into_more_regions_than_it_has_words(vecmill, tmp_path):
    (tmp_path / "text.txt").write_text("a b c d\n" * 20)
    settings = {
        **SMALL,
        **STRATEGIES["blocked"],
        "input.path": tmp_path / "text.txt",
        "output.path": tmp_path / "out",
        "train.shards": 5,
    }

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert outcome.last_line.endswith(
        "train.shards = 5 cuts a vocabulary of 4 words into more regions than it has words; "
        "lower it, or lower vocabulary.min_count"
    )


def test_a_slice_that_subsampling_leaves_without_pairs_is_told(vecmill, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("a b\nb a\na a b\na b b\nb b a\nb a a\na b a\nb a b\n")
    settings = {
        **SMALL,
        **STRATEGIES["blocked"],
        "input.path": text,
        "output.path": tmp_path / "out",
        "train.holdout": 0,
        "train.slices": 10,
        "pairs.subsample": 0.1,
    }

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert "of epoch 1 has no pairs to train on; use fewer train.slices" in outcome.last_line
