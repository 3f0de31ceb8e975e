from __future__ import annotations

import pytest

from tests.report.conftest import SCORES
from vecmill.report.evaluation import Score, read_evaluation


def test_scores_are_read_in_their_order():
    analogies, weat = read_evaluation({"runs": [{"name": "run", "scores": SCORES}]})

    assert analogies == Score(
        "questions.txt", "", "analogies", "3CosAdd", 0.375, {"3CosMul": 0.5}, None, 16, 4
    )
    assert (weat.name, weat.value, weat.figures) == ("weat.json · WEAT 6", 1.25, {"p": 0.0125})


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
