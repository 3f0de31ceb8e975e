"""Buckets: the same pairs as in pairs/, by the regions of their word and context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from chispa import assert_df_equality
from pyspark import Broadcast
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from vecmill.core import sampling
from vecmill.core.buckets import pairs_of
from vecmill.core.passes import Expected, Layout, layout
from vecmill.core.regions import Regions
from vecmill.core.rows import Rows
from vecmill.examples.buckets import draw, sorted_in_parts
from vecmill.examples.pairs import PairSettings, SamplingTables, Task, draw_task
from vecmill.spark.session import using
from vecmill.storage.schemas import BUCKETS, TEXTS
from vecmill.storage.task_table import TaskTable

EPOCH = 2
SETTINGS = PairSettings(window=1, negatives=2, seed=7)
# Words 0 to 3 in two regions, which differ between the slices.
LAYOUTS = {
    0: Layout(
        words=Regions(np.array([0, 1, 2, 3], np.int32), np.array([0, 2, 4])),
        contexts=Regions(np.array([0, 2, 1, 3], np.int32), np.array([0, 2, 4])),
    ),
    1: Layout(
        words=Regions(np.array([3, 0, 1, 2], np.int32), np.array([0, 1, 4])),
        contexts=Regions(np.array([0, 1, 2, 3], np.int32), np.array([0, 4, 4])),
    ),
}
# Every token is kept, and with a window of 1 the contexts of a word are its two neighbours.
KEEP_ALL = SamplingTables(np.ones(4, np.float32), sampling.alias_table(np.ones(4)))


def ids(*values: int) -> bytes:
    return np.array(values, np.int32).tobytes()


@pytest.fixture(scope="module")
def keep_all(spark: SparkSession) -> Iterator[Broadcast[SamplingTables]]:
    broadcast = spark.sparkContext.broadcast(KEEP_ALL)
    yield broadcast
    broadcast.destroy()


def texts_of(spark: SparkSession, *rows: tuple[int, int, list[int]]) -> TaskTable:
    """(slice, shard, ids) as TEXTS, one partition per shard of a slice."""
    whole = [(slice_, shard, 0, number, words) for number, (slice_, shard, words) in enumerate(rows)]
    texts = spark.createDataFrame(whole, TEXTS).coalesce(1)
    return TaskTable(texts.repartitionById(5, 2 * texts["slice"] + texts["shard"]))


def test_every_pair_is_in_the_bucket_of_its_regions(spark, keep_all):
    texts = texts_of(spark, (0, 0, [0, 1, 2]), (0, 0, [3, 3]), (0, 1, [2, 3]), (1, 0, [3, 0]))

    found = draw(texts, keep_all, SETTINGS, LAYOUTS.__getitem__, n_regions=2, epoch=EPOCH)

    assert_df_equality(
        found.sort("slice", "shard", "stratum", "word_region"),
        spark.createDataFrame(
            [
                # Slice 0: words 0, 1 | 2, 3 and contexts 0, 2 | 1, 3. Of (w, c) = (1, 0), (0, 1), (2, 1),
                # (1, 2) and twice (3, 3), those whose regions have the same number are stratum 0.
                (EPOCH, 0, 0, 0, 0, 0, 2, ids(1, 1), ids(0, 2)),
                (EPOCH, 0, 0, 1, 0, 0, 3, ids(2, 3, 3), ids(1, 3, 3)),
                (EPOCH, 0, 1, 0, 0, 0, 1, ids(0), ids(1)),
                # (3, 2) and (2, 3), of another shard.
                (EPOCH, 0, 0, 1, 1, 0, 1, ids(2), ids(3)),
                (EPOCH, 0, 1, 1, 1, 0, 1, ids(3), ids(2)),
                # Slice 1: words 3 | 0, 1, 2 and all contexts in the first region: (0, 3) and (3, 0).
                (EPOCH, 1, 0, 0, 0, 0, 1, ids(3), ids(0)),
                (EPOCH, 1, 1, 1, 0, 0, 1, ids(0), ids(3)),
            ],
            BUCKETS,
        ),
        ignore_nullable=True,
    )


V = 60


def some_tables() -> SamplingTables:
    rng = np.random.default_rng(3)
    return SamplingTables(rng.random(V).astype(np.float32), sampling.alias_table(rng.random(V)))


def some_layouts(n_regions: int) -> dict[int, Layout]:
    weights = np.linspace(2, 1, V)
    of = Expected(weights / weights.sum(), weights / weights.sum())
    return {
        slice_: layout(of, n_regions, 2, seed=SETTINGS.seed, epoch=EPOCH, slice_=slice_)
        for slice_ in range(2)
    }


def some_texts() -> pa.Table:
    rng = np.random.default_rng(4)
    return pa.Table.from_pylist(
        [
            {
                "slice": slice_,
                "shard": shard,
                "document_id": number,
                "piece": 0,
                "ids": rng.integers(0, V, 40).astype(np.int32),
            }
            for slice_ in range(2)
            for shard in range(3)
            for number in range(20)
        ],
        pa.schema(
            [
                ("slice", pa.int32()),
                ("shard", pa.int32()),
                ("document_id", pa.int64()),
                ("piece", pa.int32()),
                ("ids", pa.list_(pa.int32())),
            ]
        ),
    )


def of_shard(texts: pa.Table, slice_: int, shard: int) -> list[pa.RecordBatch]:
    mine = [row["slice"] == slice_ and row["shard"] == shard for row in texts.to_pylist()]
    return texts.filter(pa.array(mine)).combine_chunks().to_batches()


def pairs_in(rows: list[dict[str, Any]]) -> Counter[tuple[int, int]]:
    return Counter(
        pair
        for row in rows
        for pair in zip(
            np.frombuffer(row["words"], np.int32).tolist(),
            np.frombuffer(row["contexts"], np.int32).tolist(),
            strict=True,
        )
    )


def drawn_rows(spark: SparkSession, texts: TaskTable, n_regions: int = 3) -> list[dict[str, Any]]:
    tables = spark.sparkContext.broadcast(some_tables())
    cut = some_layouts(n_regions)
    try:
        found = draw(texts, tables, SETTINGS, cut.__getitem__, n_regions, epoch=EPOCH)
        return found.withColumn("partition", F.spark_partition_id()).toArrow().to_pylist()
    finally:
        tables.destroy()


def in_shards(spark: SparkSession, texts: pa.Table, partitions: int = 6) -> TaskTable:
    table = spark.createDataFrame(texts, TEXTS).coalesce(1)
    return TaskTable(table.repartitionById(partitions, 3 * table["slice"] + table["shard"]))


@pytest.fixture(scope="module")
def drawn(spark: SparkSession) -> list[dict[str, Any]]:
    return drawn_rows(spark, in_shards(spark, some_texts()))


def test_the_pairs_are_those_of_the_pairs_table_without_noise(drawn):
    for slice_ in range(2):
        for shard in range(3):
            batches = iter(of_shard(some_texts(), slice_, shard))
            without = SETTINGS._replace(negatives=0)
            expected: Counter[tuple[int, int]] = Counter()
            for _, rows in draw_task(batches, some_tables(), without, epoch=EPOCH):
                words, contexts = pairs_of(rows)
                expected.update(zip(words.tolist(), contexts.tolist(), strict=True))

            mine = [row for row in drawn if (row["slice"], row["shard"]) == (slice_, shard)]
            assert sum(expected.values()) > 500
            assert pairs_in(mine) == expected


def test_every_row_has_the_regions_and_the_number_of_its_pairs(drawn):
    cut = some_layouts(3)
    for row in drawn:
        words, contexts = (np.frombuffer(row[name], np.int32) for name in ("words", "contexts"))
        regions = cut[row["slice"]]
        assert row["epoch"] == EPOCH
        assert row["pairs"] == len(words) == len(contexts) > 0
        assert np.isin(words, regions.words.members(row["word_region"])).all()
        other = (row["word_region"] + row["stratum"]) % 3
        assert np.isin(contexts, regions.contexts.members(other)).all()


def test_a_stratum_is_a_partition_in_the_order_of_training(drawn):
    assert all(row["partition"] == row["stratum"] for row in drawn)
    order = "epoch", "slice", "stratum", "word_region", "shard", "part"
    for stratum in range(3):
        places = [tuple(row[name] for name in order) for row in drawn if row["stratum"] == stratum]
        assert places == sorted(set(places))


def test_pairs_do_not_depend_on_partitions_or_batches(spark, drawn):
    with using(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": "7"}):
        again = drawn_rows(spark, in_shards(spark, some_texts(), partitions=11))

    assert again == drawn


def some_rows(*pairs: tuple[int, int]) -> Rows:
    """One row per pair (w, c)."""
    words, contexts = np.array(pairs, np.int32).reshape(-1, 2).T
    return Rows(
        contexts, np.arange(len(pairs) + 1, dtype=np.int32), words, np.zeros((len(pairs), 0), np.int32)
    )


def parts(*blocks: Rows, part_pairs: int) -> list[list[tuple[int, int, bytes, bytes]]]:
    """For each part the rows, each with part, pairs, words and contexts."""
    task = Task(slice_=0, shard=3)
    found = sorted_in_parts(((task, block) for block in blocks), LAYOUTS.__getitem__, EPOCH, part_pairs)
    names = "part", "pairs", "words", "contexts"
    return [[tuple(row[name] for name in names) for row in batch.to_pylist()] for batch in found]


def test_a_part_ends_with_the_block_that_fills_it():
    first, second, third = some_rows((0, 0), (2, 1)), some_rows((1, 2)), some_rows((1, 1), (3, 1))

    # Words 0, 1 | 2, 3 and contexts 0, 2 | 1, 3.
    assert parts(first, second, third, part_pairs=3) == [
        [(0, 2, ids(0, 1), ids(0, 2)), (0, 1, ids(2), ids(1))],
        [(1, 1, ids(1), ids(1)), (1, 1, ids(3), ids(1))],
    ]
    assert parts(first, second, third, part_pairs=6) == [
        [(0, 2, ids(0, 1), ids(0, 2)), (0, 1, ids(1), ids(1)), (0, 2, ids(2, 3), ids(1, 1))]
    ]


def test_no_part_is_empty():
    assert len(parts(some_rows((0, 0)), some_rows((0, 0)), part_pairs=1)) == 2
    assert parts(some_rows(), part_pairs=1) == []
    assert parts(part_pairs=1) == []
