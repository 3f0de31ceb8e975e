"""The strategy that train.strategy = "auto" chooses."""

from __future__ import annotations

import dataclasses
import itertools
import re

import pytest

from tests.planning.examples import CLUSTER, LAPTOP, corpus_of
from tests.planning.examples import load_config as load
from tests.training import counting_model
from vecmill import models
from vecmill.config import Config
from vecmill.core import kernels
from vecmill.errors import ConfigError
from vecmill.formatting import GIB, MIB
from vecmill.planning.requirements import requirements
from vecmill.planning.shortages import memory_shortages
from vecmill.planning.strategy_choice import choose, speed_up, with_settings

SMALL = corpus_of(16_000_000, 70_000)
LARGE = corpus_of(20_000_000_000, 1_000_000)
VERY_LARGE = corpus_of(200_000_000_000, 1_000_000)


def load_config(*overrides: str) -> Config:
    return load("train.strategy=auto", *overrides)


@pytest.fixture(autouse=True)
def has_numba(monkeypatch):
    monkeypatch.setattr(kernels, "has_numba", lambda: True)


def test_a_small_corpus_is_one_shard_with_a_thread_per_core():
    choice = choose(SMALL, load_config(), LAPTOP)

    assert (choice.strategy, choice.shards, choice.slices, choice.threads) == ("averaging", 1, 1, 2)
    assert choice.learning_rate == 0.05
    assert choice.reasons[0].startswith("one shard, 2 threads each at a rate of 0.05: 16,000,000 words")


def test_a_small_corpus_stays_one_shard_on_a_cluster():
    choice = choose(SMALL, load_config(), CLUSTER)

    assert (choice.strategy, choice.shards, choice.threads) == ("averaging", 1, 4)
    assert re.fullmatch(r"\d+ workers would take about .*, most of it to start tasks .*", choice.reasons[1])


def test_a_large_corpus_is_trained_in_blocks_by_all_slots_of_a_cluster():
    choice = choose(VERY_LARGE, load_config(), CLUSTER)

    assert (choice.strategy, choice.shards, choice.slices, choice.threads) == ("blocked", 64, 8, 1)
    assert choice.reasons[0].startswith("blocked, 64 workers, 8 passes per epoch at a rate of 0.05: ")
    assert choice.reasons[1].startswith("one shard would take about")


def test_workers_that_would_wait_for_the_most_frequent_word_are_not_used():
    wide = dataclasses.replace(CLUSTER, executors=256, overhead=64 * GIB)

    even, uneven = (
        choose(dataclasses.replace(VERY_LARGE, hottest=hottest), load_config(), wide).shards
        for hottest in (1e-4, 0.05)
    )

    assert uneven <= 2 / 0.05 < 128 < even


def test_cores_that_belong_to_one_task_are_its_threads():
    fat = dataclasses.replace(CLUSTER, slots=1, threads=4)

    choice = choose(LARGE, load_config(), fat)

    assert (choice.strategy, choice.shards, choice.threads) == ("blocked", 16, 4)


def test_a_model_too_large_for_any_task_is_cut_until_it_fits():
    config = load_config("train.dim=300")
    corpus = corpus_of(100_000_000, 5_000_000)
    small = dataclasses.replace(CLUSTER, executors=2, slots=2, overhead=2 * GIB)

    choice = choose(corpus, config, small)

    assert choice.strategy == "blocked"
    assert choice.shards > 4
    needed = requirements(corpus, with_settings(config, choice.settings), small.slots)
    assert memory_shortages(needed, small, config) == []
    assert choice.reasons[1].startswith("one shard does not fit: ")


def test_if_nothing_fits_the_choice_needs_least_memory_and_says_so():
    tiny = dataclasses.replace(LAPTOP, available=100 * MIB)

    choice = choose(corpus_of(1_000_000, 10_000), load_config(), tiny)

    assert choice.strategy == "blocked"
    assert choice.reasons[1] == "no strategy fits into the available memory"


def test_a_configured_rate_is_kept():
    assert choose(SMALL, load_config("train.learning_rate=0.03"), LAPTOP).learning_rate == 0.03


def test_pairs_that_are_not_written_rule_out_blocked_training():
    choice = choose(LARGE, load_config("pairs.materialize=false"), CLUSTER)

    assert (choice.strategy, choice.shards) == ("averaging", 1)


def test_a_model_without_bucket_kernels_rules_out_blocked_training_and_gives_the_rate(monkeypatch):
    monkeypatch.setitem(models.MODELS, "counting", counting_model.KIND)

    choice = choose(LARGE, load_config("model.kind=counting"), CLUSTER)

    assert (choice.strategy, choice.shards, choice.threads) == ("averaging", 1, 1)
    assert choice.learning_rate == counting_model.KIND.build({}).learning_rate == 0.1


def test_without_the_compiled_kernel_there_is_one_thread(monkeypatch):
    monkeypatch.setattr(kernels, "has_numba", lambda: False)

    assert choose(SMALL, load_config(), LAPTOP).threads == 1


def test_threads_are_as_fast_as_was_measured():
    """2.96, 4.71, 6.83, 10.1 and 13.2 million words per second with 1, 2, 4, 8 and 16 threads."""
    measured = {1: 2.96, 2: 4.71, 4: 6.83, 8: 10.1, 16: 13.2}

    for threads, speed in measured.items():
        assert speed_up(threads) == pytest.approx(speed / measured[1], rel=0.01)
    speeds = [speed_up(threads) for threads in range(1, 17)]
    assert all(slow < fast for slow, fast in itertools.pairwise(speeds))
    assert speed_up(16) < 16 / 3


@pytest.mark.parametrize("strategy", ["averaging", "blocked"])
def test_more_threads_than_were_measured_are_not_planned(strategy):
    """Tasks that have 64 cores each."""
    cores = {"slots": 64} if strategy == "averaging" else {"slots": 1, "threads": 64}
    large = dataclasses.replace(CLUSTER, **cores, overhead=64 * GIB)

    choice = choose(SMALL if strategy == "averaging" else VERY_LARGE, load_config(), large)

    assert (choice.strategy, choice.threads) == (strategy, 16)


def test_the_time_of_one_shard_does_not_fall_as_fast_as_its_threads_grow():
    def epoch_minutes(slots: int) -> float:
        resources = dataclasses.replace(LAPTOP, slots=slots, available=None)
        one_shard = load_config("pairs.materialize=false")
        reason = choose(corpus_of(4_000_000_000, 70_000), one_shard, resources).reasons[0]
        hours, minutes = re.search(r"(?:(\d+) h )?(\d+) min per epoch", reason).groups()
        return 60 * int(hours or 0) + int(minutes)

    one, sixteen, more = (epoch_minutes(slots) for slots in (1, 16, 64))

    assert 4 < one / sixteen < 5
    assert more == sixteen


def test_settings_are_keys_of_train_and_make_a_valid_configuration():
    choice = choose(SMALL, load_config(), LAPTOP)

    train = with_settings(load_config(), choice.settings).train

    assert (train.strategy, train.threads, train.learning_rate) == ("averaging", 2, 0.05)
    assert train.dim == 100


@pytest.mark.parametrize("key", ["shards=2", "slices=2", "threads=2", "merge=mean"])
def test_a_key_that_auto_chooses_cannot_be_configured(key):
    name = key.split("=")[0]
    with pytest.raises(ConfigError, match=rf"train.{name} is what train.strategy 'auto' chooses"):
        load_config(f"train.{key}")
