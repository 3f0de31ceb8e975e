"""Tables and JSON of scores, for one run and for several."""

from __future__ import annotations

import json
from statistics import mean, stdev

import pytest

from tests.evaluation.conftest import (
    ANALOGIES,
    PAIRS,
    PLANTED,
    random_vectors,
    scores_by_name,
    write_vectors,
)
from vecmill.evaluation import score_table, scores
from vecmill.evaluation.score_table import RunScores
from vecmill.evaluation.scores import Rules, Score


class TestTable:
    def test_has_one_row_per_file_and_section_and_the_rules(self, vecmill, planted, write_file):
        printed = vecmill(
            "evaluate", "--vectors", planted, write_file("a.txt", ANALOGIES), write_file("pairs.tsv", PAIRS)
        ).printed

        lines = printed.splitlines()
        heading = "word similarity Spearman Pearson 95% interval asked unknown scored"
        assert lines[0].split() == heading.split()
        assert lines[1].split()[:2] == ["pairs.tsv", "1.000"]
        assert lines[3:7] == [
            "analogies  3CosAdd  3CosMul  asked  unknown  scored",
            "a.txt        0.667    0.000      3        0       3",
            "  royal      1.000    0.000      2        0       2",
            "  wrong      0.000    0.000      1        0       1",
        ]
        assert "Questions with an unknown word are left out." in printed
        assert "the 30,000 most frequent words" in printed

    def test_json_is_written_to_a_file_besides_the_table(
        self, vecmill, evaluate, planted, write_file, tmp_path
    ):
        pairs = write_file("pairs.tsv", PAIRS)

        outcome = vecmill("evaluate", "--vectors", planted, pairs, "--json", tmp_path / "scores.json")

        assert outcome.code == 0
        assert "pairs.tsv" in outcome.printed
        written = json.loads((tmp_path / "scores.json").read_text())
        assert written == evaluate("--vectors", planted, pairs)

    def test_a_path_for_json_that_cannot_be_written_is_reported(
        self, vecmill, planted, write_file, tmp_path
    ):
        path = tmp_path / "missing" / "scores.json"

        outcome = vecmill("evaluate", "--vectors", planted, write_file("pairs.tsv", PAIRS), "--json", path)

        assert outcome.code == 2
        assert outcome.message == f"vecmill: --json: cannot write {path}: No such file or directory"


class TestSeveralRuns:
    def test_have_a_mean_and_a_spread(self, vecmill, evaluate, tmp_path, write_file):
        runs = [write_vectors(tmp_path / f"{seed}.txt", random_vectors(seed)) for seed in (1, 2, 3)]
        pairs = write_file("pairs.tsv", "".join(f"w{i}\tw{i + 1}\t{i}\n" for i in range(20)))
        several = [argument for run in runs for argument in ("--vectors", run)]

        content = evaluate(*several, pairs)

        single = [evaluate("--vectors", run, pairs)["runs"][0]["scores"][0]["score"] for run in runs]
        assert [run["name"] for run in content["runs"]] == [str(run) for run in runs]
        [over_runs] = content["over_runs"]
        assert over_runs["figures"]["Spearman"] == {
            "mean": pytest.approx(mean(single)),
            "spread": pytest.approx(stdev(single)),
            "lowest": min(single),
            "highest": max(single),
        }
        printed = vecmill("evaluate", *several, pairs).printed
        assert f"{mean(single):.3f} ± {stdev(single):.3f}" in printed
        assert f"{min(single):.3f} .. {max(single):.3f}" in printed
        assert "Means over 3 runs" in printed

    def test_a_run_without_a_score_has_no_mean_and_no_spread(self, vecmill, evaluate, tmp_path, write_file):
        runs = [
            write_vectors(tmp_path / f"{n}.txt", some) for n, some in enumerate((PLANTED, {"a": [1, 2]}))
        ]
        several = [argument for run in runs for argument in ("--vectors", run)]
        pairs = write_file("pairs.tsv", PAIRS)

        [over_runs] = evaluate(*several, pairs)["over_runs"]

        assert over_runs["figures"]["Spearman"]["mean"] is None
        assert over_runs["figures"]["Spearman"]["spread"] is None
        cells = vecmill("evaluate", *several, pairs).printed.splitlines()[1].split()
        assert cells[:5] == ["pairs.tsv", *["-", "±", "-", "-"]]

    def test_may_include_the_run_of_the_configuration(self, evaluate, planted, write_file, tmp_path):
        (tmp_path / "out").mkdir()
        write_vectors(tmp_path / "out" / "vectors", PLANTED, "parquet")

        content = evaluate(
            f"--set=output.path={tmp_path / 'out'}", "--also", planted, write_file("p.tsv", PAIRS)
        )

        assert [run["name"] for run in content["runs"]] == [str(tmp_path / "out"), str(planted)]
        assert scores_by_name(content, 0) == scores_by_name(content, 1)


CONTENT = {
    "file": "questions.txt",
    "section": None,
    "kind": "analogies",
    "measure": "3CosAdd",
    "score": 0.375,
    "figures": {"3CosAdd": 0.375, "3CosMul": 0.5},
    "interval": None,
    "asked": 20,
    "unknown": 4,
    "scored": 16,
}
SCORE = Score("questions.txt", "", "analogies", {"3CosAdd": 0.375, "3CosMul": 0.5}, None, 20, 4, 16)


class TestJson:
    def test_scores_are_read_back(self):
        weat = Score(
            "weat.json",
            "WEAT 6",
            "word-sets",
            {"effect size": 1.25, "p": 0.0125},
            None,
            32,
            0,
            32,
            "male and female names, career and family",
            ("nowhere",),
            ("rare", "rarer"),
        )
        similarity = Score(
            "p.tsv", "", "similarity", {"Spearman": 0.35, "Pearson": 0.3}, (0.3, 0.4), 9, 1, 8
        )
        runs = [RunScores("run", [SCORE, weat, similarity])]

        content = score_table.to_json(runs, Rules())

        assert content["runs"][0]["scores"][0] == CONTENT
        assert score_table.from_json(content) == runs

    def test_scores_that_are_nan_are_read_back(self):
        nothing = float("nan")
        score = Score("p.tsv", "", "similarity", {"Spearman": nothing}, (nothing, nothing), 9, 9, 0)

        content = scores.to_json(score)
        read = scores.from_json(content)

        assert (content["score"], content["interval"]) == (None, [None, None])
        assert read is not None
        assert scores.to_json(read) == content
        assert str(read) == str(score)

    def test_missing_or_broken_fields_get_empty_values(self):
        assert scores.from_json({"file": "a", "score": 0.5}) == Score(
            "a", "", "", {"score": 0.5}, None, 0, 0, 0
        )
        broken = {"section": 3, "figures": [1], "interval": [0, "1"], "asked": "?", "scored": 10**400}
        broken |= {"unknown_words": "abc", "left_out": [3]}
        assert scores.from_json({**CONTENT, **broken}) == Score(
            "questions.txt", "", "analogies", {"3CosAdd": 0.375}, None, 0, 4, 0
        )

    @pytest.mark.parametrize(
        "content",
        [
            {},
            [],
            None,
            {"runs": {}},
            {"runs": ["?"]},
            {"runs": [{"scores": None}]},
            {"runs": [{"scores": ["?", {"file": "a"}, {"score": 1.0}, {"file": 1, "score": 1.0}]}]},
            {"runs": [{"scores": [{"file": "a", "score": True}, {"file": "a", "score": "0.5"}]}]},
        ],
    )
    def test_records_of_another_form_are_left_out(self, content):
        assert [score for run in score_table.from_json(content) for score in run.scores] == []
