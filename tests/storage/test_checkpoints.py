"""Checkpoints: what is written as blocks is read as whole tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from vecmill.core.blocks import blocks
from vecmill.storage import checkpoints
from vecmill.storage.files import Folder
from vecmill.storage.schemas import BLOCKS, METRICS


@pytest.fixture
def folder(spark: SparkSession, tmp_path: Path) -> Folder:
    return Folder(spark, str(tmp_path))


def test_tables_and_metrics_come_back_as_they_went_however_their_blocks_lie(spark, folder):
    # Rows of 60,000 numbers: four of them make a block.
    rng = np.random.default_rng(1)
    tables = {
        "W": rng.normal(size=(11, 60_000)).astype(np.float32),
        "C": rng.normal(size=(3, 5)).astype(np.float32),
    }
    metrics = rng.normal(size=(12, 4))
    rows = [
        (name, number, part.stop - part.start, table[part].tobytes())
        for name, table in tables.items()
        for number, part in blocks(table)
    ]
    rows += [(METRICS, shard, 1, numbers.tobytes()) for shard, numbers in enumerate(metrics)]
    assert len(rows) == 3 + 1 + 12
    in_disorder: DataFrame = spark.createDataFrame(rows[::-1], BLOCKS).repartition(3)

    checkpoints.write(in_disorder, folder, 7)
    read = checkpoints.read(folder, 7)

    assert set(read.parameters) == {"W", "C"}
    for name, table in tables.items():
        assert read.parameters[name].dtype == np.float32
        np.testing.assert_array_equal(read.parameters[name], table)
    assert read.metrics.dtype == np.float64
    np.testing.assert_array_equal(read.metrics, metrics)


def test_the_last_two_rounds_are_kept(folder):
    for round_ in (1, 8, 9, 10, 11):
        folder.write_text(f"{checkpoints.name(round_)}/part", "x")

    checkpoints.prune(folder, 10)

    # Round 11 is not recorded: a run was killed before it could say that it is whole.
    assert folder.names("model") == ["round=10", "round=9"]


def test_pruning_the_first_round_keeps_it(folder):
    folder.write_text(f"{checkpoints.name(1)}/part", "x")

    checkpoints.prune(folder, 1)

    assert folder.names("model") == ["round=1"]
