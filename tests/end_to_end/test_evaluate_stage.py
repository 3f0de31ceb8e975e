"""Tests that a configuration names, as the last stage of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.end_to_end import planted
from tests.end_to_end.conftest import SMALL, Command, Finished, Settings, finish, manifest


@pytest.fixture(scope="module")
def untested(spark: SparkSession, small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run without tests, long enough that its vectors pass them."""
    folder = tmp_path_factory.mktemp("untested") / "out"
    longer = {"train.epochs": 8, "train.slices": 1}
    return finish("run", {**SMALL, **longer, "input.path": small_corpus, "output.path": folder})


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


def with_tests(settings: Settings, files: list[Path], **floors: float) -> dict[str, Any]:
    named = ", ".join(f"'{name}' = {floor}" for name, floor in floors.items())
    return {
        **settings,
        "evaluate.files": [str(file) for file in files],
        "evaluate.floors": f"{{ {named} }}",
    }


def test_a_floor_that_holds_and_one_that_fails(vecmill: Command, untested, tests, tmp_path: Path):
    out = tmp_path / "out"
    settings = untested.copied_to(out)
    files = list(tests.values())
    held = vecmill("run", settings=with_tests(settings, files, **{"topics.txt": 0.9}))

    assert held.code == 0, held.output
    record = manifest(out)["stages"]["evaluate"]
    assert (record["state"], record["files"], record["asked"], record["unknown"]) == ("done", 2, 16, 2)
    content = json.loads((out / "evaluation.json").read_text())
    scores = {score["file"]: score for score in content["runs"][0]["scores"] if not score["section"]}
    # With seeds 1, 2 and 3 it is 1.0; by chance 0.2.
    assert scores["topics.txt"]["score"] > 0.9
    assert scores["topics.txt"]["score"] == record["scores"]["topics.txt"]
    assert (scores["analogies.txt"]["asked"], scores["analogies.txt"]["unknown"]) == (3, 1)
    assert "evaluate   topics.txt: accuracy" in held.output

    high = {"topics.txt": 1.01, "analogies.txt:greek": 0.1}
    failed = vecmill("run", settings=with_tests(settings, files, **high))

    assert failed.code == 4
    figure = f"{scores['topics.txt']['score']:.3f}"
    assert failed.last_line == (
        f"vecmill: topics.txt has accuracy {figure}, below its floor of 1.01; analogies.txt:greek has no "
        "score, below its floor of 0.1; train longer or on more text, or lower evaluate.floors"
    )
    stages = manifest(out)["stages"]
    assert stages["export"] == manifest(untested.folder)["stages"]["export"]
    assert stages["evaluate"]["state"] != "done"
    assert vecmill("run", settings=with_tests(settings, files, **high)).code == 4


def test_it_runs_again_only_when_tests_settings_or_vectors_change(
    vecmill: Command, untested, tests, tmp_path: Path
):
    out = tmp_path / "out"
    settings = untested.copied_to(out)
    tested = {"evaluate.files": [str(tests["topics"])]}

    def evaluations(changed: Settings) -> int:
        """1 if the stage evaluate ran, 0 if it was unchanged; nothing else runs."""
        before = manifest(out)["stages"]
        outcome = vecmill("run", settings=settings | changed)
        assert outcome.code == 0, outcome.output
        after = manifest(out)["stages"]
        assert {**after, "evaluate": None} == {**before, "evaluate": None}
        assert after["evaluate"]["state"] == "done"
        ran, unchanged = ("evaluate   " + end in outcome.output for end in ("files 1", "unchanged"))
        assert ran != unchanged
        return int(ran)

    assert "evaluate" not in untested.outcome.output
    assert "evaluate" not in manifest(out)["stages"]

    assert evaluations(tested) == 1
    assert evaluations(tested) == 0

    tests["topics"].write_text(tests["topics"].read_text().replace("unheard", "b1"))
    assert evaluations(tested) == 1
    assert evaluations(tested | {"evaluate.restrict": 9}) == 1

    # Fewer epochs, so that no pairs are drawn and the training is short.
    other = settings | {"train.epochs": 1}
    assert vecmill("run", settings=other).code == 0
    assert not (out / "evaluation.json").exists(), "its scores were of other vectors"
    assert vecmill("run", settings=other | tested).code == 0
    assert (out / "evaluation.json").exists()


def test_the_command_alone_runs_the_stage_and_shows_the_table(
    vecmill: Command, untested, tests, tmp_path: Path
):
    out = tmp_path / "out"
    empty = {**untested.settings, "output.path": out}
    early = vecmill("evaluate", settings=with_tests(empty, [tests["analogies"]]))
    assert early.code == 3
    assert "evaluate needs the stage export" in early.last_line

    out = tmp_path / "copy"
    without_tests = untested.copied_to(out)
    settings = with_tests(without_tests, [tests["analogies"]])
    assert vecmill("evaluate", settings=without_tests).code == 2

    first = vecmill("evaluate", settings=settings)
    record = manifest(out)["stages"]["evaluate"]
    again = vecmill("evaluate", "--json", str(tmp_path / "scores.json"), settings=settings)
    direct = vecmill("evaluate", str(tests["analogies"]), settings={"output.path": out})

    assert first.code == 0, first.output
    table = [line for line in first.output.splitlines() if "3CosMul" in line or line.startswith("  ")]
    assert len(table) == 3
    assert "evaluate   unchanged" in again.output
    assert manifest(out)["stages"]["evaluate"] == record
    for outcome in (again, direct):
        assert outcome.code == 0
        assert all(line in outcome.output for line in table)
    assert (tmp_path / "scores.json").read_text() == (out / "evaluation.json").read_text()


def test_a_fault_of_the_tests_is_reported_before_anything_is_computed(
    vecmill: Command, small_corpus, tests, tmp_path: Path
):
    out = tmp_path / "out"
    settings = {**SMALL, "input.path": small_corpus, "output.path": out}
    missing = vecmill("run", settings=with_tests(settings, [tmp_path / "none.txt"]))
    assert missing.code == 3
    assert missing.last_line.startswith(f"vecmill: {tmp_path / 'none.txt'} cannot be read")

    floor = {"analogies.txt:latin": 0.5}
    unknown = vecmill("run", settings=with_tests(settings, [tests["analogies"]], **floor))
    assert unknown.code == 2
    assert unknown.last_line == (
        "vecmill: evaluate.floors: 'analogies.txt:latin' has no score; the scores are: "
        "analogies.txt, analogies.txt:topics, analogies.txt:greek"
    )
    assert not (out / "tokens").exists()
