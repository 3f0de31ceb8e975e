"""What train.strategy = "auto" stands for."""

from __future__ import annotations

import dataclasses
import re

import pytest

from vecmill.config import Config
from vecmill.core import kernels
from vecmill.errors import ConfigError
from vecmill.formatting import GIB, MIB
from vecmill.planning.corpus import Corpus
from vecmill.planning.requirements import needs
from vecmill.planning.resources import Place
from vecmill.planning.shortages import memory_misfits
from vecmill.planning.strategy_choice import choose, with_settings

LAPTOP = Place(
    local=True,
    executors=1,
    slots=2,
    threads=1,
    heap=2 * GIB,
    driver_heap=2 * GIB,
    overhead=0,
    by_files=True,
    contained=False,
    max_result=GIB,
    available=12 * GIB,
    output_free=None,
    scratch_free=None,
)
CLUSTER = dataclasses.replace(
    LAPTOP,
    local=False,
    executors=16,
    slots=4,
    heap=4 * GIB,
    overhead=6 * GIB,
    by_files=False,
    contained=True,
    available=None,
)


def corpus(words: int, vocabulary: int, hottest: float = 0.012) -> Corpus:
    return Corpus(words, words, vocabulary, 0.77, hottest, ())


def config(*overrides: str) -> Config:
    return Config.load(None, ["input.path=a", "output.path=b", "train.strategy=auto", *overrides])


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    monkeypatch.setattr(kernels, "has_numba", lambda: True)


def test_a_small_corpus_is_one_shard_with_a_thread_for_every_core():
    choice = choose(corpus(16_000_000, 70_000), config(), LAPTOP)

    assert (choice.strategy, choice.shards, choice.slices, choice.threads) == ("averaging", 1, 1, 2)
    assert choice.learning_rate == 0.05
    assert choice.reasons[0].startswith("one shard, 2 threads each at a rate of 0.05: 16,000,000 words")


def test_a_small_corpus_stays_one_shard_on_a_cluster():
    choice = choose(corpus(16_000_000, 70_000), config(), CLUSTER)

    assert (choice.strategy, choice.shards, choice.threads) == ("averaging", 1, 4)
    assert re.fullmatch(r"\d+ workers would take about .*, most of it to start tasks .*", choice.reasons[1])


def test_a_large_corpus_is_trained_in_blocks_by_all_slots_of_a_cluster():
    choice = choose(corpus(200_000_000_000, 1_000_000), config(), CLUSTER)

    assert (choice.strategy, choice.shards, choice.slices, choice.threads) == ("blocked", 64, 8, 1)
    assert choice.reasons[0].startswith("blocked, 64 workers, 8 passes an epoch at a rate of 0.05: ")
    assert choice.reasons[1].startswith("one shard would take about")


def test_workers_that_would_wait_for_the_hottest_word_are_not_taken():
    wide = dataclasses.replace(CLUSTER, executors=256, overhead=64 * GIB)
    text = 200_000_000_000, 1_000_000

    even, uneven = (choose(corpus(*text, hottest), config(), wide).shards for hottest in (1e-4, 0.05))

    assert uneven <= 2 / 0.05 < 128 < even


def test_cores_that_a_task_has_to_itself_are_its_threads():
    fat = dataclasses.replace(CLUSTER, slots=1, threads=4)

    choice = choose(corpus(20_000_000_000, 1_000_000), config(), fat)

    assert (choice.strategy, choice.shards, choice.threads) == ("blocked", 16, 4)


def test_a_model_that_no_task_can_hold_is_cut_until_it_fits():
    chosen = config("train.dim=300")
    found = corpus(100_000_000, 5_000_000)
    small = dataclasses.replace(CLUSTER, executors=2, slots=2, overhead=2 * GIB)

    choice = choose(found, chosen, small)

    assert choice.strategy == "blocked"
    assert choice.shards > 4
    fits = needs(found, with_settings(chosen, choice.settings), small.slots)
    assert memory_misfits(fits, small, chosen) == []
    assert choice.reasons[1].startswith("one shard does not fit: ")


def test_where_nothing_fits_the_choice_is_what_needs_least_and_says_so():
    tiny = dataclasses.replace(LAPTOP, available=100 * MIB)

    choice = choose(corpus(1_000_000, 10_000), config(), tiny)

    assert choice.strategy == "blocked"
    assert choice.reasons[1] == "nothing fits into the memory that is there"


def test_a_rate_that_is_set_stays():
    choice = choose(corpus(16_000_000, 70_000), config("train.learning_rate=0.03"), LAPTOP)

    assert choice.learning_rate == 0.03


def test_pairs_that_are_not_written_rule_blocks_out():
    drawn = config("pairs.materialize=false")

    choice = choose(corpus(20_000_000_000, 1_000_000), drawn, CLUSTER)

    assert (choice.strategy, choice.shards) == ("averaging", 1)


def test_without_the_compiled_kernel_there_is_one_thread(monkeypatch):
    monkeypatch.setattr(kernels, "has_numba", lambda: False)

    assert choose(corpus(16_000_000, 70_000), config(), LAPTOP).threads == 1


def test_settings_are_keys_of_train_and_make_a_valid_configuration():
    choice = choose(corpus(16_000_000, 70_000), config(), LAPTOP)

    train = with_settings(config(), choice.settings).train

    assert (train.strategy, train.threads, train.learning_rate) == ("averaging", 2, 0.05)
    assert train.dim == 100


@pytest.mark.parametrize("key", ["shards=2", "slices=2", "threads=2", "merge=mean"])
def test_what_auto_chooses_cannot_be_set_beside_it(key):
    with pytest.raises(
        ConfigError, match=rf"train.{key.split('=')[0]} is what train.strategy 'auto' chooses"
    ):
        config(f"train.{key}")
