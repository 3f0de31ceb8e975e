from __future__ import annotations

import numpy as np
import pytest

from vecmill.evaluation.gender_bias import most_female, most_gendered, most_male
from vecmill.report import vector_answers
from vecmill.vectors.word_vectors import WordVectors

pytestmark = pytest.mark.usefixtures("without_scikit_learn")


def vectors_of(words: list[str], dim: int = 8) -> WordVectors:
    rows = np.random.default_rng(3).normal(size=(len(words), dim)).astype(np.float32)
    return WordVectors(words, rows)


def test_a_card_has_a_word_with_its_count_and_its_neighbours():
    vectors = WordVectors(["x", "y", "z"], np.array([[1, 0], [0.9, 0.1], [0, 1]], np.float32))

    answers = vector_answers.collect_answers(vectors, np.array([30, 20, 10]), ["z"], seed=1)

    (card,) = answers.neighbours
    assert (card.word, card.count) == ("z", 10)
    assert [word for word, _ in card.near] == ["y", "x"]
    assert (answers.bias, answers.offsets, answers.analogies) == (None, {}, [])


def test_gender_bias_separates_the_words_of_both_sides():
    axis, other = np.eye(8, dtype=np.float32)[:2]
    female = ["she", "her", "woman", "nurse", "maid", "dancer"]
    male = ["he", "his", "man", "engineer", "pilot", "judge"]
    rows = np.array([other + axis] * 6 + [other - axis] * 6)
    vectors = WordVectors(female + male, rows)

    bias = vector_answers.measurable_bias(vectors)

    assert bias is not None
    assert {word for word, _ in most_female(bias.words)[:6]} == set(female)
    assert {word for word, _ in most_male(bias.words)[:6]} == set(male)
    assert len(bias.words) == 12
    assert isinstance(bias.answers, str), "there is no programmer"
    assert bias.pairs == 3
    occupations = list(most_gendered(bias.occupations))
    assert set(occupations[:3]) == {"nurse", "maid", "dancer"}
    assert set(occupations[3:]) == {"engineer", "pilot", "judge"}
    assert bias.direction.explained[:2] == pytest.approx((1, 0))


def test_too_few_known_words_give_no_bias():
    vectors = vectors_of(["she", "he", "nurse", "pilot", "cook", "judge", "maid", "baker"])

    assert vector_answers.measurable_bias(vectors) is None


def test_similar_words_share_a_colour_and_the_most_frequent_group_has_the_first():
    directions = np.eye(8, dtype=np.float32)
    rows = np.repeat(directions[[2, 0, 1, 3, 4, 5, 6, 7]], 4, axis=0)

    groups, typical = vector_answers.cluster_words(rows, seed=1)

    assert groups == [n // 4 for n in range(32)]
    assert typical == [[4 * n, 4 * n + 1, 4 * n + 2, 4 * n + 3] for n in range(8)]


def test_a_few_words_have_one_colour():
    assert vector_answers.cluster_words(np.eye(7, dtype=np.float32), seed=1) == ([0] * 7, [])


def test_the_map_has_the_frequent_words_and_those_mentioned_on_the_page(monkeypatch):
    monkeypatch.setattr(vector_answers, "MAP_WORDS", 4)
    monkeypatch.setattr(vector_answers, "MAP_NEIGHBOURS_AMONG", 6)
    vectors = vectors_of([f"w{n}" for n in range(10)])

    word_map = vector_answers.map_words(vectors, None, ["w9", "w2"], seed=1)

    assert word_map is not None
    assert word_map.words[:5] == ["w0", "w1", "w2", "w3", "w9"]
    assert set(word_map.words) == {"w0", "w1", "w2", "w3", "w4", "w5", "w9"}
    assert word_map.layout.points.shape == (5, 2)
    for id_, row in enumerate(word_map.near):
        assert row == sorted(row, key=lambda near: -near[1])
        for near, cosine in row:
            assert near != id_
            x, y = vectors.vector(word_map.words[id_]), vectors.vector(word_map.words[near])
            expected = x @ y / np.linalg.norm(x) / np.linalg.norm(y)
            assert cosine == pytest.approx(expected, abs=1e-5)


def test_two_words_have_no_map():
    vectors = vectors_of(["a", "b"])

    assert vector_answers.map_words(vectors, None, [], seed=1) is None
