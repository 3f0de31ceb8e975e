"""Both strategies start alike and are judged alike, and a model decides how its tables are merged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from tests.training import counting_model
from tests.training.small_run import SHARDS, SLICES, WORDS, make_run
from tests.training.trained_blocks import assert_same_tables
from vecmill import models
from vecmill.config import Config
from vecmill.core.arrays import Doubles
from vecmill.core.rows import Rows
from vecmill.core.schedule import Pace
from vecmill.errors import ConfigError, InputError
from vecmill.models import Size
from vecmill.pipeline import pairs
from vecmill.runs.run import Run
from vecmill.storage import checkpoints
from vecmill.storage.schemas import BLOCKS, PAIRS
from vecmill.storage.task_table import TaskTable
from vecmill.training import held_out, rounds
from vecmill.training.blocked import driver
from vecmill.training.rounds import RoundWork, Strategy
from vecmill.training.strategies import STRATEGIES

WITHOUT_LEARNING = Pace(0, 0, 0, 0)
STORES = pytest.mark.parametrize("tasks_open_files", [True, False])


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the model of `counting_model`."""
    monkeypatch.setitem(models.MODELS, "counting", counting_model.KIND)


def start(run: Run) -> Strategy:
    """The strategy of a run whose pairs are written."""
    pairs.STAGE.work(run)
    strategy = STRATEGIES[run.config.train.strategy].start(run, held_out.held_out(run))
    strategy.resume(0)
    return strategy


@STORES
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_starts_from_the_tables_of_the_model(
    spark: SparkSession, tmp_path: Path, strategy: str, tasks_open_files: bool
) -> None:
    run = make_run(
        spark,
        tmp_path,
        f"train.strategy={strategy}",
        "train.seed=7",
        "pairs.negatives=4",
        tasks_open_files=tasks_open_files,
    )
    training = start(run)

    training.train(1, training.schedule[0], WITHOUT_LEARNING)

    tables = checkpoints.read(run.store, 1).parameters
    assert_same_tables(tables, models.build("sgns", {}).start(Size(WORDS, 8), seed=7))
    # All contexts are zeros, so every score is 0 and every triple of the held-out rows costs log 2.
    rows = held_out.held_out(run).rows
    noise_of_row = (rows.negatives != rows.centers[:, None]).sum(axis=1)
    triples = np.diff(rows.offsets) @ (1 + noise_of_row)
    assert training.held_out_loss() == pytest.approx(triples / len(rows.words) * np.log(2), rel=1e-6)


def test_the_held_out_rows_are_the_same_under_every_strategy_and_in_every_store(spark, tmp_path):
    found = {}
    for strategy in STRATEGIES:
        for tasks_open_files in (True, False):
            folder = tmp_path / strategy / str(tasks_open_files)
            run = make_run(spark, folder, f"train.strategy={strategy}", tasks_open_files=tasks_open_files)
            found[strategy, tasks_open_files] = held_out.held_out(run)

    first, *others = found.values()
    assert len(first.rows.centers) > 20
    assert len(first.rows.words) > 50
    for other in others:
        np.testing.assert_array_equal(other.ids, first.ids)
        for column, same in zip(other.rows, first.rows, strict=True):
            np.testing.assert_array_equal(column, same)


def test_at_most_so_many_rows_are_held_out(spark, tmp_path, monkeypatch):
    run = make_run(spark, tmp_path)
    everything = held_out.held_out(run)
    monkeypatch.setattr(held_out, "MOST_ROWS", 7)

    few = held_out.held_out(run)

    assert len(few.rows.centers) == 7
    np.testing.assert_array_equal(few.ids[few.rows.centers], everything.ids[everything.rows.centers[:7]])


def test_without_held_out_texts_there_is_no_held_out_loss(spark, tmp_path):
    run = make_run(spark, tmp_path)
    run.manifest.update("texts", held_out_words=0)

    assert held_out.held_out(run) is None


def test_compact_rows_name_the_same_words_by_their_places():
    rows = Rows(
        centers=np.array([7, 2, 900], np.int32),
        offsets=np.array([1, 2, 4, 4], np.int32),
        words=np.array([9, 5, 9, 2], np.int32),
        negatives=np.array([[5, 9], [2, 5], [9, 9]], np.int32),
    )

    found = held_out.compact(rows)

    assert found.ids.tolist() == [2, 5, 7, 9, 900]
    np.testing.assert_array_equal(found.rows.offsets, rows.offsets)
    for name in ("centers", "words", "negatives"):
        places, ids = getattr(found.rows, name), getattr(rows, name)
        assert places.dtype == np.int32
        np.testing.assert_array_equal(found.ids[places], ids)


def count_centers(run: Run, work: RoundWork) -> Doubles:
    """How often each word is a centre in the pairs of a round."""
    written = run.spark.read.schema(PAIRS).parquet(run.files.path("pairs"))
    of_round = written.where(f"epoch = {work.epoch} and slice = {work.slice_}").select("c").collect()
    return np.bincount([row["c"] for row in of_round], minlength=WORDS).astype(np.float64)


@STORES
@pytest.mark.usefixtures("counting")
def test_a_table_of_counters_is_added_and_the_other_table_is_merged_as_configured(
    spark, tmp_path, tasks_open_files
):
    run = make_run(
        spark, tmp_path, "model.kind=counting", "train.merge=mean", tasks_open_files=tasks_open_files
    )
    training = start(run)
    before = run.model.start(run.size_of_model(), run.config.train.seed)

    expected = np.zeros(WORDS)
    for number, work in enumerate(training.schedule[:SLICES], 1):
        metrics = training.train(number, work, WITHOUT_LEARNING)
        assert len(metrics) == SHARDS
        of_round = count_centers(run, work)
        assert metrics[:, 1].sum() == of_round.sum()
        expected += of_round

    after = checkpoints.read(run.store, SLICES).parameters
    assert expected.sum() > 100
    np.testing.assert_array_equal(after["counts"][:, 0], expected)
    moved = np.broadcast_to(expected[:, None] / SHARDS, after["vectors"].shape)
    np.testing.assert_allclose(after["vectors"] - before["vectors"], moved, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("counting")
def test_a_model_without_bucket_kernels_is_refused_for_blocked_training():
    overrides = ["input.path=unused", "output.path=unused", "model.kind=counting"]

    Config.load(None, [*overrides, "train.strategy=averaging"])
    with pytest.raises(
        ConfigError,
        match=r"'blocked' cannot train model.kind 'counting': it counts centres; use 'averaging'",
    ):
        Config.load(None, [*overrides, "train.strategy=blocked"])


@STORES
def test_a_checkpoint_without_parameters_or_without_files_is_refused(spark, tmp_path, tasks_open_files):
    run = make_run(spark, tmp_path, "train.holdout=0", tasks_open_files=tasks_open_files)
    nothing = spark.createDataFrame([], BLOCKS)
    checkpoints.write(TaskTable(nothing), run.store, 3)

    with pytest.raises(InputError, match=r"round=3 holds no parameters to resume from; remove it to train"):
        rounds.check_checkpoint(run, 3)
    with pytest.raises(InputError, match=r"round=4 does not exist"):
        rounds.check_checkpoint(run, 4)


def test_a_round_of_blocked_training_has_at_most_eight_strata_and_16_gib_of_shuffles():
    assert driver.strata_per_round(model_bytes=1 << 20, n_regions=100) == driver.STRATA_PER_ROUND == 8
    assert driver.strata_per_round(model_bytes=1 << 20, n_regions=3) == 3
    assert driver.strata_per_round(model_bytes=4 << 30, n_regions=100) == 4
    assert driver.strata_per_round(model_bytes=40 << 30, n_regions=100) == 1
    assert driver.strata_per_round(model_bytes=0, n_regions=1) == 1


def test_more_regions_than_words_are_refused(spark, tmp_path):
    run = make_run(spark, tmp_path, "train.strategy=blocked", f"train.shards={WORDS + 1}")

    with pytest.raises(
        InputError, match=rf"train.shards = {WORDS + 1} cuts a vocabulary of {WORDS} words into more"
    ):
        driver.read_expected(run)
