"""Tests that a configuration names, as the last stage of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end import planted
from tests.end_to_end.conftest import SMALL, Command, manifest


@pytest.fixture
def tests(tmp_path: Path) -> dict[str, Path]:
    """Words of one topic belong together, and no word of the corpus is in the second section."""
    odd = [
        " ".join([*planted.topic_words(topic)[:4], f"{chr(ord('a') + (topic + 3) % planted.TOPICS)}5"])
        for topic in range(planted.TOPICS)
    ]
    (tmp_path / "topics.txt").write_text("\n".join([*odd, "a0 a1 a2 a3 unheard"]) + "\n")
    analogies = ": topics\na0 a1 b0 b1\na0 a1 c0 c1\n: greek\nalpha beta gamma delta\n"
    (tmp_path / "analogies.txt").write_text(analogies)
    return {name: tmp_path / f"{name}.txt" for name in ("topics", "analogies")}


def settings_for(corpus: Path, out: Path, files: list[Path], **floors: float) -> dict[str, Any]:
    named = ", ".join(f"'{name}' = {floor}" for name, floor in floors.items())
    return {
        **SMALL,
        "train.epochs": 8,
        "train.slices": 1,
        "input.path": corpus,
        "output.path": out,
        "evaluate.files": [str(file) for file in files],
        "evaluate.floors": f"{{ {named} }}",
    }


def test_a_floor_that_holds_and_one_that_fails(vecmill: Command, small_corpus, tests, tmp_path: Path):
    out = tmp_path / "out"
    files = list(tests.values())
    held = vecmill("run", settings=settings_for(small_corpus, out, files, **{"topics.txt": 0.9}))

    assert held.code == 0, held.said
    record = manifest(out)["stages"]["evaluate"]
    assert (record["state"], record["files"], record["asked"], record["unknown"]) == ("done", 2, 16, 2)
    told = json.loads((out / "evaluation.json").read_text())
    scores = {score["file"]: score for score in told["runs"][0]["scores"] if not score["section"]}
    # With seeds 1, 2 and 3 it is 1.0; by chance 0.2.
    assert scores["topics.txt"]["score"] > 0.9
    assert scores["topics.txt"]["score"] == record["scores"]["topics.txt"]
    assert (scores["analogies.txt"]["asked"], scores["analogies.txt"]["unknown"]) == (3, 1)
    assert "evaluate   topics.txt: accuracy" in held.said

    high = {"topics.txt": 1.01, "analogies.txt:greek": 0.1}
    failed = vecmill("run", settings=settings_for(small_corpus, out, files, **high))

    assert failed.code == 4
    figure = f"{scores['topics.txt']['score']:.3f}"
    assert failed.last_line == (
        f"vecmill: topics.txt has accuracy {figure}, below its floor of 1.01; analogies.txt:greek has no "
        "score, below its floor of 0.1; train longer or on more text, or lower evaluate.floors"
    )
    assert "export     unchanged" in failed.said
    assert manifest(out)["stages"]["evaluate"]["state"] != "done"
    assert vecmill("run", settings=settings_for(small_corpus, out, files, **high)).code == 4


def test_it_runs_again_only_when_tests_settings_or_vectors_change(
    vecmill: Command, small_corpus, tests, tmp_path: Path
):
    out = tmp_path / "out"
    settings = settings_for(small_corpus, out, [tests["topics"]])
    del settings["evaluate.floors"]
    tested = {key: settings.pop(key) for key in ("evaluate.files",)}

    without = vecmill("run", settings=settings)
    assert without.code == 0
    assert "evaluate" not in without.said
    assert "evaluate" not in manifest(out)["stages"]

    first = vecmill("run", settings=settings | tested)
    assert (first.code, "evaluate   files 1" in first.said) == (0, True), first.said
    assert "evaluate   unchanged" in vecmill("run", settings=settings | tested).said

    tests["topics"].write_text(tests["topics"].read_text().replace("unheard", "b1"))
    assert "evaluate   files 1" in vecmill("run", settings=settings | tested).said
    assert (
        "evaluate   files 1" in vecmill("run", settings=settings | tested | {"evaluate.restrict": 9}).said
    )

    assert vecmill("run", settings=settings | {"train.epochs": 9}).code == 0
    assert not (out / "evaluation.json").exists(), "what it said was of other vectors"
    assert vecmill("run", settings=settings | tested | {"train.epochs": 9}).code == 0
    assert (out / "evaluation.json").exists()


def test_the_command_alone_runs_the_stage_and_shows_the_table(
    vecmill: Command, small_corpus, tests, tmp_path: Path
):
    out = tmp_path / "out"
    settings = settings_for(small_corpus, out, [tests["analogies"]])
    early = vecmill("evaluate", settings=settings)
    assert early.code == 3
    assert "evaluate needs the stage export" in early.last_line
    without_tests = {key: value for key, value in settings.items() if not key.startswith("evaluate")}
    assert vecmill("run", settings=without_tests).code == 0
    assert vecmill("evaluate", settings=without_tests).code == 2

    first = vecmill("evaluate", settings=settings)
    again = vecmill("evaluate", "--json", str(tmp_path / "scores.json"), settings=settings)
    asked = vecmill("evaluate", str(tests["analogies"]), settings={"output.path": out})

    table = [line for line in first.said.splitlines() if "3CosMul" in line or line.startswith("  ")]
    assert len(table) == 3
    assert "evaluate   unchanged" in again.said
    for outcome in (again, asked):
        assert outcome.code == 0
        assert all(line in outcome.said for line in table)
    assert (tmp_path / "scores.json").read_text() == (out / "evaluation.json").read_text()


def test_a_fault_of_the_tests_is_told_before_anything_is_computed(
    vecmill: Command, small_corpus, tests, tmp_path: Path
):
    out = tmp_path / "out"
    missing = vecmill("run", settings=settings_for(small_corpus, out, [tmp_path / "none.txt"]))
    assert missing.code == 3
    assert missing.last_line.startswith(f"vecmill: {tmp_path / 'none.txt'} cannot be read")

    floor = {"analogies.txt:latin": 0.5}
    unknown = vecmill("run", settings=settings_for(small_corpus, out, [tests["analogies"]], **floor))
    assert unknown.code == 2
    assert unknown.last_line == (
        "vecmill: evaluate.floors: 'analogies.txt:latin' has no score; those there are: "
        "analogies.txt, analogies.txt:topics, analogies.txt:greek"
    )
    assert not (out / "tokens").exists()
