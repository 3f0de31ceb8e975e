"""Scores of planted vectors in test files of each kind."""

from __future__ import annotations

import json
import unicodedata
from statistics import mean

import numpy as np
import pytest

from tests.evaluation.conftest import ANALOGIES, PAIRS, PLANTED, scores_by_name, write_vectors


def product_answer(a: str, b: str, c: str) -> str:
    """The answer of 3CosMul by its formula; opposites of `a` win, as their denominator is almost 0."""
    unit = {word: np.array(row) / np.linalg.norm(row) for word, row in PLANTED.items()}

    def shifted(x: str, y: str) -> float:
        return (1 + unit[x] @ unit[y]) / 2

    others = [word for word in PLANTED if word not in (a, b, c)]
    return max(others, key=lambda x: shifted(x, b) * shifted(x, c) / (shifted(x, a) + 0.001))


class TestScores:
    def test_similarity_has_spearmans_rho_and_its_interval(self, evaluate, planted, write_file):
        [score] = evaluate("--vectors", planted, write_file("pairs.tsv", PAIRS))["runs"][0]["scores"]

        assert (score["kind"], score["measure"]) == ("similarity", "Spearman")
        assert score["score"] == pytest.approx(1)
        assert score["interval"][0] <= score["score"] <= score["interval"][1] + 1e-9
        assert (score["asked"], score["unknown"], score["scored"]) == (4, 0, 4)

    def test_analogies_are_scored_by_section_and_by_both_methods(self, evaluate, planted, write_file):
        scores = scores_by_name(evaluate("--vectors", planted, write_file("a.txt", ANALOGIES)))

        assert list(scores) == ["a.txt", "a.txt:royal", "a.txt:wrong"]
        assert scores["a.txt"]["figures"] == {
            "3CosAdd": pytest.approx(2 / 3),
            "3CosMul": 0,
        }
        assert product_answer("man", "woman", "king") == "she"
        assert product_answer("woman", "man", "queen") == "he"
        assert [scores[name]["score"] for name in ("a.txt:royal", "a.txt:wrong")] == [1, 0]

    def test_analogies_of_msr_have_one_section_per_tag(self, evaluate, planted, write_file):
        msr = write_file("msr.txt", "man woman king NN_NN queen\nman woman king NN_XX cold\n")

        scores = scores_by_name(evaluate("--vectors", planted, msr))

        assert [score["score"] for score in scores.values()] == [0.5, 1, 0]

    def test_analogies_without_sections_have_one_score(self, evaluate, planted, write_file):
        plain = write_file("plain.txt", "man woman king queen\n")

        assert list(scores_by_name(evaluate("--vectors", planted, plain))) == ["plain.txt"]

    def test_the_odd_one_out_is_found(self, evaluate, planted, write_file):
        odd = write_file(
            "odd.txt", "he man king soldier cold\nshe woman queen maid he\nshe he maid man woman\n"
        )
        [score] = evaluate("--vectors", planted, odd)["runs"][0]["scores"]

        assert (score["kind"], score["measure"]) == ("odd-one-out", "accuracy")
        assert (score["score"], score["asked"]) == (pytest.approx(2 / 3), 3)

    def test_categories_have_the_purity_of_their_clusters(self, evaluate, planted, write_file):
        words = {"warm": "heat", "hot": "heat", "she": "women", "woman": "women"}
        categories = write_file("c.txt", "".join(f"{word}\t{kind}\n" for word, kind in words.items()))
        [score] = evaluate("--vectors", planted, categories)["runs"][0]["scores"]

        assert (score["kind"], score["measure"], score["score"]) == ("categories", "purity", 1)

    def test_word_sets_have_the_effect_size_and_the_p_value_of_weat(self, evaluate, planted, write_file):
        sets = {
            "math": ["king", "soldier"],
            "arts": ["queen", "maid"],
            "male_terms": ["he"],
            "female_terms": ["she", "herself"],
        }
        word_sets = write_file("weat.json", json.dumps(sets))
        [score] = evaluate("--vectors", planted, word_sets)["runs"][0]["scores"]

        unit = {word: np.array(PLANTED[word]) / np.linalg.norm(PLANTED[word]) for word in PLANTED}
        s = [unit[word] @ (unit["he"] - unit["she"]) for word in ("king", "soldier", "queen", "maid")]
        effect = (mean(s[:2]) - mean(s[2:])) / np.std(s)
        assert (score["section"], score["measure"]) == ("WEAT 7", "effect size")
        assert score["score"] == pytest.approx(effect, abs=1e-6)
        # Of the six splits of four words into two pairs, one is as strongly associated.
        assert score["figures"]["p"] == pytest.approx(1 / 6)
        assert score["about"] == "math and arts, male terms and female terms"
        assert (score["asked"], score["unknown"], score["scored"]) == (7, 1, 6)

    def test_words_that_weat_leaves_out_are_named(self, vecmill, evaluate, planted, write_file):
        sets = {
            "math": ["king", "soldier", "harp"],
            "arts": ["queen"],
            "male_terms": ["he"],
            "female_terms": ["she", *(f"nowhere{n}" for n in range(6))],
        }
        word_sets = write_file("weat.json", json.dumps(sets))
        [score] = evaluate("--vectors", planted, word_sets)["runs"][0]["scores"]

        assert score["unknown_words"] == ["harp", *(f"nowhere{n}" for n in range(6))]
        assert score["left_out"] == ["soldier"]
        assert (score["asked"], score["unknown"], score["scored"]) == (12, 7, 4)
        *_, missing, cut = vecmill("evaluate", "--vectors", planted, word_sets).printed.splitlines()
        named = "'harp', 'nowhere0', 'nowhere1', 'nowhere2', 'nowhere3' and 2 more"
        assert missing == f"weat.json:WEAT 7: no vector for 7 words: {named}."
        assert cut == "weat.json:WEAT 7: 1 word left out for target sets of equal size: 'soldier'."

    def test_tests_without_missing_words_have_no_notes(self, vecmill, evaluate, planted, write_file):
        test = {"mine": {"targets": [["king"], ["queen"]], "attributes": [["he"], ["she"]]}}
        word_sets = write_file("weat.json", json.dumps(test))

        [score] = evaluate("--vectors", planted, word_sets)["runs"][0]["scores"]

        assert "unknown_words" not in score
        printed = vecmill("evaluate", "--vectors", planted, word_sets).printed
        assert printed.splitlines()[-1].startswith("Questions with an unknown word are left out.")

    def test_the_score_of_a_file_does_not_depend_on_other_files(self, evaluate, planted, write_file):
        pairs, analogies = write_file("pairs.tsv", PAIRS), write_file("a.txt", ANALOGIES)

        alone = scores_by_name(evaluate("--vectors", planted, pairs))
        together = scores_by_name(evaluate("--vectors", planted, analogies, pairs))

        assert alone["pairs.tsv"] == together["pairs.tsv"]


class TestUnknownWords:
    def test_are_left_out_or_counted_as_wrong(self, evaluate, planted, write_file):
        files = (
            write_file("pairs.tsv", PAIRS + "hot\tlukewarm\t8\n"),
            write_file("a.txt", ANALOGIES + "man woman king princess\n"),
            write_file("odd.txt", "he man king soldier cold\nhe man king soldier tepid\n"),
        )

        left_out = evaluate("--vectors", planted, *files)
        counted = evaluate("--vectors", planted, *files, "--score-unknown")

        assert left_out["settings"]["unknown"] == "left out"
        assert counted["settings"]["unknown"] == "counted as wrong"
        for name, asked in (("pairs.tsv", 5), ("a.txt", 4), ("odd.txt", 2)):
            without, with_unknown = scores_by_name(left_out)[name], scores_by_name(counted)[name]
            assert [without[key] for key in ("asked", "unknown", "scored")] == [asked, 1, asked - 1]
            assert [with_unknown[key] for key in ("asked", "unknown", "scored")] == [asked, 1, asked]
            assert with_unknown["score"] < without["score"]
        assert scores_by_name(counted)["a.txt"]["score"] == pytest.approx(2 / 4)

    def test_a_section_without_known_words_has_no_score(self, vecmill, evaluate, planted, write_file):
        unknown = write_file("u.txt", ": greek\nalpha beta gamma delta\n")

        assert scores_by_name(evaluate("--vectors", planted, unknown))["u.txt"]["score"] is None
        assert "  greek" in vecmill("evaluate", "--vectors", planted, unknown).printed

    def test_a_word_beyond_the_most_frequent_is_unknown_to_analogies(self, evaluate, planted, write_file):
        files = write_file("a.txt", ANALOGIES), write_file("pairs.tsv", PAIRS)

        content = evaluate("--vectors", planted, *files, "--restrict", "6")

        assert content["settings"]["restrict"] == 6
        assert scores_by_name(content)["a.txt:wrong"]["unknown"] == 1
        assert scores_by_name(content)["a.txt:royal"]["unknown"] == 0
        assert scores_by_name(content)["pairs.tsv"]["unknown"] == 0

    @pytest.mark.parametrize("form", ["NFC", "NFD"])
    @pytest.mark.parametrize("known", ["NFC", "NFD"])
    def test_words_are_known_however_they_are_composed(self, evaluate, write_file, tmp_path, form, known):
        words = dict.fromkeys(unicodedata.normalize(known, word) for word in ("café", "œuvre", "naïve"))
        vectors = write_vectors(tmp_path / "v.txt", {word: [n, 1] for n, word in enumerate(words)})
        text = unicodedata.normalize(form, "café œuvre 1\nCAFÉ naïve 2\nœuvre NAÏVE 3\n")

        [score] = evaluate("--vectors", vectors, write_file("p.txt", text))["runs"][0]["scores"]

        assert (score["asked"], score["unknown"]) == (3, 0)

    def test_turkish_words_are_not_merged(self, evaluate, write_file, tmp_path):
        dotless = "\N{LATIN SMALL LETTER DOTLESS I}"
        vectors = write_vectors(tmp_path / "v.txt", {"kir": [1, 0], f"k{dotless}r": [0, 1], "su": [0.1, 1]})
        pairs = write_file("p.txt", f"k{dotless}r su 9\nkir su 1\nKİR su 1\nkir k{dotless}r 0\n")

        [score] = evaluate("--vectors", vectors, pairs)["runs"][0]["scores"]

        assert score["unknown"] == 0
        assert score["score"] == pytest.approx(1, abs=0.06)

    def test_case_is_ignored_unless_the_user_forbids_it(self, evaluate, planted, write_file):
        pairs = write_file("pairs.tsv", "HOT\tWARM\t9\nKing\tman\t5\nhe\tcold\t1\n")

        assert scores_by_name(evaluate("--vectors", planted, pairs))["pairs.tsv"]["unknown"] == 0
        content = evaluate("--vectors", planted, pairs, "--case-sensitive")
        assert scores_by_name(content)["pairs.tsv"]["unknown"] == 2
        assert content["settings"]["ignore_case"] is False
