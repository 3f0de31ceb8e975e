from __future__ import annotations

import numpy as np
import pytest

from vecmill.config import Config
from vecmill.errors import ConfigError, InputError
from vecmill.training import rounds
from vecmill.training.averaging.worker import Metrics
from vecmill.training.rounds import Part

PART = Part(epoch=2, slice_=1, shards={0: 10, 1: 20}, strata=range(0), words=30)
CONFIG = Config.load(
    None, ["input.path=unused", "output.path=unused", "train.learning_rate=0.5", "train.shards=2"]
)


def test_rounds_are_every_slice_with_words_in_every_epoch():
    words = {(0, 0): 5, (0, 1): 7, (2, 1): 3}

    assert rounds.parts(words, epochs=2) == [
        Part(1, 0, {0: 5, 1: 7}, range(0), 12),
        Part(1, 2, {1: 3}, range(0), 3),
        Part(2, 0, {0: 5, 1: 7}, range(0), 12),
        Part(2, 2, {1: 3}, range(0), 3),
    ]


def test_while_it_warms_up_every_shard_of_a_slice_is_a_round():
    words = {(0, 1): 7, (0, 0): 5, (1, 1): 3, (1, 4): 2}

    assert rounds.parts(words, epochs=1, warm_up=1) == [
        Part(1, 0, {0: 5}, range(0), 5),
        Part(1, 0, {1: 7}, range(0), 7),
        Part(1, 1, {1: 3, 4: 2}, range(0), 5),
    ]
    assert len(rounds.parts(words, epochs=2, warm_up=3)) == 7
    assert len(rounds.parts(words, epochs=2, warm_up=9)) == 8


def test_rounds_of_strata_are_a_few_strata_of_every_slice_in_every_epoch():
    words = {(0, 0): 5, (0, 1): 7, (2, 1): 3}

    assert rounds.parts_of_strata(words, epochs=1, n_regions=5, strata_a_round=2) == [
        Part(1, 0, {0: 5, 1: 7}, range(0, 2), 4),
        Part(1, 0, {0: 5, 1: 7}, range(2, 4), 5),
        Part(1, 0, {0: 5, 1: 7}, range(4, 5), 3),
        Part(1, 2, {1: 3}, range(0, 2), 1),
        Part(1, 2, {1: 3}, range(2, 4), 1),
        Part(1, 2, {1: 3}, range(4, 5), 1),
    ]


@pytest.mark.parametrize("n_regions", [1, 2, 7, 8, 9, 100])
@pytest.mark.parametrize("strata_a_round", [1, 3, 8])
def test_strata_cover_every_pass_once_and_their_words_add_up(n_regions, strata_a_round):
    words = {(0, 0): 50, (0, 1): 3, (1, 0): 1}

    found = rounds.parts_of_strata(words, 2, n_regions, strata_a_round)

    for epoch in (1, 2):
        for slice_, total in ((0, 53), (1, 1)):
            own = [part for part in found if (part.epoch, part.slice_) == (epoch, slice_)]
            assert [stratum for part in own for stratum in part.strata] == list(range(n_regions))
            assert all(len(part.strata) <= strata_a_round for part in own)
            assert sum(part.words for part in own) == total
    assert [(part.epoch, part.slice_) for part in found] == sorted((p.epoch, p.slice_) for p in found)


def test_what_workers_did_is_added_up():
    of_workers = np.array([[1.0, 10.0, 20.0, 0.5], [2.0, 30.0, 50.0, 0.25]])

    assert rounds.summed(of_workers, PART, CONFIG) == Metrics(3.0, 40.0, 70.0, 0.75)


@pytest.mark.parametrize("of_workers", [np.zeros((0, 0)), np.zeros((2, 4))])
def test_a_round_without_pairs_is_the_fault_of_the_input(of_workers):
    with pytest.raises(InputError, match=r"slice 1 of epoch 2 has no pairs .* fewer train.slices"):
        rounds.summed(of_workers, PART, CONFIG)


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_no_number_is_the_fault_of_the_rate(loss):
    with pytest.raises(ConfigError, match=r"train.learning_rate = 0.5 makes the training diverge"):
        rounds.summed(np.array([[1.0, 10.0, loss, 0.5]]), PART, CONFIG)
