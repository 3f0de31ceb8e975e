"""Requirements computed by hand, by measurements, and by their growth with the settings."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.planning.examples import CORPUS, load_config
from tests.training import counting_model
from vecmill import models
from vecmill.formatting import MIB
from vecmill.planning.corpus import Corpus
from vecmill.planning.machine import PYTHON_BASE
from vecmill.planning.requirements import requirements


def test_the_requirements_of_averaging_are_those_computed_by_hand() -> None:
    config = load_config("train.dim=128", "train.epochs=3", "train.shards=4", "train.slices=2")

    needed = requirements(CORPUS, config, slots=2)

    assert needed.model == 2 * 65_536 * 128 * 4 == 64 * MIB
    assert needed.training_task == PYTHON_BASE + 2 * 64 * MIB + 224 * MIB
    assert needed.other_task == PYTHON_BASE + 64 * MIB + 3 * 4 * MIB
    assert needed.executor == 2 * needed.training_task
    assert needed.driver == PYTHON_BASE + 5 * 64 * MIB
    assert needed.collected == 64 * MIB
    assert needed.moved_round == 2 * 4 * 64 * MIB
    assert needed.moved == 6 * needed.moved_round
    # 3 epochs of 500,000 rows with 1 + 6 + 5 ids of 16 bits and 2.3 more.
    assert needed.disk["pairs"] == round(3 * 500_000 * 12 * 18.3 / 8)
    assert needed.disk["model"] == 3 * 64 * MIB


def test_parameters_in_files_need_disk_and_not_the_driver() -> None:
    config = load_config("train.dim=128", "train.shards=4", "train.holdout=0")
    by_spark, by_files = (
        requirements(CORPUS, config, slots=2, by_files=by_files) for by_files in (False, True)
    )

    assert by_files.driver == PYTHON_BASE + 48 * MIB < by_spark.driver
    assert (by_files.collected, by_spark.left) == (0, 0)
    assert by_files.left == by_files.output - sum(by_files.disk.values()) == 4 * 64 * MIB
    # The ids of texts are what is shuffled then.
    assert by_files.scratch == 4 * CORPUS.covered < by_spark.scratch == 5 * 64 * MIB
    assert requirements(CORPUS, load_config(), slots=2, by_files=True).left == 0


@pytest.mark.parametrize(("holdout", "distinct"), [(1e-3, 25_319), (4e-3, 44_449), (2e-2, 52_210)])
@pytest.mark.parametrize("strategy", ["averaging", "blocked"])
def test_the_driver_holds_the_rows_of_the_model_that_held_out_rows_name(
    holdout: float, distinct: int, strategy: str
) -> None:
    """Twice, as read and put together. `distinct` words were counted in 16.5 million words of English."""
    english = Corpus(16_711_491, 16_456_903, 70_211, 0.769, 0.012, ())

    settings = f"train.strategy={strategy}", f"train.holdout={holdout}"

    needed = requirements(english, load_config(*settings), slots=2, by_files=True)

    of_words = 32 * 70_211 if strategy == "blocked" else 0
    held = needed.driver - PYTHON_BASE - 48 * MIB - of_words
    assert 1.0 <= held / (2 * distinct * 2 * 4 * 100) <= 1.4


def test_held_out_rows_never_name_more_rows_than_the_model_has() -> None:
    tiny = Corpus(10**9, 10**9, 10, 1.0, 0.3, ())
    config = load_config("train.holdout=0.5")

    without = requirements(tiny, load_config("train.holdout=0"), slots=1, by_files=True)
    needed = requirements(tiny, config, slots=1, by_files=True)

    assert needed.model == 2 * 10 * 100 * 4
    assert needed.driver - without.driver == 2 * needed.model


def test_a_model_decides_on_the_size_of_its_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(models.MODELS, "counting", counting_model.KIND)

    needed = requirements(CORPUS, load_config("model.kind=counting", "train.dim=128"), slots=1)

    assert needed.model == 65_536 * (128 + 1) * 4
    assert needed.moved_round == 2 * needed.model


def test_a_warm_up_takes_one_round_per_shard_and_moves_no_more() -> None:
    spread = "train.epochs=3", "train.shards=4", "train.slices=2"
    cold, warm = (
        requirements(CORPUS, load_config(*spread, f"train.warm_up={rounds}"), slots=2) for rounds in (0, 4)
    )

    assert (cold.rounds, warm.rounds) == (6, 4 * 4 + 2)
    assert warm.moved == cold.moved


def test_one_shard_on_many_cores_needs_most_memory_when_every_core_merges() -> None:
    needed = requirements(CORPUS, load_config(), slots=16)

    assert needed.executor == 16 * needed.other_task > needed.training_task


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("train.dim", (1, 50, 100, 300)),
        ("train.shards", (1, 2, 8, 64)),
        ("train.slices", (1, 4, 16)),
        ("train.epochs", (1, 5, 20)),
        ("pairs.window", (1, 5, 10)),
        ("pairs.negatives", (0, 5, 15)),
        ("pairs.materialize", ("false", "true")),
    ],
)
def test_no_requirement_falls_and_one_rises_with_a_setting(key: str, values: tuple[object, ...]) -> None:
    columns = []
    for value in values:
        needed = requirements(CORPUS, load_config(f"{key}={value}"), slots=4)
        numbers = dataclasses.asdict(needed) | {"output": needed.output}
        numbers |= numbers.pop("disk")
        columns.append([numbers[name] for name in sorted(numbers)])
    growth = np.diff(np.array(columns), axis=0)

    assert (growth >= 0).all()
    assert (growth > 0).any(axis=1).all()


def test_pairs_take_the_disk_that_was_measured_on_two_corpora() -> None:
    # 2.84 million rows of 31,304 words took 72.7 MB; 63.31 million of 70,211 took 1,699 MB in 5 epochs.
    for covered, keep, words, measured in (
        (3_726_085, 2_844_803 / 3_726_085, 31_304, 72_703_294),
        (16_456_904, 12_662_181 / 16_456_904, 70_211, 1_698_530_136 / 5),
    ):
        corpus = Corpus(covered, covered, words, keep, 0.01, ())
        pairs = requirements(corpus, load_config("train.epochs=1"), slots=1).disk["pairs"]

        assert pairs == pytest.approx(measured, rel=0.05)
        assert pairs >= measured


def test_the_requirements_of_blocked_training_are_those_computed_by_hand() -> None:
    settings = "train.dim=128", "train.strategy=blocked", "train.shards=4", "train.slices=2"
    with_held_out, without = (load_config(*settings, f"train.holdout={share}") for share in (0.1, 0))

    needed = requirements(CORPUS, with_held_out, slots=2)

    # 500,000 rows of 6 words, in 2 passes of 16 buckets.
    bucket = 500_000 * 6 / 2 / 16
    assert needed.training_task == round(PYTHON_BASE + 224 * MIB + 64 * MIB / 4 + 28 * 65_536 + 24 * bucket)
    assert needed.executor == 2 * max(needed.training_task, needed.other_task)
    assert needed.rounds == 5 * 2
    # Every pair of a pass once, in ids of log2(65,536 / 4) bits and 0.7 bytes.
    assert needed.moved_round == 5 * 64 * MIB + round(16 * bucket * 2 * (14 / 8 + 0.7))
    assert needed.collected > 0
    assert needed.driver == PYTHON_BASE + 32 * 65_536 + 2 * needed.collected
    nothing_held = requirements(CORPUS, without, slots=2)
    assert nothing_held.collected == 0
    assert nothing_held.driver == PYTHON_BASE + 128 * 65_536
    by_files = requirements(CORPUS, with_held_out, slots=2, by_files=True)
    assert by_files.collected == 0
    assert by_files.driver == needed.driver + 48 * MIB


def test_more_workers_of_blocked_training_need_less_memory_each() -> None:
    found = [
        requirements(
            CORPUS, load_config("train.strategy=blocked", f"train.shards={shards}"), 2
        ).training_task
        for shards in (2, 8, 32)
    ]

    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 3
