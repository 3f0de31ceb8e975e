from __future__ import annotations

import dataclasses
import json
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from vecmill.commands.plan import plan
from vecmill.config import Config
from vecmill.core.sampling import keep_probability
from vecmill.formatting import GIB, MIB
from vecmill.pipeline import engine
from vecmill.planning.corpus import Corpus, Kept, counted, estimate, heaps, zipf_kept
from vecmill.planning.machine import PYTHON_BASE
from vecmill.planning.requirements import needs
from vecmill.planning.resources import Place
from vecmill.planning.shortages import misfits
from vecmill.spark import session
from vecmill.storage.files import list_input

CORPUS = Corpus(
    tokens=1_100_000, covered=1_000_000, vocabulary=65_536, keep_ratio=0.5, hottest=0.01, origin=("",)
)

ROOMY = Place(
    local=True,
    executors=1,
    slots=2,
    threads=1,
    heap=8 * GIB,
    driver_heap=8 * GIB,
    overhead=8 * GIB,
    by_files=True,
    contained=False,
    max_result=8 * GIB,
    available=64 * GIB,
    output_free=1 << 40,
    scratch_free=1 << 40,
)


def config(*overrides: str) -> Config:
    return Config.load(None, ["input.path=a", "output.path=b", *overrides])


def test_needs_of_a_small_corpus_are_those_worked_out_by_hand() -> None:
    needed = needs(
        CORPUS, config("train.dim=128", "train.epochs=3", "train.shards=4", "train.slices=2"), slots=2
    )

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


def test_parameters_that_move_by_files_need_disk_and_not_the_driver() -> None:
    chosen = config("train.dim=128", "train.shards=4")
    by_spark, by_files = (needs(CORPUS, chosen, slots=2, by_files=by_files) for by_files in (False, True))

    assert by_files.driver == PYTHON_BASE + 48 * MIB + 80 * MIB < by_spark.driver
    assert (by_files.collected, by_spark.left) == (0, 0)
    assert by_files.left == by_files.output - sum(by_files.disk.values()) == 4 * 64 * MIB
    # The ids of texts are what is shuffled then.
    assert by_files.scratch == 4 * CORPUS.covered < by_spark.scratch == 5 * 64 * MIB
    assert needs(CORPUS, config(), slots=2, by_files=True).left == 0


def test_warming_up_takes_a_round_a_shard_and_moves_no_more():
    spread = "train.epochs=3", "train.shards=4", "train.slices=2"
    cold, warm = (needs(CORPUS, config(*spread, f"train.warm_up={rounds}"), slots=2) for rounds in (0, 4))

    assert (cold.rounds, warm.rounds) == (6, 4 * 4 + 2)
    assert warm.moved == cold.moved


def test_one_shard_on_many_cores_needs_most_where_every_core_merges() -> None:
    needed = needs(CORPUS, config(), slots=16)

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
def test_no_need_falls_where_a_setting_grows_and_some_need_rises(
    key: str, values: tuple[object, ...]
) -> None:
    columns = []
    for value in values:
        needed = needs(CORPUS, config(f"{key}={value}"), slots=4)
        numbers = dataclasses.asdict(needed) | {"output": needed.output}
        numbers |= numbers.pop("disk")
        columns.append([numbers[name] for name in sorted(numbers)])
    growth = np.diff(np.array(columns), axis=0)

    assert (growth >= 0).all()
    assert (growth > 0).any(axis=1).all()


@given(st.integers(1, 10**12), st.integers(1, 1000))
def test_the_vocabulary_grows_with_the_text_and_never_beyond_it(tokens: int, count: int) -> None:
    words = heaps(tokens, count)

    assert 1 <= words <= tokens
    assert words <= heaps(2 * tokens, count)
    assert words >= heaps(tokens, 2 * count)


def test_heaps_law_gives_what_it_was_fitted_to() -> None:
    assert heaps(16_711_491, 5) == pytest.approx(70_211, rel=0.02)
    assert heaps(255_231, 5) == pytest.approx(5_593, rel=0.2)


@given(st.integers(1, 100_000), st.just(0.0) | st.floats(1e-9, 1))
def test_the_share_that_is_kept_is_a_share_and_falls_with_the_threshold(
    words: int, subsample: float
) -> None:
    share, hottest = zipf_kept(words, subsample)

    assert 0 < share <= 1
    assert 0 < hottest <= 1
    if subsample:
        assert share >= zipf_kept(words, subsample / 2).ratio - 1e-9
    else:
        assert share == 1


def test_the_share_that_is_kept_is_that_of_a_vocabulary_with_such_counts() -> None:
    counts = (10**9 / np.arange(1, 10_001)).astype(np.int64)
    kept = counts * keep_probability(counts, int(counts.sum()), 1e-4)

    expected = kept.sum() / counts.sum(), kept.max() / kept.sum()
    assert zipf_kept(10_000, 1e-4) == pytest.approx(expected, rel=1e-3)


def test_an_estimate_says_that_it_is_one_and_heeds_the_largest_vocabulary() -> None:
    found = estimate(6e9, config("vocabulary.max_size=1000"))

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


def test_pairs_take_what_was_measured_on_two_corpora() -> None:
    # 2.84 million rows of 31,304 words took 72.7 MB; 63.31 million of 70,211 took 1,699 MB in 5 epochs.
    for covered, keep, words, measured in (
        (3_726_085, 2_844_803 / 3_726_085, 31_304, 72_703_294),
        (16_456_904, 12_662_181 / 16_456_904, 70_211, 1_698_530_136 / 5),
    ):
        corpus = Corpus(covered, covered, words, keep, 0.01, ())
        pairs = needs(corpus, config("train.epochs=1"), slots=1).disk["pairs"]

        assert pairs == pytest.approx(measured, rel=0.05)
        assert pairs >= measured


def test_a_roomy_machine_has_no_misfit() -> None:
    assert misfits(needs(CORPUS, config(), 2), ROOMY, config()) == []


@pytest.mark.parametrize(
    ("lack", "what", "remedy"),
    [
        ({"available": GIB}, "memory of this machine", "local[N]"),
        ({"heap": 128 * MIB}, "spark.driver.memory", "spark.driver.memory 512m"),
        ({"max_result": MIB}, "spark.driver.maxResultSize", "maxResultSize 128m"),
        ({"output_free": MIB}, "disk of output.path (b)", "another place"),
        ({"scratch_free": MIB}, "disk of spark.local.dir", "larger disk"),
        (
            {"local": False, "contained": True, "overhead": 128 * MIB},
            "spark.executor.memoryOverhead",
            "executor.cores",
        ),
        ({"local": False, "heap": 128 * MIB}, "spark.executor.memory", "spark.executor.memory 512m"),
    ],
)
def test_what_does_not_fit_is_told_with_its_remedy(lack: dict[str, int], what: str, remedy: str) -> None:
    place = dataclasses.replace(ROOMY, **lack)

    found = misfits(needs(CORPUS, config(), 2), place, config())

    assert len(found) == 1
    assert found[0].startswith(what + ":")
    assert remedy in found[0]


def test_the_heap_that_is_asked_for_is_enough() -> None:
    needed = needs(CORPUS, config(), 2)
    place = dataclasses.replace(ROOMY, heap=512 * MIB)

    assert needed.heap <= place.heap
    assert misfits(needed, place, config()) == []


def test_no_limit_on_results_is_no_misfit() -> None:
    place = dataclasses.replace(ROOMY, max_result=0)

    assert misfits(needs(CORPUS, config(), 2), place, config()) == []


def test_pairs_that_fill_the_disk_need_not_be_written() -> None:
    chosen = config("train.epochs=500")
    place = dataclasses.replace(ROOMY, output_free=GIB)

    found = misfits(needs(CORPUS, chosen, 2), place, chosen)

    assert "pairs.materialize = false" in found[0]


def test_unknown_room_is_not_a_misfit() -> None:
    unknown = dataclasses.replace(ROOMY, available=None, output_free=None, scratch_free=None)

    assert misfits(needs(CORPUS, config(), 2), unknown, config()) == []


def test_a_plan_is_made_from_text_alone_and_then_from_its_counts_and_writes_nothing(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "build", lambda properties: spark)
    monkeypatch.setattr(SparkSession, "stop", lambda self: None)
    text, output = tmp_path / "text.txt", tmp_path / "out"
    text.write_text("one two three four\n" * 1000)
    overrides = [f"input.path={text}", f"output.path={output}", "train.dim=10"]
    arguments = Namespace(config=None, overrides=overrides, spark_conf=None)

    estimated = plan(arguments)

    assert "ESTIMATE" in estimated
    assert not output.exists()

    rows = [(i, word, 1000, 0.25, 0.25) for i, word in enumerate(["four", "one", "three", "two"])]
    schema = "id int, word string, count bigint, keep_probability double, noise_probability double"
    spark.createDataFrame(rows, schema).write.parquet(f"{output}/vocabulary")
    keys = engine.keys(Config.load(None, overrides), list_input(spark, str(text)))
    stages = {
        "tokenize": {"key": keys["tokenize"], "state": "done", "tokens": 5000},
        "vocabulary": {
            "key": keys["vocabulary"],
            "state": "done",
            "words": 4,
            "tokens_covered": 4000,
        },
    }
    (output / "run.json").write_text(json.dumps({"stages": stages}))
    before = sorted(output.rglob("*"))

    counted = plan(arguments)

    assert "ESTIMATE" not in counted
    assert "25.0% of tokens are kept" in counted
    assert "80.0% in the vocabulary" in counted
    assert sorted(output.rglob("*")) == before


def test_needs_of_blocked_training_are_those_worked_out_by_hand() -> None:
    needed = needs(
        CORPUS,
        config("train.dim=128", "train.strategy=blocked", "train.shards=4", "train.slices=2"),
        slots=2,
    )

    # 500,000 rows of 6 words, in 2 passes of 16 buckets.
    bucket = 500_000 * 6 / 2 / 16
    assert needed.training_task == round(PYTHON_BASE + 224 * MIB + 64 * MIB / 4 + 28 * 65_536 + 24 * bucket)
    assert needed.executor == 2 * max(needed.training_task, needed.other_task)
    assert needed.rounds == 5 * 2
    # Every pair of a pass once, in ids of log2(65,536 / 4) bits and 0.7 bytes.
    assert needed.moved_round == 5 * 64 * MIB + round(16 * bucket * 2 * (14 / 8 + 0.7))
    # 4,096 held-out rows name a dozen rows of both tables each.
    assert needed.collected == 4_096 * 12 * 2 * 4 * 128
    assert needed.driver == PYTHON_BASE + 128 * 65_536 + 2 * needed.collected


def test_more_workers_need_less_memory_each_where_training_is_blocked() -> None:
    found = [
        needs(CORPUS, config("train.strategy=blocked", f"train.shards={shards}"), 2).training_task
        for shards in (2, 8, 32)
    ]

    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 3
