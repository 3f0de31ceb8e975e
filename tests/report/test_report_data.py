from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.report.conftest import SCORES, metrics_line
from vecmill.errors import InputError
from vecmill.report import page, reading, report_data
from vecmill.report.report_data import RankedWord
from vecmill.report.run_record import RoundRecord, read_rounds


def collect(root: Path) -> report_data.Report:
    return report_data.collect_run(reading.opened(str(root), None), ())


def test_rounds_are_read_line_by_line():
    lines = [metrics_line(1, 3.0), {**metrics_line(2, 2.5), "held_out_loss": None}]

    rounds = read_rounds("\n".join(map(json.dumps, lines)), "metrics.jsonl")

    assert rounds == [
        RoundRecord(1, 1, 1000, 3.0, 3.1, 0.05, 500),
        RoundRecord(2, 2, 1000, 2.5, None, 0.025, 500),
    ]


LINE = json.dumps(metrics_line(2, 2.5))


@pytest.mark.parametrize(
    "line",
    [
        *("{", "[]", "null", "7", '{"round": 1}', '{"round": "one"}', "[" * 100_000, "9" * 5000),
        LINE.replace('"round": 2', '"round": Infinity'),
        LINE.replace('"round": 2', '"round": -1'),
        LINE.replace('"round": 2', f'"round": {10**400}'),
        LINE.replace('"words": 1000', '"words": [1]'),
        LINE.replace('"loss": 2.5', '"loss": 1e300'),
        LINE.replace('"loss": 2.5', f'"loss": {10**400}'),
        LINE.replace('"loss": 2.5', f'"loss": "{"x" * 1_000_000}"'),
    ],
)
def test_a_broken_line_of_the_rounds_is_named(line):
    text = json.dumps(metrics_line(1, 3.0)) + "\n" + line

    with pytest.raises(
        InputError, match=re.escape("OUT/metrics.jsonl, line 2: expected a round")
    ) as caught:
        read_rounds(text, "OUT/metrics.jsonl")
    assert len(str(caught.value)) < 400


def test_training_has_the_speed_of_its_rounds_and_other_stages_that_of_their_time():
    rounds = [RoundRecord(1, 1, 100, 3, None, 0.1, 50), RoundRecord(2, 2, 100, 3, None, 0.1, 25)]
    record = {
        "tokenize": {"state": "done", "seconds": 2, "tokens": 500, "bytes_per_word": 5.5},
        "texts": {"state": "done", "seconds": 5, "words": 100},
        "pairs": {"state": "done", "seconds": 4, "epochs": [1, 2]},
        "train": {"state": "running", "round": 2, "rounds": 9},
        "export": {"state": "done", "seconds": 1, "words": 30},
    }

    stages = {stage.name: stage for stage in report_data.summarise_stages(record, rounds)}

    assert {name: stage.rate for name, stage in stages.items()} == {
        "tokenize": 250,
        "texts": 100,
        "pairs": 50,
        "train": pytest.approx(200 / 6),
        "export": None,
    }
    assert stages["tokenize"].counts == {"seconds": 2, "tokens": 500}
    assert (stages["train"].state, stages["train"].seconds, stages["train"].counts) == ("running", None, {})


def test_a_curve_has_the_shares_of_each_word():
    counts, shares = np.array([6, 3, 1]), np.array([0.5, 0.9, 1.0])

    curve = report_data.vocabulary_curve(["a", "b", "c"], counts, 12, shares, shares / 2)

    assert curve == [
        RankedWord(1, "a", 6, 0.5, 0.5, 0.5, 0.25),
        RankedWord(2, "b", 3, 0.25, 0.75, 0.9, 0.45),
        RankedWord(3, "c", 1, 1 / 12, 10 / 12, 1.0, 0.5),
    ]


def test_ids_are_at_equal_steps_of_the_logarithm_of_the_rank():
    assert report_data.log_spaced(0, 5).tolist() == []
    assert report_data.log_spaced(1, 5).tolist() == [0]
    assert report_data.log_spaced(10_000, 5).tolist() == [0, 9, 99, 999, 9999]


def test_thinned_rounds_include_the_first_and_the_last():
    rounds = [RoundRecord(n, 1, 1, 1, None, 1, 1) for n in range(1000)]

    thinned = report_data.thin_rounds(rounds, 5)

    assert [one.number for one in thinned] == [0, 250, 500, 749, 999]
    assert report_data.thin_rounds(rounds[:5], 5) == rounds[:5]


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(InputError, match=r"run\.json is missing\); run 'vecmill run' first"):
        collect(tmp_path)


@pytest.mark.parametrize("name", ["run.json", "evaluation.json"])
def test_a_file_that_is_not_json_is_named(run, name):
    (run / name).write_text("{")

    with pytest.raises(InputError, match=f"{name} is not JSON"):
        collect(run)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("stages",), [1], "stages must be a JSON object, got list"),
        (("stages", "train"), 7, "stages.train must be a JSON object, got 7"),
        (("stages", "train", "state"), None, "stages.train.state must be a string, got None"),
        (("stages", "train", "finished"), 3, "stages.train.finished must be a string, got 3"),
        (("stages", "train", "seconds"), "2", "stages.train.seconds must be a number of seconds, got '2'"),
        (
            ("stages", "train", "seconds"),
            math.nan,
            "stages.train.seconds must be a number of seconds, got nan",
        ),
        (("stages", "train", "seconds"), 10**400, "stages.train.seconds must be a number of seconds"),
        (
            ("stages", "tokenize", "tokens"),
            True,
            "stages.tokenize.tokens must be a whole number from 0, got True",
        ),
        (
            ("stages", "tokenize", "tokens"),
            -1,
            "stages.tokenize.tokens must be a whole number from 0, got -1",
        ),
        (("stages", "texts", "words"), 1.5, "stages.texts.words must be a whole number from 0, got 1.5"),
        (("stages", "pairs", "epochs"), {}, None),
        (("stages", "pairs", "epochs"), "123", "stages.pairs.epochs must be a list, got '123'"),
        (("seed",), -1, "seed must be a whole number from 0, got -1"),
        (("versions",), "1.0", "versions must be a JSON object, got '1.0'"),
        (("configuration",), [], "configuration must be a JSON object, got list"),
        (("configuration", "input"), "text", "configuration.input must be a JSON object, got 'text'"),
        (("input", "bytes"), 10**400, "input.bytes must be a whole number from 0"),
        (("model",), [None], "model must be a JSON object, got list"),
    ],
)
def test_a_part_of_the_record_of_the_wrong_type_is_named(run, edit_record, place, value, message):
    def change(record: dict[str, Any]) -> None:
        *above, last = place
        for name in above:
            record = record[name]
        record[last] = value

    edit_record(change)

    if message is None:
        collect(run)
        return
    with pytest.raises(
        InputError, match=rf"run\.json: {re.escape(message)}.*; restore it, or run again$"
    ) as caught:
        collect(run)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("name", ["stages", "versions", "configuration", "input", "model", "seed"])
@pytest.mark.parametrize("how", ["null", "missing"])
def test_parts_of_the_record_may_be_missing(run, edit_record, name, how, without_scikit_learn):
    edit_record(lambda record: record.update({name: None}) if how == "null" else record.pop(name))

    assert page.render(collect(run))


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, '{"a": ' * 50_000])
def test_json_that_python_cannot_parse_is_named(run, text):
    (run / "run.json").write_text(text)

    with pytest.raises(InputError, match=r"run\.json is not JSON \(.*\); restore it, or run again"):
        collect(run)


def test_vectors_older_than_the_training_are_not_shown(run, edit_record, without_scikit_learn):
    assert collect(run).answers is not None

    edit_record(lambda record: record["stages"]["train"].update(finished="2026-01-02T00:00:00Z"))

    assert collect(run).answers is None


def test_a_broken_table_is_named(run):
    (run / "vocabulary" / "part-0.parquet").write_bytes(b"PAR1")

    with pytest.raises(InputError, match=r"vocabulary.* is damaged|vocabulary cannot be read"):
        collect(run)


def test_scores_are_read_in_their_order():
    analogies, weat = report_data.first_run_scores({"runs": [{"name": "run", "scores": SCORES}]})

    assert (analogies.file, analogies.kind, analogies.measure, analogies.value) == (
        "questions.txt",
        "analogies",
        "3CosAdd",
        0.375,
    )
    assert (weat.section, weat.value) == ("WEAT 6", 1.25)


def test_only_finite_scores_of_the_first_run_are_shown():
    unknown: dict[str, Any] = {**SCORES[0], "score": None}
    runs = [{"scores": [unknown, SCORES[1]]}, {"scores": SCORES}]

    assert [score.file for score in report_data.first_run_scores({"runs": runs})] == ["weat.json"]
    for content in ({}, {"runs": []}, {"runs": {}}, {"runs": [{"scores": None}]}):
        assert report_data.first_run_scores(content) == []


def test_the_rules_of_scoring_are_described_in_a_sentence():
    settings = {"unknown": "left out", "restrict": 30_000, "ignore_case": True}

    assert report_data.describe_rules({"settings": settings}) == (
        "Questions with an unknown word are left out; analogies are asked of the 30,000 most frequent "
        "words; case is ignored."
    )
    for content in ({}, {"settings": None}, {"settings": {}}):
        assert report_data.describe_rules(content) == ""
