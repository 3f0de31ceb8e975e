"""The numbers about a corpus, estimated from its size or counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planning.examples import load_config
from vecmill.core.sampling import keep_probability
from vecmill.planning.corpus import Kept, counted, estimate, heaps, zipf_kept


@given(st.integers(1, 10**12), st.integers(1, 1000))
def test_the_vocabulary_grows_with_the_text_and_never_beyond_it(tokens: int, count: int) -> None:
    words = heaps(tokens, count)

    assert 1 <= words <= tokens
    assert words <= heaps(2 * tokens, count)
    assert words >= heaps(tokens, 2 * count)


def test_heaps_law_gives_the_vocabularies_that_it_was_fitted_to() -> None:
    assert heaps(16_711_491, 5) == pytest.approx(70_211, rel=0.02)
    assert heaps(255_231, 5) == pytest.approx(5_593, rel=0.2)


@given(st.integers(1, 100_000), st.just(0.0) | st.floats(1e-9, 1))
def test_the_kept_share_is_a_share_and_falls_with_the_threshold(words: int, subsample: float) -> None:
    share, hottest = zipf_kept(words, subsample)

    assert 0 < share <= 1
    assert 0 < hottest <= 1
    if subsample:
        assert share >= zipf_kept(words, subsample / 2).ratio - 1e-9
    else:
        assert share == 1


def test_the_kept_share_is_that_of_a_vocabulary_with_counts_by_zipfs_law() -> None:
    counts = (10**9 / np.arange(1, 10_001)).astype(np.int64)
    kept = counts * keep_probability(counts, int(counts.sum()), 1e-4)

    expected = kept.sum() / counts.sum(), kept.max() / kept.sum()
    assert zipf_kept(10_000, 1e-4) == pytest.approx(expected, rel=1e-3)


def test_an_estimate_says_so_and_keeps_the_largest_vocabulary() -> None:
    found = estimate(6e9, load_config("vocabulary.max_size=1000"))

    assert found.tokens == 10**9
    assert found.vocabulary == 1000
    assert "ESTIMATE" in found.origin[0]


def test_counts_come_from_the_record_of_the_run() -> None:
    stages = {
        "tokenize": {"tokens": 791_451},
        "vocabulary": {"words": 5_289, "tokens_covered": 778_564},
    }

    found = counted(stages, Kept(0.66, 0.02))

    assert (found.tokens, found.covered, found.vocabulary) == (791_451, 778_564, 5_289)
    assert (found.keep_ratio, found.hottest) == (0.66, 0.02)
