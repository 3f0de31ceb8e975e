"""The same key gives the same numbers, and any other key gives other numbers."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from vecmill.core.keyed_random import Purpose, generator

keys = st.fixed_dictionaries(
    {
        # Large seeds have more than one 32-bit word, which must not be confused with the rest of the key.
        "seed": st.integers(0, 3) | st.integers(0, 2**63 - 1),
        "purpose": st.sampled_from(list(Purpose)),
        "epoch": st.integers(0, 3),
        "slice_": st.integers(0, 3),
        "shard": st.integers(0, 3),
    }
)


def numbers(key: dict[str, int]) -> list[float]:
    return generator(**key).random(8).tolist()


@given(keys)
def test_the_same_key_gives_the_same_numbers(key):
    assert numbers(key) == numbers(key)


@given(keys, keys)
def test_another_key_gives_other_numbers(key, other):
    assume(key != other)

    assert set(numbers(key)).isdisjoint(numbers(other))


def test_no_two_of_many_neighbouring_keys_give_the_same_numbers():
    small = product(range(3), Purpose, range(3), range(3), range(3))

    first = [generator(s, p, epoch=e, slice_=x, shard=y).random() for s, p, e, x, y in small]

    assert len(set(first)) == len(first) == 3 * len(Purpose) * 27


def test_streams_of_neighbouring_keys_are_not_correlated():
    streams = [generator(1, Purpose.PAIRS, shard=shard).normal(size=20_000) for shard in range(4)]

    correlations = np.corrcoef(streams)[np.triu_indices(4, 1)]
    # 20,000 independent draws: the standard deviation of a correlation is .007.
    assert np.abs(correlations).max() < 0.035
