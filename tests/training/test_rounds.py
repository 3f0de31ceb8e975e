from __future__ import annotations

import numpy as np
import pytest

from vecmill import rounds
from vecmill.core.kernels import kernel
from vecmill.errors import ConfigError, InputError
from vecmill.stages.train import Metrics, Round

PART = rounds.Part(epoch=2, slice_=1, words={0: 10, 1: 20})
TASK = Round(kernel("numpy"), "mean", {0: 10.0, 1: 20.0}, 0.0, 0.5, 0.5, 0.0)


def test_rounds_are_every_slice_with_words_in_every_epoch():
    words = {(0, 0): 5, (0, 1): 7, (2, 1): 3}

    assert rounds.parts(words, epochs=2) == [
        rounds.Part(1, 0, {0: 5, 1: 7}),
        rounds.Part(1, 2, {1: 3}),
        rounds.Part(2, 0, {0: 5, 1: 7}),
        rounds.Part(2, 2, {1: 3}),
    ]


def test_what_shards_did_is_added_up():
    of_shards = np.array([[1.0, 10.0, 20.0, 0.5], [2.0, 30.0, 50.0, 0.25]])

    assert rounds._summed(of_shards, PART, TASK) == Metrics(3.0, 40.0, 70.0, 0.75)


@pytest.mark.parametrize("of_shards", [np.zeros((0, 0)), np.zeros((2, 4))])
def test_a_round_without_pairs_is_the_fault_of_the_input(of_shards):
    with pytest.raises(InputError, match=r"slice 1 of epoch 2 has no pairs .* fewer train.slices"):
        rounds._summed(of_shards, PART, TASK)


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_no_number_is_the_fault_of_the_rate(loss):
    with pytest.raises(ConfigError, match=r"train.learning_rate = 0.5 makes the training diverge"):
        rounds._summed(np.array([[1.0, 10.0, loss, 0.5]]), PART, TASK)


def test_the_first_tables_follow_from_the_seed():
    first, again = (rounds.initial_tables(50, 8, seed=3) for _ in range(2))

    np.testing.assert_array_equal(first["W"], again["W"])
    assert not first["C"].any()
    assert (first["W"] != rounds.initial_tables(50, 8, seed=4)["W"]).any()


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.4, "0 s"), (59, "59 s"), (150, "2 min"), (3600, "1.0 h"), (9000, "2.5 h")]
)
def test_a_length_of_time_is_told_as_a_person_says_it(seconds, told):
    assert rounds.told_duration(seconds) == told
