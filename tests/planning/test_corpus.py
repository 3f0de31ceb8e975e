"""The numbers about a corpus, estimated from a sample or counted."""

from __future__ import annotations

import numpy as np
import pytest

from tests.planning.examples import load_config
from vecmill.planning.corpus import Kept, counted, estimate
from vecmill.planning.growth import Growth, Range, growth_of
from vecmill.planning.sample import Sample


def zipf_sample(tokens: int, words: int, times: float) -> Sample:
    """A sample of a text whose counts fall as 1 / rank, which has `times` as many tokens."""
    rng = np.random.default_rng(1)
    share = 1 / np.arange(1, words + 1)
    ids = rng.choice(words, tokens, p=share / share.sum())
    found, ids = np.unique(ids, return_inverse=True)
    middle = times * tokens
    return Sample(
        growth_of(np.array_split(ids, 100), len(found)),
        Range(0.99 * middle, middle, 1.01 * middle),
        times == 1.0,
        6 * tokens,
        1,
    )


def test_an_estimate_says_so_and_names_what_it_was_made_from() -> None:
    found = estimate(zipf_sample(50_000, 1_000_000, 100), load_config())

    assert found.tokens == 5_000_000
    assert found.between["tokens"] == (4_950_000, 5_050_000)
    assert found.between["vocabulary"][0] < found.vocabulary < found.between["vocabulary"][1]
    assert found.covered <= found.tokens
    assert found.origin[0].startswith("AN ESTIMATE from 293 KiB of text in 1 file (50,000 tokens, ")


def test_an_estimate_keeps_the_largest_vocabulary() -> None:
    sample = zipf_sample(50_000, 1_000_000, 100)

    found = estimate(sample, load_config("vocabulary.max_size=1000", "vocabulary.min_count=1"))

    assert found.vocabulary == 1000
    assert found.between["vocabulary"] == (1000, 1000)
    # The first thousand of a million words have half of the tokens.
    assert found.covered == pytest.approx(0.52 * found.tokens, rel=0.1)


def test_no_more_words_are_estimated_than_can_occur_so_often() -> None:
    rng = np.random.default_rng(1)
    ids = np.arange(20_000)
    rng.shuffle(ids)
    growth = growth_of(np.array_split(ids, 50), 20_000)
    sample = Sample(growth, Range(60_000, 60_000, 60_000), False, 120_000, 1)

    found = estimate(sample, load_config("vocabulary.min_count=5"))

    assert found.vocabulary <= found.between["vocabulary"][1] == 12_000


def test_a_whole_text_is_counted() -> None:
    counts = np.array([50, 20, 7, 6, 5, 4, 1])
    growth = Growth(counts, np.array([0.5, 1, 1]), np.array([5.0, 7, 7]))
    sample = Sample(growth, Range(93, 93, 93), True, 600, 2)

    found = estimate(sample, load_config("vocabulary.max_size=4"))

    assert (found.tokens, found.covered, found.vocabulary) == (93, 83, 4)
    assert found.between == {}
    assert "ESTIMATE" not in found.origin[0]
    assert estimate(sample, load_config("vocabulary.min_count=100")).vocabulary == 1


def test_the_largest_corpus_has_the_upper_limits() -> None:
    found = estimate(zipf_sample(50_000, 1_000_000, 100), load_config())

    largest = found.at_most()

    assert largest.vocabulary == found.between["vocabulary"][1]
    assert (largest.tokens, largest.covered) == (5_050_000, found.between["covered"][1])
    assert largest.between == {}


def test_counts_come_from_the_record_of_the_run() -> None:
    stages = {
        "tokenize": {"tokens": 791_451},
        "vocabulary": {"words": 5_289, "tokens_covered": 778_564},
    }

    found = counted(stages, Kept(0.66, 0.02))

    assert (found.tokens, found.covered, found.vocabulary) == (791_451, 778_564, 5_289)
    assert (found.keep_ratio, found.hottest) == (0.66, 0.02)
