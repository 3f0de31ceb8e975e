from __future__ import annotations

import math
import time
import tracemalloc
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors, Word2Vec
from gensim.models.word2vec import LineSentence
from gensim.test.utils import datapath
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vecmill.core.measures import (
    Accuracy,
    AnalogySection,
    OddOneOut,
    RatedPair,
    analogy_score,
    categorisation_score,
    groups,
    odd_one_out_score,
    similarity_score,
    word_similarity,
)
from vecmill.core.measures.analogies import best_answers
from vecmill.core.measures.groups import odd_row, spherical_k_means
from vecmill.core.measures.similarity import unit_rows
from vecmill.core.measures.word_similarity import bootstrap_interval, pearson, spearman
from vecmill.errors import ShapeError

seeds = st.integers(0, 2**32 - 1)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def random_unit(rng, rows, dim=6):
    return unit_rows(rng.standard_normal((rows, dim)))


def rotated(rng, unit):
    rotation, _ = np.linalg.qr(rng.standard_normal((unit.shape[1], unit.shape[1])))
    return unit_rows(unit @ rotation)


def as_gensim(words, vectors):
    model = KeyedVectors(vectors.shape[1])
    model.add_vectors(words, vectors)
    return model


@pytest.fixture(scope="module")
def trained():
    corpus = LineSentence(datapath("lee_background.cor"))
    return Word2Vec(corpus, vector_size=30, min_count=2, epochs=3, seed=1, workers=1).wv


def random_pairs(rng, words, n):
    """`n` distinct pairs of distinct words, some of them unknown, with tied ratings."""
    all_pairs = list(combinations([*words, "unknown"], 2))
    chosen = rng.choice(len(all_pairs), n, replace=False)
    return [RatedPair(*all_pairs[i], float(rng.integers(0, 6))) for i in chosen]


def write_pairs(path, pairs):
    path.write_text("".join(f"{a}\t{b}\t{rating}\n" for a, b, rating in pairs), encoding="utf-8")
    return str(path)


def write_analogies(path, sections):
    lines = []
    for name, questions in sections:
        lines += [f": {name}", *(" ".join(question) for question in questions)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


class TestSimilarity:
    # Cosines .8, .6, 0 and, for east with west, -1.
    words = ("east", "hill", "peak", "north", "west")
    unit = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1], [-1, 0]], np.float32)

    def score(self, *pairs, **settings):
        return similarity_score(self.words, self.unit, pairs, rng=generator(), **settings)

    def test_equal_ranks_give_one_and_opposite_ranks_minus_one(self):
        rising = [("east", "hill", 9.0), ("east", "peak", 5.0), ("east", "north", 4.9)]
        falling = [(a, b, -rating) for a, b, rating in rising]

        assert self.score(*(RatedPair(*p) for p in rising)).spearman == pytest.approx(1)
        assert self.score(*(RatedPair(*p) for p in falling)).spearman == pytest.approx(-1)

    def test_ties_share_the_mean_of_their_ranks(self):
        # Ranks of x: 1, 2.5, 2.5, 4. Ranks of y: 1, 2, 3, 4. Covariance 4.5, variances 4.5 and 5.
        x, y = np.array([0.0, 7, 7, 9]), np.array([1.0, 2, 3, 4])

        assert spearman(x, y) == pytest.approx(4.5 / math.sqrt(4.5 * 5))

    def test_pairs_with_unknown_words_are_left_out_and_counted(self):
        known = [RatedPair("east", "hill", 3.0), RatedPair("east", "north", 1.0)]

        score = self.score(*known, RatedPair("east", "yonder", 9.0))

        assert (score.scored, score.unknown) == (2, 1)
        assert score.spearman == pytest.approx(1)

    def test_pairs_with_unknown_words_have_cosine_zero_if_scored(self):
        pairs = [
            RatedPair("east", "hill", 3.0),
            RatedPair("east", "west", 1.0),
            RatedPair("east", "yonder", 2.0),
        ]

        score = self.score(*pairs, score_unknown=True)

        assert (score.scored, score.unknown) == (3, 1)
        assert score.spearman == pytest.approx(1)
        assert score.pearson == pytest.approx(stats.pearsonr([0.8, -1, 0], [3, 1, 2])[0])

    def test_words_paired_with_themselves_have_tied_cosines(self):
        unit = random_unit(generator(5), 50)
        words = [str(i) for i in range(50)]
        pairs = [RatedPair(word, word, float(i)) for i, word in enumerate(words)]

        score = similarity_score(words, unit, pairs, rng=generator())

        assert math.isnan(score.spearman)

    def test_case_is_ignored_unless_the_caller_forbids_it(self):
        pair = RatedPair("East", "HILL", 1.0)

        assert self.score(pair).unknown == 0
        assert self.score(pair, ignore_case=False).unknown == 1

    @pytest.mark.parametrize("pairs", [[], [RatedPair("east", "hill", 3.0)] * 3])
    def test_without_pairs_or_with_constant_ratings_there_is_no_correlation(self, pairs):
        score = self.score(*pairs)

        assert math.isnan(score.spearman)
        assert math.isnan(score.pearson)
        assert all(math.isnan(end) for end in score.interval)

    def test_vectors_must_have_one_row_per_word(self):
        with pytest.raises(ShapeError, match=r"expected unit rows \(5, D\), one per word, got \(4, 2\)"):
            similarity_score(self.words, self.unit[:4], [], rng=generator())

    @pytest.mark.parametrize("score_unknown", [False, True])
    @pytest.mark.parametrize("seed", range(5))
    def test_scores_equal_those_of_gensim_on_random_vectors(self, seed, score_unknown, tmp_path):
        rng = generator(seed)
        words = [*"abcdefghijkL", *"ABCD"]
        vectors = rng.standard_normal((len(words), 7)).astype(np.float32)
        pairs = random_pairs(rng, "ABcdEfghijkl", 60)
        path = write_pairs(tmp_path / "pairs.tsv", pairs)

        score = similarity_score(words, unit_rows(vectors), pairs, rng=rng, score_unknown=score_unknown)

        theirs = as_gensim(words, vectors).evaluate_word_pairs(path, dummy4unknown=score_unknown)
        assert score.pearson == pytest.approx(theirs[0][0], abs=1e-6)
        assert score.spearman == pytest.approx(theirs[1][0], abs=1e-3)
        assert 100 * score.unknown / len(pairs) == pytest.approx(theirs[2])

    @pytest.mark.parametrize("name", ["wordsim353.tsv", "simlex999.txt"])
    def test_scores_equal_those_of_gensim_on_trained_vectors(self, trained, name):
        pairs = [
            RatedPair(a, b, float(rating))
            for line in Path(datapath(name)).read_text().splitlines()
            if not line.startswith("#")
            for a, b, rating in [line.split("\t")]
        ]

        score = similarity_score(trained.index_to_key, unit_rows(trained.vectors), pairs, rng=generator())

        theirs = trained.evaluate_word_pairs(datapath(name))
        assert score.scored > 30
        assert score.pearson == pytest.approx(theirs[0][0], abs=1e-6)
        assert score.spearman == pytest.approx(theirs[1][0], abs=1e-3)

    @given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), max_size=12))
    def test_correlations_equal_those_of_scipy_also_with_ties(self, points):
        x, y = np.array(points, np.float64).reshape(-1, 2).T

        if len(set(x)) < 2 or len(set(y)) < 2:
            assert math.isnan(spearman(x, y))
            assert math.isnan(pearson(x, y))
        else:
            assert -1 <= spearman(x, y) <= 1
            assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-12)
            assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y)[0], abs=1e-12)

    @given(seeds)
    @settings(max_examples=30)
    def test_rotating_and_scaling_vectors_changes_no_score(self, seed):
        rng = generator(seed)
        words = list("abcdefgh")
        unit = random_unit(rng, len(words))
        moved = rotated(rng, unit * rng.uniform(0.5, 2, (len(words), 1)).astype(np.float32))
        pairs = random_pairs(rng, words, 25)

        before = similarity_score(words, unit, pairs, rng=rng)
        after = similarity_score(words, moved, pairs, rng=rng)

        assert after.pearson == pytest.approx(before.pearson, abs=1e-4, nan_ok=True)
        assert after.spearman == pytest.approx(before.spearman, abs=0.02, nan_ok=True)
        assert math.isnan(before.spearman) or -1 <= before.spearman <= 1

    def test_the_interval_equals_that_of_scipys_rho_over_the_same_resamples(self):
        rng = generator(3)
        x = rng.integers(0, 5, 30).astype(np.float64)
        y = x + rng.normal(0, 2, 30)

        low, high = bootstrap_interval(x, y, generator(4), 200, 0.9)

        drawn = generator(4).multinomial(30, np.full(30, 1 / 30), size=200)
        rhos = [stats.spearmanr(np.repeat(x, n), np.repeat(y, n))[0] for n in drawn]
        np.testing.assert_allclose([low, high], np.quantile(rhos, [0.05, 0.95]), atol=1e-12)
        assert low < spearman(x, y) < high

    def test_the_interval_is_the_same_for_the_same_seed(self):
        pairs = [RatedPair("east", other, float(i)) for i, other in enumerate(self.words)]

        assert self.score(*pairs).interval == self.score(*pairs).interval

    @pytest.mark.parametrize("block", [1, 100, 1 << 22])
    def test_the_size_of_blocks_changes_no_bit(self, block, monkeypatch):
        rng = generator(1)
        words = [str(n) for n in range(50)]
        unit = random_unit(rng, 50)
        pairs = random_pairs(rng, words, 200)
        expected = similarity_score(words, unit, pairs, rng=generator(2))

        monkeypatch.setattr(word_similarity, "_BLOCK_NUMBERS", block)

        assert similarity_score(words, unit, pairs, rng=generator(2)) == expected

    def test_many_pairs_have_an_interval_in_bounded_memory_and_time(self):
        rng = generator(1)
        x = rng.normal(size=600_000).round(6)
        y = (x + rng.normal(size=len(x))).round(1)

        tracemalloc.start()
        began = time.process_time()
        low, high = bootstrap_interval(x, y, generator(2), 40, 0.95)
        seconds = time.process_time() - began
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert low < spearman(x, y) < high
        # The standard error of rho is about 0.001.
        assert high - low < 0.004
        assert peak < 300e6
        assert seconds < 40

    def test_both_ways_to_draw_resamples_give_the_same_interval(self, monkeypatch):
        rng = generator(1)
        x = rng.normal(size=3000)
        y = x + rng.normal(size=len(x))
        by_multinomial = bootstrap_interval(x, y, generator(2), 1000, 0.95)

        monkeypatch.setattr(word_similarity, "_MULTINOMIAL_PAIRS", 100)

        assert bootstrap_interval(x, y, generator(2), 1000, 0.95) == pytest.approx(
            by_multinomial, abs=0.003
        )

    def test_very_large_ratings_have_the_correlations_of_small_ones(self):
        ratings = (1.0, 0.25, -1.0)
        small, large = (
            [
                RatedPair("east", w, r * size)
                for w, r in zip(("hill", "peak", "north"), ratings, strict=True)
            ]
            for size in (1.0, 1e308)
        )

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            score = self.score(*large)

        assert score.pearson == pytest.approx(self.score(*small).pearson)
        assert score.spearman == self.score(*small).spearman


class TestAnalogies:
    # king - man + woman = queen; Queen is a rarer spelling of queen.
    words = ("man", "woman", "king", "queen", "Queen", "lake")
    unit = unit_rows(np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1], [0, 1, 1.1], [0, 0, -1]]))

    def score(self, *questions, **settings):
        sections = [AnalogySection("royals", questions)]
        return analogy_score(self.words, self.unit, sections, **settings).total

    @pytest.mark.parametrize("method", ["3CosAdd", "3CosMul"])
    def test_man_is_to_woman_as_king_is_to_queen(self, method):
        right, wrong = ("man", "woman", "king", "queen"), ("man", "woman", "king", "lake")

        assert self.score(right, wrong, method=method) == Accuracy(1, 1, 0)

    def test_answers_may_differ_in_case_unless_the_caller_forbids_it(self):
        unit = self.unit[[0, 1, 2, 4, 3, 5]]
        sections = [AnalogySection("royals", [("man", "woman", "king", "QUEEN")])]

        assert analogy_score(self.words, unit, sections).total == Accuracy(1, 0, 0)
        exact = analogy_score(self.words, unit, sections, ignore_case=False)
        assert exact.total == Accuracy(0, 0, 1)

    def test_question_words_are_no_answers_in_any_spelling(self):
        # Nearest to queen - woman + woman are queen, then Queen, another spelling of it, then woman.
        assert self.score(("woman", "queen", "woman", "king")) == Accuracy(1, 0, 0)
        assert self.score(("woman", "queen", "woman", "Queen"), ignore_case=False).correct == 1
        assert self.score(("woman", "queen", "woman", "queen")).incorrect == 1

    def test_questions_with_unknown_words_are_left_out_or_wrong(self):
        known, unknown = ("man", "woman", "king", "queen"), ("man", "woman", "emperor", "queen")

        assert self.score(known, unknown) == Accuracy(1, 0, 1)
        assert self.score(known, unknown, score_unknown=True) == Accuracy(1, 1, 1)

    def test_words_beyond_the_most_frequent_are_unknown(self):
        assert self.score(("man", "woman", "king", "queen"), most_frequent=3) == Accuracy(0, 0, 1)

    def test_sections_are_counted_separately_and_in_total(self):
        sections = [
            AnalogySection("royals", [("man", "woman", "king", "queen")]),
            AnalogySection("lakes", [("man", "woman", "king", "lake")] * 2),
            AnalogySection("empty", []),
        ]

        score = analogy_score(self.words, self.unit, sections)

        assert score.sections["royals"] == Accuracy(1, 0, 0)
        assert score.sections["lakes"] == Accuracy(0, 2, 0)
        assert math.isnan(score.sections["empty"].share)
        assert score.total.share == pytest.approx(1 / 3)

    def test_there_is_no_answer_if_no_word_is_left(self):
        ids = np.array([0]), np.array([1]), np.array([2])

        assert best_answers(self.unit[:3], *ids).tolist() == [-1]
        assert best_answers(self.unit[:3], *ids, method="3CosMul").tolist() == [-1]

    def test_a_question_without_an_answer_is_wrong(self):
        sections = [AnalogySection("royals", [("man", "woman", "king", "king")])]

        score = analogy_score(self.words[:3], self.unit[:3], sections)

        assert score.total == Accuracy(0, 1, 0)

    @pytest.mark.parametrize("method", ["3CosAdd", "3CosMul"])
    @pytest.mark.parametrize("seed", range(3))
    def test_answers_match_plain_loops_over_the_formulas(self, method, seed):
        rng = generator(seed)
        unit = random_unit(rng, 40)
        a, b, c = rng.integers(0, 40, (3, 30))

        answers = best_answers(unit, a, b, c, method=method)

        def cosine(x, y):
            return float(unit[x].astype(np.float64) @ unit[y].astype(np.float64))

        def shifted(x, y):
            return (cosine(x, y) + 1) / 2

        def score(x, a, b, c):
            if method == "3CosAdd":
                return cosine(x, b) - cosine(x, a) + cosine(x, c)
            return shifted(x, b) * shifted(x, c) / (shifted(x, a) + 0.001)

        for q, question in enumerate(zip(a, b, c, strict=True)):
            others = [x for x in range(40) if x not in question]
            assert answers[q] == max(others, key=lambda x: score(x, *question))

    def test_of_equal_rows_the_smaller_id_is_the_answer_also_across_blocks(self):
        # Five times a block of words, so that equal rows are in different blocks.
        rng = generator(1)
        unit = random_unit(rng, 5000)
        a, b, c = np.arange(30).reshape(3, 10)
        winners = best_answers(unit, a, b, c)
        unit[4990:] = unit[winners]

        np.testing.assert_array_equal(best_answers(unit, a, b, c), winners)

    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize("score_unknown", [False, True])
    def test_counts_equal_those_of_gensim_on_random_vectors(self, seed, score_unknown, tmp_path):
        rng = generator(seed)
        words = [*"abcdefghijkl", *"ABCDX"]
        vectors = rng.standard_normal((len(words), 3)).astype(np.float32)
        chosen = rng.choice([*words[:14], "unknown"], (2, 300, 4))
        sections = [
            AnalogySection(name, [tuple(map(str, question)) for question in questions])
            for name, questions in zip(["one", "two words"], chosen, strict=True)
        ]
        path = write_analogies(tmp_path / "analogies.txt", sections)
        settings = {"restrict_vocab": 15, "dummy4unknown": score_unknown}

        score = analogy_score(
            words, unit_rows(vectors), sections, most_frequent=15, score_unknown=score_unknown
        )

        _, theirs = as_gensim(words, vectors).evaluate_word_analogies(path, **settings)
        for section in theirs[:-1]:
            ours = score.sections[section["section"]]
            assert ours.correct == len(section["correct"]) > 0
            assert ours.incorrect == len(section["incorrect"])

    def test_counts_equal_those_of_gensim_on_trained_vectors(self, trained, tmp_path):
        rng = generator(2)
        words = trained.index_to_key
        questions = []
        for a, b, c in rng.choice(words[:2000], (400, 3)):
            answers = trained.most_similar(positive=[b, c], negative=[a], topn=2)
            questions.append((str(a), str(b), str(c), answers[int(rng.integers(2))][0]))
        sections = [AnalogySection("made up", questions)]
        path = write_analogies(tmp_path / "analogies.txt", sections)

        score = analogy_score(words, unit_rows(trained.vectors), sections)

        _, theirs = trained.evaluate_word_analogies(path)
        assert len(words) > 2048
        assert score.total.correct == len(theirs[-1]["correct"]) > 100
        assert score.total.incorrect == len(theirs[-1]["incorrect"]) > 100

    @given(seeds)
    @settings(max_examples=30)
    def test_rotating_and_scaling_vectors_changes_no_answer(self, seed):
        rng = generator(seed)
        unit = random_unit(rng, 30)
        moved = rotated(rng, unit * rng.uniform(0.5, 2, (30, 1)).astype(np.float32))
        a, b, c = rng.integers(0, 30, (3, 20))

        for method in ("3CosAdd", "3CosMul"):
            before = best_answers(unit, a, b, c, method=method)
            np.testing.assert_array_equal(best_answers(moved, a, b, c, method=method), before)


class TestOddOneOut:
    words = ("dog", "cat", "cow", "car")
    unit = unit_rows(np.array([[1, 0.1], [1, 0], [1, 0.2], [0, 1]]))

    def test_the_word_with_another_direction_is_the_odd_one(self):
        right = OddOneOut(("dog", "cat", "cow"), "car")
        wrong = OddOneOut(("dog", "cat", "car"), "cow")

        assert odd_one_out_score(self.words, self.unit, [right, wrong]) == Accuracy(1, 1, 0)

    def test_questions_with_unknown_words_are_left_out_or_wrong(self):
        questions = [OddOneOut(("Dog", "CAT", "cow"), "car"), OddOneOut(("dog", "yak"), "car")]

        score = odd_one_out_score(self.words, self.unit, questions)
        strict = odd_one_out_score(self.words, self.unit, questions, score_unknown=True)

        assert score == Accuracy(1, 0, 1)
        assert strict == Accuracy(1, 1, 1)

    @pytest.mark.parametrize("seed", range(20))
    def test_the_odd_word_is_the_same_as_gensims(self, seed):
        rng = generator(seed)
        words = list("abcdefgh")
        vectors = rng.standard_normal((8, 4)).astype(np.float32)

        odd = words[odd_row(unit_rows(vectors))]

        assert odd == as_gensim(words, vectors).doesnt_match(words)


class TestCategorisation:
    # With so many clusters, single runs of k-means sometimes end in a local optimum.
    @pytest.mark.parametrize("seed", range(5))
    def test_clusters_that_equal_the_categories_have_purity_one(self, seed):
        rng = generator(seed)
        centres = np.eye(8).repeat(5, axis=0)
        unit = unit_rows(centres + rng.normal(0, 0.1, centres.shape))
        words = [f"word{i}" for i in range(40)]
        categorised = [(word, str(i // 5)) for i, word in enumerate(words)]

        score = categorisation_score(words, unit, [*categorised, ("yonder", "9")], rng=rng)

        assert score == (1.0, 8, 40, 1)

    def test_purity_counts_the_most_frequent_category_of_each_cluster(self):
        # Two clear clusters of three words; one word of each has the category of the other cluster.
        unit = unit_rows(np.array([[1, 0], [1, 0.1], [1, 0.2], [0, 1], [0.1, 1], [0.2, 1]]))
        categorised = list(zip("abcdef", "xxyyyx", strict=True))

        score = categorisation_score("abcdef", unit, categorised, rng=generator())

        assert score.purity == pytest.approx(4 / 6)

    def test_without_known_words_there_is_no_purity(self):
        score = categorisation_score(["a"], np.ones((1, 1), np.float32), [("b", "x")], rng=generator())

        assert math.isnan(score.purity)
        assert (score.scored, score.unknown) == (0, 1)

    @given(seeds, st.integers(1, 12), st.integers(1, 12))
    @settings(max_examples=50)
    def test_purity_is_at_least_the_share_of_the_most_frequent_category(self, seed, n, kinds):
        rng = generator(seed)
        words = [f"word{i}" for i in range(n)]
        # Few directions, so that some rows are equal and some clusters are empty.
        unit = unit_rows(rng.integers(-1, 2, (n, 2)))
        names = [str(kind) for kind in rng.integers(0, kinds, n)]

        score = categorisation_score(words, unit, list(zip(words, names, strict=True)), rng=rng)

        assert max(map(names.count, names)) / n <= score.purity <= 1

    def test_the_size_of_blocks_changes_no_cluster(self, monkeypatch):
        rows = random_unit(generator(1), 90)
        expected = spherical_k_means(rows, 7, generator(2))

        monkeypatch.setattr(groups, "BLOCK_COSINES", 100)

        np.testing.assert_array_equal(spherical_k_means(rows, 7, generator(2)), expected)

    def test_clusters_are_the_same_for_the_same_seed(self):
        unit = random_unit(generator(1), 40)

        first, second = (spherical_k_means(unit, 7, generator(2)) for _ in range(2))

        np.testing.assert_array_equal(first, second)
        assert len(set(first)) == 7
