"""`vecmill pairs --show` prints the first triples of a run's pairs, of either training strategy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from vecmill.commands.pairs import first_triples
from vecmill.config import Config
from vecmill.errors import InputError
from vecmill.runs.manifest import Manifest
from vecmill.runs.run import Run
from vecmill.storage.schemas import BUCKETS, BUCKETS_BY, PAIRS, PAIRS_BY, VOCABULARY
from vecmill.storage.stores import open_store

WORDS = ["the", "king", "queen", "water"]


@pytest.fixture
def run(spark: SparkSession, tmp_path: Path) -> Run:
    """A run that has a vocabulary and no pairs."""
    rows = [(id_, word, 10 - id_, 1.0, 0.25) for id_, word in enumerate(WORDS)]
    spark.createDataFrame(rows, VOCABULARY).write.parquet(str(tmp_path / "vocabulary"))
    store = open_store(str(tmp_path), spark)
    return Run(Config.load(None, ["input.path=a", f"output.path={tmp_path}"]), store, Manifest(store.files))


def ids(*values: int) -> bytearray:
    return bytearray(np.array(values, "<i4").tobytes())


def test_triples_of_rows_have_positive_and_noise_words_of_epoch_1(run: Run, spark: SparkSession) -> None:
    # The second row is of another epoch.
    rows = [(1, 0, 0, 1, [2, 3], [0]), (2, 0, 0, 3, [3], [])]
    spark.createDataFrame(rows, PAIRS).write.partitionBy(*PAIRS_BY).parquet(run.files.path("pairs"))

    header, *lines = (line.split() for line in first_triples(run, 20))

    assert header == ["w", "c", "label"]
    assert sorted(lines) == sorted(
        [
            ["queen", "king", "+"],
            ["water", "king", "+"],
            ["queen", "the", "-"],
            ["water", "the", "-"],
        ]
    )
    assert len(list(first_triples(run, 3))) == 4


def test_triples_of_buckets_are_positive_and_noise_is_explained(run: Run, spark: SparkSession) -> None:
    rows = [
        (1, 0, 0, 0, 0, 0, 3, ids(1, 2, 3), ids(0, 0, 1)),
        (2, 0, 0, 0, 0, 0, 1, ids(3), ids(3)),
    ]
    spark.createDataFrame(rows, BUCKETS).write.partitionBy(*BUCKETS_BY).parquet(run.files.path("pairs"))

    header, *lines, note = first_triples(run, 2)

    assert header.split() == ["w", "c", "label"]
    assert [line.split() for line in lines] == [["king", "the", "+"], ["queen", "the", "+"]]
    assert "noise, label -, is drawn while training" in note


def test_a_run_without_written_pairs_is_reported_with_the_remedy(run: Run) -> None:
    with pytest.raises(
        InputError, match=r"holds no pairs; run 'vecmill pairs' with pairs.materialize = true"
    ):
        list(first_triples(run, 3))
