from __future__ import annotations

import numpy as np
import pytest
from tests.bench import corpus

from vecmill.corpus.texts import HOLDOUT_SLICE


def texts_of(encoded: corpus.Encoded) -> list[list[str]]:
    parts = np.split(encoded.ids, encoded.ends)
    assert len(parts.pop()) == 0
    return [[str(encoded.words[number]) for number in part] for part in parts]


def test_words_are_letters_in_lower_case_and_rare_words_are_dropped(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("The cat, the dog.\nRare THE 3cat\n\nthe\n")

    encoded = corpus.encode(file, min_count=2)

    assert encoded.words.tolist() == ["the", "cat"]
    assert encoded.counts.tolist() == [4, 2]
    # The last document has a single word, which has no context.
    assert texts_of(encoded) == [["the", "cat", "the"], ["the", "cat"]]


def test_documents_are_cut_into_pieces_of_a_thousand_words(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("a " * 2001 + "\n" + "b " * 1000 + "\n")

    encoded = corpus.encode(file, min_count=1)

    # The last word of the first document would be a piece of its own, without a context.
    assert [len(text) for text in texts_of(encoded)] == [1000, 1000, 1000]


def test_a_cached_corpus_is_read_back(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("a b a\n")
    corpus.write_cache(file, 1, tmp_path / "cache.npz")

    for read, made in zip(corpus.read_cache(tmp_path / "cache.npz"), corpus.encode(file, 1), strict=True):
        np.testing.assert_array_equal(read, made)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_text_is_dealt_once_and_the_held_out_texts_do_not_depend_on_the_slices(seed):
    counts = np.arange(400, 0, -1)
    encoded = corpus.Encoded(
        np.repeat(np.arange(400, dtype=np.int32), 2), np.arange(2, 802, 2), counts.astype(str), counts
    )

    few, many = (encoded.deal(slices, 3, seed, 1e-3, holdout=0.1) for slices in (1, 4))

    assert {slice_ for slice_, _ in many.texts} == {HOLDOUT_SLICE, 0, 1, 2, 3}
    for dealt in (few, many):
        dealt_ids = [batch.column("ids").flatten().to_numpy() for batch in dealt.texts.values()]
        assert sorted(np.concatenate(dealt_ids).tolist()) == encoded.ids.tolist()
    assert few.texts[HOLDOUT_SLICE, 0].equals(many.texts[HOLDOUT_SLICE, 0])
