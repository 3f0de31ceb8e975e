"""The rows of pairs/: drawn from texts, converted between Arrow and NumPy, and as triples."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import numpy as np
import pyarrow as pa
import pytest
from chispa import assert_df_equality
from hypothesis import given
from hypothesis import strategies as st
from pyspark import Broadcast
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from vecmill.core import keyed_random, sampling, windows
from vecmill.core.rows import Rows, concatenate
from vecmill.corpus.texts import HOLDOUT_SLICE
from vecmill.examples.pairs import (
    DRAWN_FROM,
    TRAINED_ON,
    PairSettings,
    SamplingTables,
    Task,
    draw,
    draw_task,
    rows_from_arrow,
    rows_to_arrow,
    rows_with_shard,
    triples,
)
from vecmill.spark.session import ONE_FILE_ONE_TASK, using
from vecmill.storage.schemas import PAIRS, TEXTS, TRIPLES, arrow_schema
from vecmill.storage.task_table import TaskTable

V, SHARDS = 30, 3
SETTINGS = PairSettings(window=3, negatives=2, seed=7)


def texts_of_shard(shard: int) -> list[list[int]]:
    """The ids of the texts of one shard of slice 1: short ones, and a long one in shard 0."""
    rng = np.random.default_rng(shard)
    lengths = [*rng.integers(2, 8, 70), *([1000] if shard == 0 else [])]
    return [rng.integers(0, V, length).tolist() for length in lengths]


ROWS_OF_TEXTS = [
    (1, shard, number, 0, ids)
    for shard in range(SHARDS)
    for number, ids in enumerate(texts_of_shard(shard))
]


@pytest.fixture(scope="module")
def texts(spark: SparkSession) -> TaskTable:
    """The texts of slice 1: one partition per shard, and a last partition without texts."""
    one = spark.createDataFrame(ROWS_OF_TEXTS, TEXTS).coalesce(1)
    return TaskTable(one.repartitionById(SHARDS + 1, "shard").localCheckpoint())


@pytest.fixture(scope="module")
def tables(spark: SparkSession) -> Iterator[Broadcast[SamplingTables]]:
    keep = np.linspace(0.5, 1, V).astype(np.float32)
    noise = sampling.alias_table(np.arange(1.0, V + 1))
    broadcast = spark.sparkContext.broadcast(SamplingTables(keep, noise))
    yield broadcast
    broadcast.destroy()


@pytest.fixture(scope="module")
def drawn(texts: TaskTable, tables: Broadcast[SamplingTables]) -> pa.Table:
    return drawn_rows(texts, tables, epoch=1).toArrow()


def drawn_rows(texts: TaskTable, tables: Broadcast[SamplingTables], epoch: int) -> DataFrame:
    table = draw(texts, tables, SETTINGS, epoch=epoch)
    return table.partitions.mapInArrow(table.read, PAIRS)


def drawn_directly(tables: SamplingTables, shard: int, epoch: int) -> Rows:
    """The rows of one shard of slice 1, without Spark and Arrow."""
    ids = texts_of_shard(shard)
    purpose = keyed_random.Purpose.PAIRS
    # In the key, slice 0 is the held-out one.
    rng = keyed_random.generator(SETTINGS.seed, purpose, epoch=epoch, slice_=2, shard=shard)
    return concatenate(
        [
            *windows.draw_rows(
                np.concatenate(ids).astype(np.int32),
                np.cumsum([len(text) for text in ids]),
                keep=tables.keep,
                noise=tables.noise,
                window=SETTINGS.window,
                negatives=SETTINGS.negatives,
                rng=rng,
            )
        ]
    )


def test_the_key_of_a_shard_determines_its_rows(tables, drawn):
    expected = [
        rows_to_arrow(drawn_directly(tables.value, shard, 1), 1, Task(1, shard)) for shard in range(SHARDS)
    ]

    assert drawn.num_rows > 500
    assert drawn.to_pylist() == pa.Table.from_batches(expected).to_pylist()


def test_every_epoch_draws_other_rows_and_the_same_ones_again(texts, tables, drawn):
    first, second = (drawn_rows(texts, tables, epoch) for epoch in (1, 2))
    again = first.unionByName(second).toArrow().to_pylist()

    first = [row for row in again if row["epoch"] == 1]
    second = [row for row in again if row["epoch"] == 2]
    assert first == drawn.to_pylist()
    assert [row["c"] for row in second] != [row["c"] for row in first]
    assert [row["negatives"] for row in second[:50]] != [row["negatives"] for row in first[:50]]


def test_rows_do_not_depend_on_the_batches_of_arrow(spark, texts, tables, drawn):
    with using(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": "7"}):
        small_batches = drawn_rows(texts, tables, epoch=1).toArrow()

    assert small_batches.to_pylist() == drawn.to_pylist()


def test_written_pairs_are_the_rows_that_are_drawn_during_training(spark, texts, tables, tmp_path):
    pairs = drawn_rows(texts, tables, epoch=1)
    assert pairs.schema == PAIRS
    pairs.write.partitionBy("epoch", "slice", "shard").parquet(str(tmp_path / "pairs"))

    with using(spark, ONE_FILE_ONE_TASK):
        read = spark.read.schema(PAIRS).parquet(str(tmp_path / "pairs"))
        written = read.withColumn("partition", F.spark_partition_id()).toArrow()

    partitions = [list(rows) for _, rows in groupby(written.to_pylist(), itemgetter("partition"))]
    assert sorted(rows[0]["shard"] for rows in partitions) == list(range(SHARDS))
    for rows in partitions:
        batches = texts_as_arrow(rows[0]["shard"])
        during_training = [
            rows_to_arrow(part, 1, task)
            for task, part in draw_task(batches, tables.value, SETTINGS, epoch=1)
        ]
        expected = pa.Table.from_batches(during_training).to_pylist()
        assert [{name: row[name] for name in PAIRS.fieldNames()} for row in rows] == expected


def texts_as_arrow(shard: int) -> Iterator[pa.RecordBatch]:
    """The texts of a shard with the columns that drawing needs."""
    rows = [dict(zip(TEXTS.fieldNames(), row, strict=True)) for row in ROWS_OF_TEXTS if row[1] == shard]
    yield from (
        pa.Table.from_pylist(rows, arrow_schema(TEXTS)).select(DRAWN_FROM).to_batches(max_chunksize=11)
    )


def test_the_held_out_slice_has_a_key_of_its_own():
    tables = SamplingTables(np.ones(3, np.float32), sampling.alias_table(np.ones(3)))

    def negatives(slice_: int) -> list[list[int]]:
        text = {"slice": slice_, "shard": 0, "document_id": 1, "piece": 0, "ids": [0, 1, 2] * 9}
        batch = pa.RecordBatch.from_pylist([text])
        [(task, rows)] = draw_task(iter([batch]), tables, SETTINGS, epoch=0)
        assert task == Task(slice_, 0)
        return rows.negatives.tolist()

    assert negatives(HOLDOUT_SLICE) != negatives(0)


def test_a_partition_without_texts_gives_no_rows():
    tables = SamplingTables(np.ones(3, np.float32), sampling.alias_table(np.ones(3)))

    assert list(draw_task(iter([]), tables, SETTINGS, epoch=1)) == []


def test_texts_whose_words_are_all_subsampled_give_no_rows():
    # Nor a block without rows, whose shard would be unknown.
    tables = SamplingTables(np.zeros(3, np.float32), sampling.alias_table(np.ones(3)))
    text = {"slice": 0, "shard": 0, "document_id": 1, "piece": 0, "ids": [0, 1, 2]}

    batches = iter([pa.RecordBatch.from_pylist([text])])

    assert list(draw_task(batches, tables, SETTINGS, epoch=1)) == []


ids = st.integers(0, 9)


some_rows = st.lists(st.tuples(ids, st.lists(ids, max_size=5)), min_size=2, max_size=9)


@given(some_rows, st.integers(0, 3))
def test_rows_survive_the_way_through_arrow(plain, negatives):
    rows = Rows(
        np.array([center for center, _ in plain], np.int32),
        np.cumsum([0, *(len(words) for _, words in plain)]).astype(np.int32),
        np.array([word for _, words in plain for word in words], np.int32),
        np.arange(len(plain) * negatives, dtype=np.int32).reshape(len(plain), negatives),
    )

    batch = rows_to_arrow(rows, 4, Task(2, 3))
    back = rows_from_arrow(batch)

    assert batch.schema.names == PAIRS.fieldNames()
    for name, value in (("epoch", 4), ("slice", 2), ("shard", 3)):
        assert batch.column(name).to_pylist() == [value] * len(plain)
    for array, expected in zip(back, rows, strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == np.int32
    later = rows_from_arrow(batch.slice(1))
    assert later.centers.tolist() == rows.centers[1:].tolist()
    assert later.offsets.tolist() == rows.offsets[1:].tolist()
    assert later.negatives.tolist() == rows.negatives[1:].tolist()


def test_batches_that_training_reads_have_their_shard():
    rows = Rows(
        *(np.array(some, np.int32) for some in ([4, 5], [0, 1, 2], [6, 7])), np.zeros((2, 0), np.int32)
    )
    batch = rows_to_arrow(rows, 4, Task(2, 3)).select(TRAINED_ON)

    [(shard, found)] = rows_with_shard(iter([batch.slice(0, 0), batch]))

    assert shard == 3
    assert found.centers.tolist() == [4, 5]
    assert found.words.tolist() == [6, 7]


def plain_triples(c: int, w: list[int], negatives: list[int]) -> Iterator[tuple[int, int, int]]:
    for word in w:
        yield word, c, 1
    for word in w:
        for noise in negatives:
            if noise != c:
                yield word, noise, 0


def test_triples_are_the_examples_that_rows_stand_for(spark):
    rng = np.random.default_rng(1)
    rows = [
        (7, [1, 2], [7, 3]),
        (7, [1], []),
        (0, [5, 5], [0, 0]),
        *(
            (int(rng.integers(5)), rng.integers(0, 5, size).tolist(), rng.integers(0, 5, 3).tolist())
            for size in rng.integers(1, 6, 20)
        ),
    ]
    pairs = spark.createDataFrame([(1, 0, 0, *row) for row in rows], PAIRS).coalesce(1)

    expected = [triple for row in rows for triple in plain_triples(*row)]
    assert expected[:6] == [(1, 7, 1), (2, 7, 1), (1, 3, 0), (2, 3, 0), (1, 7, 1), (5, 0, 1)]
    assert_df_equality(triples(pairs), spark.createDataFrame(expected, TRIPLES), ignore_nullable=True)
