from __future__ import annotations

import math
import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecmill.core.measures import bias
from vecmill.core.measures.bias import (
    bias_direction,
    bounded_analogy,
    effect_size,
    extremes,
    split_p_value,
    weat,
)
from vecmill.core.measures.similarity import unit_rows
from vecmill.errors import InputError

seeds = st.integers(0, 2**32 - 1)
EVERY_SPLIT = 10**9


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def random_unit(seed, rows, dim=5):
    return unit_rows(generator(seed).standard_normal((rows, dim)))


class TestWeat:
    # s is the first coordinate minus the second: 1, .2, -.2 and -1 for rose, tulip, wasp and fly.
    words = ("good", "bad", "rose", "tulip", "wasp", "fly", "moth")
    unit = np.array(
        [[1, 0], [0, 1], [1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1], [0, 1]],
        np.float32,
    )
    flowers, insects = ("rose", "tulip"), ("wasp", "fly")

    def run(self, x, y, a=("good",), b=("bad",), **settings):
        return weat(self.words, self.unit, (x, y), (a, b), rng=generator(), **settings)

    def test_effect_size_and_p_value_match_a_calculation_by_hand(self):
        result = self.run(self.flowers, self.insects)

        # Means .6 and -.6, variance (1 + .04 + .04 + 1) / 4 = .52; one split in six is as strong.
        assert result.effect_size == pytest.approx(1.2 / math.sqrt(0.52))
        assert result.p_value == pytest.approx(1 / 6)
        assert result.exact
        assert (result.targets, result.unknown, result.cut) == (2, (), ())

    def test_swapping_the_attributes_negates_the_effect_size(self):
        result = self.run(self.flowers, self.insects, a=("bad",), b=("good",))

        assert result.effect_size == pytest.approx(-1.2 / math.sqrt(0.52))
        assert result.p_value == pytest.approx(1)

    def test_the_largest_effect_size_is_two(self):
        assert effect_size(np.array([1.0, 1, 1, -1, -1, -1])) == pytest.approx(2)

    def test_unknown_words_are_dropped_and_the_rarest_of_the_longer_set_is_cut(self):
        result = self.run(("Rose", "tulip", "orchid"), ("moth", "wasp", "fly"), a=("good", "fine"))

        assert result.unknown == ("orchid", "fine")
        assert result.cut == ("moth",)
        assert result.targets == 2
        assert result.effect_size == pytest.approx(1.2 / math.sqrt(0.52))

    def test_a_word_named_twice_counts_once(self):
        assert self.run(("rose", "ROSE", "tulip"), self.insects).targets == 2

    def test_a_set_without_known_words_gives_nan(self):
        for result in (self.run((), self.insects), self.run(self.flowers, self.insects, a=("x",))):
            assert math.isnan(result.effect_size)
            assert math.isnan(result.p_value)

    @pytest.mark.parametrize("numbers", [1, 1000, 1 << 22])
    def test_the_size_of_blocks_changes_no_draw(self, numbers, monkeypatch):
        s = generator(1).normal(size=40)
        expected = split_p_value(s, generator(2), max_splits=2000)

        monkeypatch.setattr(bias, "BLOCK_NUMBERS", numbers)

        assert split_p_value(s, generator(2), max_splits=2000) == expected

    def test_long_sets_take_bounded_memory_and_fewer_draws(self, monkeypatch):
        monkeypatch.setattr(bias, "MOST_SHUFFLED", 1_000_000)
        s = generator(1).normal(size=20_000)

        tracemalloc.start()
        p_value = split_p_value(s, generator(2), max_splits=100_000)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert p_value * 1001 == pytest.approx(round(p_value * 1001))
        assert peak < 150e6

    def test_equal_associations_have_no_effect_size(self):
        result = self.run(("fly",), ("moth",))

        assert math.isnan(result.effect_size)
        assert result.p_value == 1

    @given(seeds, st.integers(1, 5), st.integers(1, 4), st.integers(1, 4))
    @settings(max_examples=50)
    def test_swapping_the_targets_negates_the_effect_size(self, seed, n, m, k):
        words = [str(i) for i in range(2 * n + m + k)]
        unit = random_unit(seed, len(words))
        x, y, a, b = (words[:n], words[n : 2 * n], words[2 * n : 2 * n + m], words[2 * n + m :])

        result = weat(words, unit, (x, y), (a, b), rng=generator())
        swapped = weat(words, unit, (y, x), (a, b), rng=generator())

        assert swapped.effect_size == pytest.approx(-result.effect_size)
        assert abs(result.effect_size) <= 2 + 1e-12
        # Every split is as strong as the given one in one of the two directions, the given one in both.
        assert result.p_value + swapped.p_value == pytest.approx(1 + 1 / math.comb(2 * n, n))

    # Whole numbers, so that many splits tie with the given one.
    @given(
        st.integers(1, 4).flatmap(lambda n: st.lists(st.integers(-3, 3), min_size=2 * n, max_size=2 * n))
    )
    def test_the_exact_p_value_counts_all_splits(self, whole):
        n = len(whole) // 2
        # Sums of tenths are inexact, and their last digit depends on the order.
        s = np.array(whole, np.float64) / 10

        p_value = split_p_value(s, generator(), max_splits=EVERY_SPLIT)

        splits = [sum(whole[i] for i in chosen) for chosen in combinations(range(2 * n), n)]
        as_strong = sum(split >= sum(whole[:n]) for split in splits)
        assert p_value == pytest.approx(as_strong / len(splits))

    def test_a_sampled_p_value_is_near_the_exact_one_and_never_zero(self):
        s = generator(1).normal(0, 1, 12)
        s[:6] += 0.5

        exact = split_p_value(s, generator(), max_splits=EVERY_SPLIT)
        sampled = split_p_value(s, generator(), max_splits=900)
        smallest = split_p_value(np.repeat([1.0, 0.0], 20), generator(), max_splits=50)

        # Four standard errors of a share out of 900.
        assert sampled == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 900))
        assert sampled != exact
        assert smallest == pytest.approx(1 / 51)

    def test_draws_of_several_batches_are_all_counted(self):
        # Every split of equal values is as strong as the given one.
        assert split_p_value(np.zeros(40), generator(), max_splits=25_000) == 1

    def test_sampled_splits_are_the_same_for_the_same_seed(self):
        first, second = (self.run(self.flowers, self.insects, max_splits=5) for _ in range(2))

        assert not first.exact
        assert first == second


class TestDirection:
    # Gender is the third axis; the words of a pair differ only along it.
    words = ("she", "he", "woman", "man", "nurse", "smith", "poet")
    unit = unit_rows(
        np.array([[1, 0, 1], [1, 0, -1], [0, 1, 1], [0, 1, -1], [1, 1, 0.5], [1, 1, -0.4], [1, 1, 0]])
    )
    pairs = (("she", "he"), ("woman", "man"))

    def test_the_direction_points_to_the_first_of_each_pair(self):
        direction = bias_direction(self.words, self.unit, self.pairs)
        swapped = bias_direction(self.words, self.unit, [(b, a) for a, b in self.pairs])

        np.testing.assert_allclose(direction.vector, [0, 0, 1], atol=1e-6)
        np.testing.assert_allclose(swapped.vector, [0, 0, -1], atol=1e-6)
        np.testing.assert_allclose(direction.explained, [1, 0], atol=1e-6)
        assert direction.vector.dtype == np.float32

    @given(seeds, st.integers(1, 6))
    @settings(max_examples=50)
    def test_the_direction_is_the_first_component_of_rows_minus_the_mean_of_their_pair(self, seed, n):
        words = [str(i) for i in range(2 * n)]
        unit = random_unit(seed, 2 * n)
        pairs = [(words[i], words[i + n]) for i in range(n)]

        direction = bias_direction(words, unit, pairs)

        halves = unit.astype(np.float64).reshape(2, n, -1)
        centred = np.concatenate(halves - halves.mean(axis=0))
        variances, components = np.linalg.eigh(centred.T @ centred)
        share = variances[-1] / variances.sum()
        assert abs(direction.vector @ components[:, -1]) == pytest.approx(1, abs=1e-3)
        assert direction.explained[0] == pytest.approx(share)
        assert direction.explained.sum() == pytest.approx(1)
        assert ((halves[0] - halves[1]) @ direction.vector).sum() >= -1e-6

    def test_pairs_with_an_unknown_word_are_left_out(self):
        direction = bias_direction(self.words, self.unit, [*self.pairs, ("queen", "king")])

        assert direction.unknown == (("queen", "king"),)
        np.testing.assert_allclose(direction.vector, [0, 0, 1], atol=1e-6)

    @pytest.mark.parametrize("pairs", [[], [("queen", "king")], [("he", "He")]])
    def test_pairs_without_distinct_known_words_are_an_error(self, pairs):
        with pytest.raises(InputError, match="a pair of two different words from the vocabulary"):
            bias_direction(self.words, self.unit, pairs)

    def test_extremes_are_the_words_with_the_highest_and_lowest_projections(self):
        along, against, unknown = extremes(self.words, self.unit, np.array([0, 0, 1]), 2)

        assert [word for word, _ in along] == ["she", "woman"]
        assert [word for word, _ in against] == ["man", "he"]
        assert along[0][1] == pytest.approx(math.sqrt(0.5))
        assert against[0][1] == pytest.approx(-math.sqrt(0.5))
        assert unknown == ()

    def test_extremes_can_be_restricted_to_a_list_of_words(self):
        among = ["Smith", "nurse", "poet", "pilot"]

        result = extremes(self.words, self.unit, np.array([0, 0, 1]), 5, among=among)

        assert [word for word, _ in result.along] == ["nurse", "poet", "smith"]
        assert [word for word, _ in result.against] == ["smith", "poet", "nurse"]
        assert result.unknown == ("pilot",)


class TestBoundedAnalogy:
    words = ("man", "woman", "computer", "programmer", "analyst", "nurse", "Nurse", "moon")
    unit = unit_rows(
        np.array(
            [
                [0, 0, 1],
                [0, 0, -1],
                [1, 0.1, 0],
                [1, 0, 0.6],
                [1, 0, 0.1],
                [1, 0, -0.3],
                [1, 0, -0.2],
                [0, 1, -9],
            ]
        )
    )

    def test_answers_lie_near_and_differ_in_the_direction_of_the_question(self):
        answers = bounded_analogy(self.words, self.unit, "man", "programmer", "woman", 9)

        # The moon would score, but it is too far away.
        assert {word for word, _ in answers} == {"analyst", "nurse", "Nurse", "computer"}
        row = dict(zip(self.words, self.unit, strict=True))
        for word, score in answers:
            step = row["programmer"] - row[word]
            assert score == pytest.approx(step[2] / np.linalg.norm(step), abs=1e-5)
        assert [score for _, score in answers] == sorted((s for _, s in answers), reverse=True)

    def test_delta_bounds_the_distance_of_answers(self):
        def answers(delta):
            scored = bounded_analogy(self.words, self.unit, "man", "programmer", "woman", 9, delta=delta)
            return {word for word, _ in scored}

        assert "moon" in answers(2)
        assert answers(0.1) == set()

    def test_a_phrase_is_one_word_if_known_and_else_the_mean_of_its_words(self):
        answers = bounded_analogy(self.words, self.unit, "man", "computer programmer", "woman", 9)
        joined = (*self.words, "computer_programmer")
        unit = np.concatenate([self.unit, unit_rows(self.unit[2:3] + self.unit[3:4])])
        as_one = bounded_analogy(joined, unit, "man", "computer programmer", "woman", 9)

        assert {word for word, _ in answers} == {"analyst", "nurse", "Nurse"}
        scores = dict(as_one)
        assert set(scores) == {"analyst", "nurse", "Nurse", "computer", "programmer"}
        assert all(scores[word] == pytest.approx(score) for word, score in answers)

    def test_question_words_are_no_answers_in_any_spelling(self):
        answers = bounded_analogy(self.words, self.unit, "man", "nurse", "woman", 9)

        assert {word for word, _ in answers} == {"analyst", "programmer", "computer"}

    def test_words_beyond_the_most_frequent_are_no_answers(self):
        answers = bounded_analogy(self.words, self.unit, "man", "programmer", "woman", 9, most_frequent=5)

        assert {word for word, _ in answers} == {"analyst", "computer"}

    def test_an_unknown_word_is_named_with_similar_spellings(self):
        with pytest.raises(
            InputError,
            match=r"'computer programer': expected .* got the unknown 'programer'; try programmer",
        ):
            bounded_analogy(self.words, self.unit, "man", "computer programer", "woman", 3)

    def test_an_empty_phrase_is_an_error(self):
        with pytest.raises(InputError, match="expected words of the vocabulary"):
            bounded_analogy(self.words, self.unit, "man", " ", "woman", 3)
