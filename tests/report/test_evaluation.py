from __future__ import annotations

import pytest

from tests.report.conftest import SCORES
from vecmill.report.evaluation import Score, how_asked, read_evaluation


def test_scores_are_read_in_their_order():
    analogies, weat = read_evaluation({"runs": [{"name": "run", "scores": SCORES}]})

    assert analogies == Score(
        "questions.txt", "", "analogies", "3CosAdd", 0.375, {"3CosMul": 0.5}, None, 16, 4
    )
    assert (weat.file, weat.section, weat.value, weat.figures) == (
        "weat.json",
        "WEAT 6",
        1.25,
        {"p": 0.0125},
    )
    assert weat.about == "male and female names, career and family"


def test_how_tests_were_asked_is_told_in_a_sentence():
    settings = {"unknown": "left out", "restrict": 30_000, "ignore_case": True}

    assert how_asked({"settings": settings}) == (
        "Questions with an unknown word are left out; analogies are asked of the 30,000 most frequent "
        "words; case is ignored."
    )
    for nothing in ({}, {"settings": None}, {"settings": {}}):
        assert how_asked(nothing) == ""


def test_an_interval_is_read():
    record = {**SCORES[0], "interval": [0.3, 0.4]}

    (score,) = read_evaluation({"runs": [{"scores": [record]}]})

    assert score.interval == (0.3, 0.4)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"runs": []},
        {"runs": {}},
        {"runs": ["?"]},
        {"runs": [{"scores": None}]},
        {"runs": [{"scores": ["?", {"file": "a"}, {"score": 1.0}, {"file": "a", "score": None}]}]},
        {"runs": [{"scores": [{"file": "a", "score": True}]}]},
    ],
)
def test_what_is_no_score_is_passed_over(content):
    assert read_evaluation(content) == []
