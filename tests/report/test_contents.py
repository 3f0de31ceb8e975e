from __future__ import annotations

import json
import re

import numpy as np
import pytest

from tests.report.conftest import metrics_line
from vecmill.errors import InputError
from vecmill.report import contents, reading
from vecmill.report.contents import RankedWord, Round


def test_rounds_are_read_line_by_line():
    lines = [metrics_line(1, 3.0), {**metrics_line(2, 2.5), "held_out_loss": None}]

    rounds = contents.read_rounds("\n".join(map(json.dumps, lines)), "metrics.jsonl")

    assert rounds == [
        Round(1, 1, 1000, 3.0, 3.1, 0.05, 500),
        Round(2, 2, 1000, 2.5, None, 0.025, 500),
    ]


@pytest.mark.parametrize("line", ["{", "[]", '{"round": 1}', '{"round": "one"}'])
def test_a_line_that_is_no_round_is_named(line):
    text = json.dumps(metrics_line(1, 3.0)) + "\n" + line

    with pytest.raises(InputError, match=re.escape("OUT/metrics.jsonl, line 2: expected a round")):
        contents.read_rounds(text, "OUT/metrics.jsonl")


def test_the_speed_of_training_is_that_of_its_rounds_and_other_stages_read_the_corpus_once_a_time():
    rounds = [Round(1, 1, 100, 3, None, 0.1, 50), Round(2, 2, 100, 3, None, 0.1, 25)]
    record = {
        "tokenize": {"state": "done", "seconds": 2, "tokens": 500, "bytes_per_word": 5.5},
        "texts": {"state": "done", "seconds": 5, "words": 100},
        "pairs": {"state": "done", "seconds": 4, "epochs": [1, 2]},
        "train": {"state": "running", "round": 2, "rounds": 9},
        "export": {"state": "done", "seconds": 1, "words": 30},
    }

    stages = {stage.name: stage for stage in contents.read_stages(record, rounds)}

    assert {name: stage.rate for name, stage in stages.items()} == {
        "tokenize": 250,
        "texts": 100,
        "pairs": 50,
        "train": pytest.approx(200 / 6),
        "export": None,
    }
    assert stages["tokenize"].counts == {"seconds": 2, "tokens": 500}
    assert (stages["train"].state, stages["train"].seconds, stages["train"].counts) == ("running", None, {})


def test_a_curve_tells_of_each_rank_what_there_is_to_know():
    counts, shares = np.array([6, 3, 1]), np.array([0.5, 0.9, 1.0])

    curve = contents.curve(["a", "b", "c"], counts, 12, shares, shares / 2)

    assert curve == [
        RankedWord(1, "a", 6, 0.5, 0.5, 0.5, 0.25),
        RankedWord(2, "b", 3, 0.25, 0.75, 0.9, 0.45),
        RankedWord(3, "c", 1, 1 / 12, 10 / 12, 1.0, 0.5),
    ]


def test_ids_are_spread_over_the_logarithm_of_the_rank():
    assert contents.log_spaced(0, 5).tolist() == []
    assert contents.log_spaced(1, 5).tolist() == [0]
    assert contents.log_spaced(10_000, 5).tolist() == [0, 9, 99, 999, 9999]


def test_many_rounds_are_thinned_to_some_with_the_first_and_the_last():
    rounds = [Round(n, 1, 1, 1, None, 1, 1) for n in range(1000)]

    thinned = contents.thinned(rounds, 5)

    assert [one.number for one in thinned] == [0, 250, 500, 749, 999]
    assert contents.thinned(rounds[:5], 5) == rounds[:5]


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(InputError, match=r"run\.json is missing\); run 'vecmill run' first"):
        contents.gather_run(reading.opened(str(tmp_path), None), ())


@pytest.mark.parametrize("name", ["run.json", "evaluation.json"])
def test_a_file_that_is_no_json_is_named(run, name):
    (run / name).write_text("{")

    with pytest.raises(InputError, match=f"{name} is not JSON"):
        contents.gather_run(reading.opened(str(run), None), ())


def test_vectors_older_than_the_training_are_not_told_of(run, edit_record, without_scikit_learn):
    assert contents.gather_run(reading.opened(str(run), None), ()).asked is not None

    edit_record(lambda record: record["stages"]["train"].update(finished="2026-01-02T00:00:00Z"))

    assert contents.gather_run(reading.opened(str(run), None), ()).asked is None


def test_a_table_with_other_columns_is_named(run):
    (run / "vocabulary" / "part-0.parquet").write_bytes(b"PAR1")

    with pytest.raises(InputError, match="vocabulary cannot be read"):
        contents.gather_run(reading.opened(str(run), None), ())
