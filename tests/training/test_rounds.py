"""The schedule of rounds, the loop over them, and what it reports."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from vecmill.config import Config
from vecmill.core.arrays import Doubles
from vecmill.core.schedule import Pace
from vecmill.core.shards import Metrics
from vecmill.errors import ConfigError, InputError
from vecmill.runs.manifest import Manifest, read_metrics, write_metrics
from vecmill.runs.run import Run
from vecmill.storage import checkpoints
from vecmill.storage.checkpoints import block
from vecmill.storage.schemas import METRICS
from vecmill.storage.stores import open_store
from vecmill.training import rounds
from vecmill.training.rounds import RoundWork

WORK = RoundWork(epoch=2, slice_=1, shards={0: 10, 1: 20}, strata=range(0), words=30)
CONFIG = Config.load(
    None, ["input.path=unused", "output.path=unused", "train.learning_rate=0.5", "train.shards=2"]
)


def test_every_slice_with_words_is_a_round_of_every_epoch():
    words = {(0, 0): 5, (0, 1): 7, (2, 1): 3}

    assert rounds.rounds_of_slices(words, epochs=2) == [
        RoundWork(1, 0, {0: 5, 1: 7}, range(0), 12),
        RoundWork(1, 2, {1: 3}, range(0), 3),
        RoundWork(2, 0, {0: 5, 1: 7}, range(0), 12),
        RoundWork(2, 2, {1: 3}, range(0), 3),
    ]


def test_during_the_warm_up_every_shard_of_a_slice_is_a_round():
    words = {(0, 1): 7, (0, 0): 5, (1, 1): 3, (1, 4): 2}

    assert rounds.rounds_of_slices(words, epochs=1, warm_up=1) == [
        RoundWork(1, 0, {0: 5}, range(0), 5),
        RoundWork(1, 0, {1: 7}, range(0), 7),
        RoundWork(1, 1, {1: 3, 4: 2}, range(0), 5),
    ]
    assert len(rounds.rounds_of_slices(words, epochs=2, warm_up=3)) == 7
    assert len(rounds.rounds_of_slices(words, epochs=2, warm_up=9)) == 8


def test_rounds_of_strata_are_some_strata_of_every_slice_in_every_epoch():
    words = {(0, 0): 5, (0, 1): 7, (2, 1): 3}

    assert rounds.rounds_of_strata(words, epochs=1, n_regions=5, strata_per_round=2) == [
        RoundWork(1, 0, {0: 5, 1: 7}, range(0, 2), 4),
        RoundWork(1, 0, {0: 5, 1: 7}, range(2, 4), 5),
        RoundWork(1, 0, {0: 5, 1: 7}, range(4, 5), 3),
        RoundWork(1, 2, {1: 3}, range(0, 2), 1),
        RoundWork(1, 2, {1: 3}, range(2, 4), 1),
        RoundWork(1, 2, {1: 3}, range(4, 5), 1),
    ]


@pytest.mark.parametrize("n_regions", [1, 2, 7, 8, 9, 100])
@pytest.mark.parametrize("strata_per_round", [1, 3, 8])
def test_strata_cover_every_pass_once_and_their_words_add_up(n_regions, strata_per_round):
    words = {(0, 0): 50, (0, 1): 3, (1, 0): 1}

    found = rounds.rounds_of_strata(words, 2, n_regions, strata_per_round)

    for epoch in (1, 2):
        for slice_, total in ((0, 53), (1, 1)):
            own = [work for work in found if (work.epoch, work.slice_) == (epoch, slice_)]
            assert [stratum for work in own for stratum in work.strata] == list(range(n_regions))
            assert all(len(work.strata) <= strata_per_round for work in own)
            assert sum(work.words for work in own) == total
    assert [work[:2] for work in found] == sorted(work[:2] for work in found)


def test_the_metrics_of_a_round_are_the_sums_over_its_workers():
    of_workers = np.array([[10.0, 20.0, 0.5], [30.0, 50.0, 0.25]])

    assert rounds.summed(of_workers, WORK, CONFIG) == Metrics(pairs=40, loss=70, cpu_seconds=0.75)


@pytest.mark.parametrize("of_workers", [np.zeros((0, 0)), np.zeros((2, 3))])
def test_a_round_without_pairs_is_an_error_of_the_input(of_workers):
    with pytest.raises(InputError, match=r"slice 1 of epoch 2 has no pairs .* fewer train.slices"):
        rounds.summed(of_workers, WORK, CONFIG)


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_an_error_of_the_learning_rate(loss):
    with pytest.raises(ConfigError, match=r"train.learning_rate = 0.5 makes the training diverge"):
        rounds.summed(np.array([[10.0, loss, 0.5]]), WORK, CONFIG)


class FakeStrategy:
    """A strategy that trains nothing, publishes checkpoints of its metrics, and records its calls."""

    schedule = rounds.rounds_of_slices({(0, 0): 30, (1, 0): 10}, epochs=2)

    def __init__(self, run: Run) -> None:
        self._store = run.store
        self.calls: list[Any] = []

    def resume(self, number: int) -> None:
        self.calls.append(("resume", number))

    def train(self, number: int, work: RoundWork, pace: Pace) -> Doubles:
        self.calls.append((number, work, pace))
        metrics = np.array([[10.0, 20.0 * number, 0.25], [10.0, 20.0 * number, 0.25]])
        staged = self._store.folder / "staged"
        staged.mkdir()
        blocks = [block(METRICS, worker, metrics[worker : worker + 1]) for worker in range(2)]
        pq.write_table(pa.Table.from_batches(blocks), staged / "part.parquet")
        self._store.publish("staged", checkpoints.name(number))
        return metrics

    def held_out_loss(self) -> float | None:
        return 1.5

    def bytes_moved(self, work: RoundWork) -> int:
        return 7 * work.words


def make_run(folder: Path, spark: SparkSession | None = None) -> Run:
    """A run; only a training that resumes needs a session."""
    overrides = ["input.path=unused", f"output.path={folder}", "train.epochs=2", "train.learning_rate=0.1"]
    store = open_store(str(folder), spark)
    return Run(
        Config.load(None, [*overrides, "train.min_learning_rate=0.01"]), store, Manifest(store.files)
    )


def test_every_round_is_trained_at_its_pace_and_has_a_line_of_metrics(tmp_path):
    run, said = make_run(tmp_path), []
    strategy = FakeStrategy(run)

    counts = rounds.train(run, strategy, said.append)

    shares = [0, 30 / 80, 40 / 80, 70 / 80, 1]
    paces = [Pace(begin, end, 0.1, 0.01) for begin, end in itertools.pairwise(shares)]
    numbered = zip(range(1, 5), strategy.schedule, paces, strict=True)
    assert strategy.calls == [("resume", 0), *numbered]
    lines = read_metrics(run.files)
    assert [line["round"] for line in lines] == [1, 2, 3, 4]
    assert [(line["epoch"], line["slice"], line["words"]) for line in lines] == [
        (work.epoch, work.slice_, work.words) for work in strategy.schedule
    ]
    assert [line["pairs"] for line in lines] == [20] * 4
    assert [line["loss"] for line in lines] == [2, 4, 6, 8], "nats per pair"
    assert [line["held_out_loss"] for line in lines] == [1.5] * 4
    assert [line["bytes_moved"] for line in lines] == [210, 70, 210, 70]
    assert [line["learning_rate"] for line in lines] == pytest.approx([0.0625, 0.05, 0.0125, 0.01])
    assert lines[0]["cpu_microseconds_per_word"] == pytest.approx(0.5e6 / 30, abs=1e-3)
    assert counts == {"rounds": 4, "words": 80, "pairs": 80, "loss": 8, "held_out_loss": 1.5}
    assert said[0].startswith("round 1/4  epoch 1/2   37.5%  loss 2.0000  held-out 1.5000  rate 0.06250  ")
    assert len(said) == 4


def test_training_resumes_after_the_last_recorded_round(spark, tmp_path):
    class Killed(FakeStrategy):
        def train(self, number: int, work: RoundWork, pace: Pace) -> Doubles:
            if number == 3:
                raise KeyboardInterrupt
            return super().train(number, work, pace)

    run = make_run(tmp_path, spark)
    with pytest.raises(KeyboardInterrupt):
        rounds.train(run, Killed(run), lambda text: None)
    before = read_metrics(run.files)
    # As if the metrics of round 3 had been written, but the round not recorded.
    write_metrics(run.files, [*before, {**before[-1], "round": 3}])
    strategy, said = FakeStrategy(run), []

    counts = rounds.train(run, strategy, said.append)

    assert [call[:2] for call in strategy.calls] == [
        ("resume", 2),
        (3, strategy.schedule[2]),
        (4, strategy.schedule[3]),
    ]
    after = read_metrics(run.files)
    assert after[:2] == before[:2]
    assert [line["round"] for line in after] == [1, 2, 3, 4]
    assert said[0] == "resuming after round 2 of 4"
    assert counts["pairs"] == 80
    assert run.manifest.stage("train")["round"] == 4


def test_a_finished_training_trains_no_round_and_reports_the_same_counts(spark, tmp_path):
    run = make_run(tmp_path, spark)
    counts = rounds.train(run, FakeStrategy(run), lambda text: None)
    strategy = FakeStrategy(run)

    assert rounds.train(run, strategy, lambda text: None) == counts
    assert strategy.calls == [("resume", 4)]


def test_only_the_last_two_checkpoints_are_kept(tmp_path):
    run = make_run(tmp_path)

    rounds.train(run, FakeStrategy(run), lambda text: None)

    assert run.files.names("model") == ["round=3", "round=4"]


def test_a_round_that_diverges_is_not_recorded(tmp_path):
    class Diverging(FakeStrategy):
        def train(self, number: int, work: RoundWork, pace: Pace) -> Doubles:
            return super().train(number, work, pace) * (np.nan if number == 3 else 1)

    run = make_run(tmp_path)

    with pytest.raises(ConfigError, match="diverge"):
        rounds.train(run, Diverging(run), lambda text: None)

    assert run.manifest.stage("train")["round"] == 2
    assert [line["round"] for line in read_metrics(run.files)] == [1, 2]
