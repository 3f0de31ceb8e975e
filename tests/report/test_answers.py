from __future__ import annotations

import numpy as np
import pytest

from vecmill.core.measures.similarity import unit_rows
from vecmill.report import answers
from vecmill.vectors.word_vectors import WordVectors

pytestmark = pytest.mark.usefixtures("without_scikit_learn")


def vectors_of(words: list[str], dim: int = 8) -> WordVectors:
    rows = np.random.default_rng(3).normal(size=(len(words), dim)).astype(np.float32)
    return WordVectors(words, rows)


def test_words_that_were_asked_for_are_looked_at_and_unknown_ones_passed_over():
    vectors = vectors_of(["a", "b", "king"])

    assert answers.chosen_words(vectors, ["b", "nowhere", "a"]) == ["b", "a"]


def test_a_corpus_of_another_language_is_looked_at_by_its_own_words():
    words = [f"w{n}" for n in range(50)] + [f"middling{n}" for n in range(90)]

    chosen = answers.chosen_words(vectors_of(words), ())

    assert chosen == [f"middling{n}" for n in range(0, 90, 10)]


def test_a_word_and_its_count_and_neighbours_go_together():
    vectors = WordVectors(["x", "y", "z"], np.array([[1, 0], [0.9, 0.1], [0, 1]], np.float32))

    found = answers.ask(vectors, np.array([30, 20, 10]), ["z"], seed=1)

    (card,) = found.neighbours
    assert (card.word, card.count) == ("z", 10)
    assert [word for word, _ in card.near] == ["y", "x"]
    assert (found.gender, found.offsets, found.analogies) == (None, {}, [])


def test_gender_bias_puts_the_words_on_the_female_side_first():
    axis, other = np.eye(8, dtype=np.float32)[:2]
    female = ["she", "her", "woman", "nurse", "maid", "dancer"]
    male = ["he", "his", "man", "engineer", "pilot", "judge"]
    rows = np.array([other + axis] * 6 + [other - axis] * 6)
    vectors = WordVectors(female + male, rows)

    found = answers.gender_bias(vectors)

    assert found is not None
    assert {word for word, _ in found.female[:6]} == set(female)
    assert {word for word, _ in found.male[:6]} == set(male)
    assert (found.among, found.analogy) == (12, None)
    assert found.pairs == 3
    assert {word for word, _ in found.occupations[:3]} == {"nurse", "maid", "dancer"}
    assert {word for word, _ in found.occupations[3:]} == {"engineer", "pilot", "judge"}
    assert found.explained == pytest.approx((1, 0))


def test_too_few_known_words_give_no_picture_of_bias():
    vectors = vectors_of(["she", "he", "nurse", "pilot", "cook", "judge", "maid", "baker"])

    assert answers.gender_bias(vectors) is None


def test_words_of_one_kind_have_one_colour_and_the_most_frequent_kind_the_first():
    kinds = np.eye(8, dtype=np.float32)
    rows = np.repeat(kinds[[2, 0, 1, 3, 4, 5, 6, 7]], 4, axis=0)

    groups, typical = answers.groups_of(rows, seed=1)

    assert groups == [n // 4 for n in range(32)]
    assert typical == [[4 * n, 4 * n + 1, 4 * n + 2, 4 * n + 3] for n in range(8)]


def test_a_handful_of_words_has_one_colour():
    assert answers.groups_of(np.eye(7, dtype=np.float32), seed=1) == ([0] * 7, [])


def test_the_map_shows_frequent_words_and_those_that_were_mentioned(monkeypatch):
    monkeypatch.setattr(answers, "MAP_WORDS", 4)
    monkeypatch.setattr(answers, "MAP_NEIGHBOURS_AMONG", 6)
    vectors = vectors_of([f"w{n}" for n in range(10)])

    shown = answers.word_map(vectors, unit_rows(vectors.vectors), None, ["w9", "w2"], seed=1)

    assert shown is not None
    assert shown.words[:5] == ["w0", "w1", "w2", "w3", "w9"]
    assert set(shown.words) == {"w0", "w1", "w2", "w3", "w4", "w5", "w9"}
    assert shown.layout.points.shape == (5, 2)
    for id_, row in enumerate(shown.near):
        assert row == sorted(row, key=lambda near: -near[1])
        for near, cosine in row:
            assert near != id_
            here, there = vectors.vector(shown.words[id_]), vectors.vector(shown.words[near])
            expected = here @ there / np.linalg.norm(here) / np.linalg.norm(there)
            assert cosine == pytest.approx(expected, abs=1e-5)


def test_two_words_are_no_map():
    vectors = vectors_of(["a", "b"])

    assert answers.word_map(vectors, unit_rows(vectors.vectors), None, [], seed=1) is None
