"""The number of words in a text, predicted from a part of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.core.sampling import keep_probability
from vecmill.planning.growth import Growth, growth_of

WORDS = 1_000_000


def draw(kind: str, tokens: int) -> np.ndarray:
    """Ids of a text whose counts fall about as 1 / rank, faster than that, or not at all."""
    rng = np.random.default_rng(7)
    rank = np.arange(1, WORDS + 1)
    share = {"zipf": (rank + 3.0) ** -1.15, "steep": rank**-1.4, "even": np.ones(WORDS)}[kind]
    return rng.choice(WORDS, tokens, p=share / share.sum())


def growth_in(ids: np.ndarray, places: int = 128) -> Growth:
    found, renamed = np.unique(ids, return_inverse=True)
    return growth_of(np.array_split(renamed, places), len(found))


@pytest.mark.parametrize("kind", ["zipf", "steep", "even"])
@pytest.mark.parametrize("times", [4, 20])
@pytest.mark.parametrize("min_count", [1, 2, 5, 20])
def test_the_words_of_a_text_are_within_the_range_of_a_part_of_it(kind, times, min_count):
    part = 400_000
    text = draw(kind, part * times)
    expected = int((np.bincount(text) >= min_count).sum())

    found = growth_in(text[:part]).words_at(len(text), min_count)

    assert found.low <= found.middle <= found.high
    # Of words that are all equally frequent, hardly any may occur so often.
    if expected > 1000:
        assert found.low <= expected <= found.high
        assert found.high < 6 * expected


def test_the_words_of_the_part_itself_are_known():
    text = draw("zipf", 100_000)
    growth = growth_in(text)

    assert growth.tokens == 100_000
    assert growth.words[-1] == len(growth.counts) == len(np.unique(text))
    assert growth.words_at(100_000, 1).middle == pytest.approx(len(growth.counts))
    frequent = (growth.counts >= 8).sum()
    assert growth.words_at(100_000, 8).middle == pytest.approx(frequent, rel=0.05)


@given(st.integers(30_000, 10**12), st.integers(1, 1000))
def test_more_text_has_more_words_and_fewer_are_frequent(tokens, min_count):
    growth = GROWTH

    found = growth.words_at(tokens, min_count)

    assert 0 < found.low <= found.middle <= found.high
    assert found.middle <= growth.words_at(2 * tokens, min_count).middle * 1.5
    assert growth.words_at(tokens, min_count + 5).middle <= found.middle * 1.5


GROWTH = growth_in(draw("zipf", 30_000))


def test_topics_that_stand_together_are_spread():
    rng = np.random.default_rng(1)
    # Each place has words of its own.
    places = [rng.integers(100 * place, 100 * place + 100, 500) for place in range(64)]
    ids = np.concatenate(places)
    found, renamed = np.unique(ids, return_inverse=True)

    growth = growth_of(np.array_split(renamed, 64), len(found))

    np.testing.assert_allclose(growth.words / growth.words[-1], growth.shares, rtol=0.1)


@pytest.mark.parametrize("tokens", [1, 2, 10, 100])
def test_a_tiny_sample_gives_a_number(tokens):
    growth = growth_in(draw("zipf", tokens), places=1)

    for min_count in (1, 5):
        assert growth.words_at(10**6, min_count).middle > 0
    assert 0 < growth.covered(10**6, 5, None) <= 10**6
    assert 0 < growth.kept(1e-3)[0] <= 1


def test_the_same_sample_gives_the_same_numbers():
    text = draw("zipf", 20_000)

    np.testing.assert_array_equal(growth_in(text).words, growth_in(text).words)


def test_covered_tokens_are_those_of_frequent_words():
    text = draw("zipf", 2_000_000)
    counts = np.bincount(text)
    growth = growth_in(text[:100_000])

    for min_count in (1, 5, 20):
        expected = counts[counts >= min_count].sum()
        assert growth.covered(2e6, min_count, None) == pytest.approx(expected, rel=0.1)
    most_frequent = np.sort(counts)[::-1][:500].sum()
    assert growth.covered(2e6, 5, 500) == pytest.approx(most_frequent, rel=0.05)


@pytest.mark.parametrize("subsample", [0.0, 1e-3, 1e-4])
def test_the_kept_share_is_that_of_the_words_of_the_sample(subsample):
    growth = growth_in(draw("zipf", 50_000))
    kept = growth.counts * keep_probability(growth.counts, growth.tokens, subsample)

    expected = kept.sum() / growth.tokens, kept.max() / kept.sum()
    assert growth.kept(subsample) == pytest.approx(expected)
    assert growth.kept(0.0)[0] == 1
