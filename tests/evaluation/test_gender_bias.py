"""`vecmill evaluate --bias` on planted vectors."""

from __future__ import annotations

from statistics import mean, stdev

import pytest

from tests.evaluation.conftest import PLANTED, write_vectors


def test_words_and_occupations_have_projections_on_the_gender_direction(vecmill, evaluate, planted):
    [run] = evaluate("--vectors", planted, "--bias")["runs"]

    bias = run["bias"]
    assert bias["pairs"] == 3
    assert ["herself", "himself"] in bias["unknown_pairs"]
    assert bias["explained"][0] > 0.9
    assert {word for word, _ in bias["words"]["female"][:2]} == {"she", "woman"}
    assert {word for word, _ in bias["words"]["male"][:2]} == {"he", "man"}
    assert [word for word, _ in bias["occupations"]["female"]] == ["maid", "soldier"]
    assert "'programmer'" in bias["analogy"]["answers"]
    printed = vecmill("evaluate", "--vectors", planted, "--bias").printed
    assert "Gender direction from 3 of 10 pairs" in printed
    assert "occupations, female side: maid +0." in printed


def test_the_analogy_is_answered_if_a_word_is_near_enough(evaluate, tmp_path):
    near = PLANTED | {"programmer": [3, -0.5, 0, 1], "homemaker": [3, 0.5, 0, 1]}
    vectors = write_vectors(tmp_path / "v.txt", near)

    [run] = evaluate("--vectors", vectors, "--bias")["runs"]

    assert run["bias"]["analogy"]["answers"][0][0] == "homemaker"


def test_the_analogy_uses_a_phrase_if_its_words_are_known(evaluate, tmp_path):
    near = PLANTED | {
        "computer": [3, -0.5, 0, 1],
        "programmer": [3, -0.5, 0, 1],
        "homemaker": [3, 0.5, 0, 1],
    }
    vectors = write_vectors(tmp_path / "v.txt", near)

    [run] = evaluate("--vectors", vectors, "--bias")["runs"]

    assert run["bias"]["analogy"]["asked"] == ["man", "computer programmer", "woman"]
    assert run["bias"]["analogy"]["answers"][0][0] == "homemaker"


def test_projections_over_several_runs_have_mean_spread_and_range(vecmill, evaluate, tmp_path):
    # A component orthogonal to the gender direction makes the projection of "maid" smaller.
    changed = PLANTED | {"maid": [*PLANTED["maid"][:-1], PLANTED["maid"][-1] + 3]}
    runs = [write_vectors(tmp_path / f"{n}.txt", some) for n, some in enumerate((PLANTED, changed))]
    several = [argument for run in runs for argument in ("--vectors", run)]

    content = evaluate(*several, "--bias")

    maids = [dict(run["bias"]["occupations"]["female"])["maid"] for run in content["runs"]]
    assert maids[0] != maids[1]
    assert content["bias_over_runs"]["occupations"]["female"]["maid"] == {
        "mean": pytest.approx(mean(maids)),
        "spread": pytest.approx(stdev(maids)),
        "lowest": min(maids),
        "highest": max(maids),
    }
    printed = vecmill("evaluate", *several, "--bias").printed
    *_, row = (line for line in printed.splitlines() if line.startswith("  maid "))
    assert f"{mean(maids):+.3f} ± {stdev(maids):.3f}" in row
    assert f"{min(maids):+.3f} .. {max(maids):+.3f}" in row


def test_vectors_without_a_known_pair_are_reported(vecmill, tmp_path):
    vectors = write_vectors(tmp_path / "v.txt", {"a": [1, 2], "b": [2, 1]})

    outcome = vecmill("evaluate", "--vectors", vectors, "--bias")

    assert outcome.code == 3
    assert "a direction expects a pair of two different words" in outcome.message
