from __future__ import annotations

import numpy as np

from vecmill.evaluation.word_lists import words_to_show
from vecmill.vectors.word_vectors import WordVectors


def vectors_of(words: list[str]) -> WordVectors:
    return WordVectors(words, np.zeros((len(words), 2), np.float32))


def test_known_requested_words_are_shown():
    assert words_to_show(vectors_of(["a", "b", "king"]), ["b", "nowhere", "a"]) == ["b", "a"]


def test_familiar_words_are_shown_by_default():
    vectors = vectors_of(["water", "the", "bread", "joy", "king"])

    assert words_to_show(vectors) == ["king", "bread", "water", "joy"]
    assert words_to_show(vectors, count=2) == ["king", "bread"]
    assert words_to_show(vectors, count=2, familiar=("the", "joy", "king")) == ["the", "joy"]


def test_a_corpus_of_another_language_shows_its_own_words():
    words = [f"w{n}" for n in range(50)] + [f"medium{n}" for n in range(90)]

    assert words_to_show(vectors_of(words)) == [f"medium{n}" for n in range(0, 90, 10)]
