"""What blocked training leaves, and what it refuses; its quality is in test_run."""

from __future__ import annotations

import numpy as np
import pytest

from tests.end_to_end.conftest import SMALL, STRATEGIES, forget, manifest, metrics
from vecmill.training.blocked import driver
from vecmill.vectors.word_vectors import read_run


def test_a_blocked_run_leaves_its_buckets_its_rounds_and_a_report(vecmill, finished_blocked, tmp_path):
    out = finished_blocked.folder

    stages = manifest(out)["stages"]
    lines = metrics(out)
    assert stages["pairs"]["rows"] == stages["train"]["pairs"] == sum(line["pairs"] for line in lines)
    assert stages["train"]["words"] == sum(line["words"] for line in lines) == 2 * stages["texts"]["words"]
    assert all(line["loss"] > 0 and line["held_out_loss"] > 0 for line in lines)
    assert lines[-1]["learning_rate"] == pytest.approx(2.5e-6)
    assert len(list((out / "pairs").rglob("*.parquet"))) == 2 * 2 * 3
    page = tmp_path / "report.html"
    assert vecmill("report", str(page), settings={"output.path": out}).code == 0
    assert "held-out" in page.read_text().lower()

    outcome = vecmill("pairs", "--show", "5", settings=finished_blocked.settings)
    shown = outcome.output.strip().splitlines()
    assert shown[0].split() == ["w", "c", "label"]
    assert len(shown) == 7
    assert {line.split()[2] for line in shown[1:-1]} == {"+"}
    assert shown[-1] == "(blocked training: noise, label -, is drawn while training)"


def test_the_vectors_do_not_depend_on_how_many_strata_a_round_has(
    vecmill, finished_blocked, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    settings = finished_blocked.copied_to(out)
    forget(out, "train", "export")
    monkeypatch.setattr(driver, "STRATA_PER_ROUND", 1)
    outcome = vecmill("run", settings=settings)

    assert outcome.code == 0, outcome.output
    assert outcome.output.count(" round ") == 2 * 2 * 3
    vectors = read_run(str(out)).vectors
    expected = read_run(str(finished_blocked.folder)).vectors
    np.testing.assert_allclose(vectors, expected, rtol=1e-3, atol=1e-4)


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


def test_a_slice_that_subsampling_leaves_without_pairs_is_reported(vecmill, tmp_path):
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
