"""The sampling tables against the formulas of word2vec.c and the distributions that they represent."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.core.sampling import AliasTable, alias_table, keep_probability, noise_weight
from vecmill.errors import ShapeError

# Weights like those of counts: equal ones, very different ones, and zeros.
weights_of_words = st.lists(
    st.just(0.0) | st.integers(1, 5).map(float) | st.floats(1e-3, 1e9), min_size=1, max_size=60
).filter(any)


def implied(table: AliasTable) -> list[float]:
    """The probability of each word, summed over the cells of an alias table."""
    size = len(table.alias)
    probability = [0.0] * size
    pairs = zip(table.threshold.tolist(), table.alias.tolist(), strict=True)
    for word, (own, alias) in enumerate(pairs):
        probability[word] += own / size
        probability[alias] += (1 - own) / size
    return probability


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        # f = count / 1,000,000 and t = 0.001: sqrt(t / f) + t / f, at most 1.
        (1_000_000, math.sqrt(0.001) + 0.001),
        (100_000, 0.1 + 0.01),
        (4_000, 0.5 + 0.25),
        (2_000, 1.0),
        (1, 1.0),
    ],
)
def test_keep_probability_is_that_of_word2vec_c(count, expected):
    kept = keep_probability(np.array([count]), total=1_000_000, subsample=1e-3)

    np.testing.assert_allclose(kept, [expected], rtol=1e-12)


@given(st.integers(1, 10**12), st.integers(0, 10**12), st.floats(1e-9, 1))
def test_keep_probability_agrees_with_the_expression_in_word2vec_c(count, others, sample):
    train_words = count + others
    ran = (math.sqrt(count / (sample * train_words)) + 1) * (sample * train_words) / count

    kept = keep_probability(np.array([count]), train_words, sample)

    np.testing.assert_allclose(kept, [min(1.0, ran)], rtol=1e-9)


def test_without_subsampling_every_token_is_kept():
    assert keep_probability(np.array([5, 1]), 6, 0.0).tolist() == [1.0, 1.0]


def test_noise_weights_are_powers_of_counts():
    counts = np.array([16, 81, 1])

    np.testing.assert_allclose(noise_weight(counts, 0.75), [8, 27, 1], rtol=1e-12)
    np.testing.assert_allclose(noise_weight(counts, 1.0), [16, 81, 1], rtol=1e-12)
    np.testing.assert_allclose(noise_weight(counts, 0.0), [1, 1, 1], rtol=1e-12)


@pytest.mark.parametrize("exponent", [1, 0, -1, 0.75])
def test_noise_weights_are_float64_for_any_exponent(exponent):
    weights = noise_weight(np.array([4, 2]), exponent)

    assert weights.dtype == np.float64
    np.testing.assert_allclose(weights, [4.0**exponent, 2.0**exponent], rtol=1e-12)


@given(weights_of_words)
def test_an_alias_table_implies_the_given_distribution(weights):
    table = alias_table(np.array(weights))

    assert table.alias.dtype == np.int32
    assert ((table.threshold >= 0) & (table.threshold <= 1)).all()
    total = math.fsum(weights)
    np.testing.assert_allclose(implied(table), [w / total for w in weights], rtol=1e-9, atol=1e-13)


@given(weights_of_words)
def test_a_word_without_weight_is_never_drawn(weights):
    table = alias_table(np.array(weights))

    without = np.array(weights) == 0
    assert not np.array(implied(table))[without].any()


@given(st.integers(1, 300), st.floats(1e-3, 1e9))
def test_any_number_of_words_of_equal_weight_are_equally_likely(size, weight):
    table = alias_table(np.full(size, weight))

    np.testing.assert_allclose(implied(table), np.full(size, 1 / size), rtol=1e-9)


def test_a_large_vocabulary_of_zipf_counts_is_implied_to_rounding():
    weights = noise_weight(1 + 10**9 // np.arange(1, 200_001), 0.75)

    probability = np.zeros(len(weights))
    table = alias_table(weights)
    np.add.at(probability, np.arange(len(weights)), table.threshold)
    np.add.at(probability, table.alias, 1 - table.threshold)

    np.testing.assert_allclose(probability / len(weights), weights / weights.sum(), rtol=1e-6)


def test_a_single_word_is_always_drawn():
    table = alias_table(np.array([3.7]))

    assert table.draw(np.random.default_rng(0), (4, 2)).tolist() == [[0, 0]] * 4


def test_draws_follow_the_distribution():
    weights = np.array([0.0, 1, 2, 3, 4, 90, 0.5])
    draws = alias_table(weights).draw(np.random.default_rng(5), (1000, 200))

    assert draws.shape == (1000, 200)
    assert draws.dtype == np.int32
    seen = np.bincount(draws.ravel(), minlength=len(weights))
    expected = draws.size * weights / weights.sum()
    assert seen[0] == 0
    chi_square = ((seen[1:] - expected[1:]) ** 2 / expected[1:]).sum()
    # 5 degrees of freedom: one seed in a million exceeds 35.9.
    assert chi_square < 35.9


def test_the_same_generator_gives_the_same_draws_and_then_other_draws():
    table = alias_table(np.array([1.0, 2, 3]))
    rng, again = np.random.default_rng(1), np.random.default_rng(1)

    first = table.draw(rng, (50,))

    assert first.tolist() == table.draw(again, (50,)).tolist()
    assert first.tolist() != table.draw(rng, (50,)).tolist()


def test_the_draws_of_a_seed_stay_the_same_between_versions():
    """Runs are reproducible only if draws never change."""
    table = alias_table(np.array([1.0, 2, 0, 3, 10]))

    draws = table.draw(np.random.default_rng(6), (2, 6))

    assert draws.tolist() == [[4, 4, 4, 4, 4, 3], [3, 4, 3, 4, 0, 4]]


@pytest.mark.parametrize(
    "weights",
    [[], [0.0, 0.0], [1.0, -0.5], [1.0, math.nan], [1.0, math.inf], [[1.0, 2.0]]],
    ids=["none", "all zero", "negative", "not a number", "infinite", "two rows"],
)
def test_weights_without_a_distribution_are_refused(weights):
    with pytest.raises(ShapeError, match="noise weights must be"):
        alias_table(np.array(weights))
