"""The two ways in which parameters move: the same model, to the byte, whichever it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from tests.training.test_averaging_worker import DIM, ROWS, VOCABULARY_SIZE, pairs_of, settings
from vecmill.storage.files import Folder
from vecmill.training.averaging import movers
from vecmill.training.averaging.movers import Broadcasts, Files, Mover
from vecmill.training.averaging.worker import Initial, rows_with_shard

INITIAL = Initial(VOCABULARY_SIZE, DIM, seed=5)


@pytest.fixture
def both(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Mover]:
    by_files = movers.mover(Folder(spark, str(tmp_path / "files")), INITIAL)
    monkeypatch.setattr(movers, "local_path", lambda qualified: None)
    return [by_files, movers.mover(Folder(spark, str(tmp_path / "spark")), INITIAL)]


@pytest.fixture
def shards(spark: SparkSession) -> DataFrame:
    return pairs_of(spark, *ROWS).repartitionById(len(ROWS), "shard")


def assert_same_model(movers_: list[Mover], number: int) -> None:
    first, *others = (mover.model(number) for mover in movers_)
    assert set(first) == {"W", "C"}
    for other in others:
        for name, table in first.items():
            assert table.dtype == np.float32
            np.testing.assert_array_equal(other[name], table)


def test_where_tasks_can_open_files_parameters_move_by_them(both):
    assert list(map(type, both)) == [Files, Broadcasts]


def test_the_first_round_begins_with_the_initial_tables(both):
    assert_same_model(both, 0)
    np.testing.assert_array_equal(both[0].model(0)["W"], INITIAL.value["W"])


@pytest.mark.parametrize("merge", ["mean", "adasum"])
def test_shards_become_the_same_model_round_after_round(both, shards, merge):
    for number in (1, 2):
        for mover in both:
            mover.train(shards, rows_with_shard, settings(merge=merge), number)

        assert_same_model(both, number)
        told = [mover.metrics(number)[:, :3] for mover in both]
        assert told[0].shape == (len(ROWS), 3)
        np.testing.assert_array_equal(told[0], told[1])
    assert np.abs(both[0].model(2)["C"] - both[0].model(1)["C"]).max() > 0.01


def test_a_shard_alone_becomes_the_same_model(spark, both):
    alone = settings(expected_rows={0: 1000.0})
    for mover in both:
        mover.train(pairs_of(spark, 0), rows_with_shard, alone, 1)

    assert_same_model(both, 1)
    assert both[0].metrics(1)[0, 0] == len(ROWS[0].centers)


@pytest.mark.parametrize("shards_of_round", [1, 3])
def test_a_round_without_rows_has_no_metrics(spark, both, shards_of_round):
    task = settings(expected_rows=dict.fromkeys(range(shards_of_round), 10.0))
    nothing = pairs_of(spark, 0).limit(0)
    for mover in both:
        mover.train(nothing, rows_with_shard, task, 1)

        assert len(mover.metrics(1)) == 0


def test_what_tasks_left_is_gone_after_the_round(both, shards, tmp_path):
    both[0].train(shards, rows_with_shard, settings(), 1)

    assert list(tmp_path.rglob("*.arrow")) == []
