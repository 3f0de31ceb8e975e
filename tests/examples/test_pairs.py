"""Texts dealt out to slices and shards, and the rows drawn from them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

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
from vecmill.core.rows import Rows
from vecmill.examples.pairs import (
    HOLDOUT_SLICE,
    PairSettings,
    SamplingTables,
    Task,
    draw,
    draw_task,
    encode,
    rows_from_arrow,
    rows_to_arrow,
    triples,
)
from vecmill.spark.session import ONE_FILE_ONE_TASK, using
from vecmill.storage.arrow import unchanged
from vecmill.storage.schemas import PAIRS, TEXTS, TOKENS, TRIPLES

WORDS = [f"w{number}" for number in range(30)]
SLICES, SHARDS, HOLDOUT, SEED = 2, 3, 0.25, 5
SETTINGS = PairSettings(window=3, negatives=2, seed=7)


def corpus() -> list[tuple[int, list[str]]]:
    """Short documents with unknown words, two long ones, and two without a word."""
    rng = np.random.default_rng(0)
    words = np.array([*WORDS, "unknown"])
    short = [words[rng.integers(0, 31, size)].tolist() for size in rng.integers(1, 8, 600)]
    long = [token for word in WORDS * 75 for token in (word, "unknown")]
    one_too_many = [WORDS[0]] * 1001
    return list(enumerate([*short, long, one_too_many, ["unknown"] * 5, []]))


def known_ids(tokens: list[str]) -> list[int]:
    return [WORDS.index(token) for token in tokens if token in WORDS]


@pytest.fixture(scope="module")
def words(spark: SparkSession) -> Iterator[Broadcast[pa.Array]]:
    broadcast = spark.sparkContext.broadcast(pa.array(WORDS))
    yield broadcast
    broadcast.destroy()


def encoded_rows(
    spark: SparkSession, words: Broadcast[pa.Array], partitions: int, **settings: Any
) -> list[dict[str, Any]]:
    """The corpus encoded from so many partitions, in its order, each row with its partition."""
    tokens = spark.createDataFrame(corpus(), TOKENS).repartition(partitions)
    defaults = {"slices": SLICES, "shards": SHARDS, "holdout": HOLDOUT, "seed": SEED}
    texts = encode(tokens, words, **{**defaults, **settings})
    assert texts.schema.simpleString() == TEXTS.simpleString()
    return texts.withColumn("partition", F.spark_partition_id()).toArrow().to_pylist()


@pytest.fixture(scope="module")
def encoded(spark: SparkSession, words: Broadcast[pa.Array]) -> list[dict[str, Any]]:
    return encoded_rows(spark, words, partitions=1)


def test_texts_hold_the_known_words_of_each_document_in_order(encoded):
    by_document = sorted(encoded, key=lambda row: (row["document_id"], row["piece"]))

    found = {
        document: [id_ for row in pieces for id_ in row["ids"]]
        for document, pieces in groupby(by_document, lambda row: row["document_id"])
    }

    expected = {document: known_ids(tokens) for document, tokens in corpus()}
    # A word alone has no context; here the last of 1001 is alone in its piece.
    expected[601] = expected[601][:1000]
    assert found == {document: ids for document, ids in expected.items() if len(ids) > 1}


def test_a_long_document_is_cut_into_pieces_of_a_thousand(encoded):
    sizes = {row["piece"]: len(row["ids"]) for row in encoded if row["document_id"] == 600}

    assert sizes == {0: 1000, 1: 1000, 2: 250}
    assert [row["piece"] for row in encoded if row["document_id"] == 601] == [0]
    assert {row["piece"] for row in encoded if row["document_id"] < 600} == {0}


def test_a_partition_is_a_shard_sorted_by_slice(encoded):
    assert {row["partition"] for row in encoded} == set(range(SHARDS))
    assert all(row["partition"] == row["shard"] for row in encoded)
    for shard in range(SHARDS):
        slices = [row["slice"] for row in encoded if row["shard"] == shard]
        assert slices == sorted(slices)


def test_texts_of_a_slice_do_not_stand_in_the_order_of_the_documents(encoded):
    documents = [row["document_id"] for row in encoded if (row["slice"], row["shard"]) == (1, 1)]

    assert documents != sorted(documents)


def test_the_deal_is_fair_and_holds_out_the_share_asked_for(encoded):
    held_out = [row for row in encoded if row["slice"] == HOLDOUT_SLICE]
    rest = [(row["slice"], row["shard"]) for row in encoded if row["slice"] != HOLDOUT_SLICE]

    # About 500 pieces: five standard deviations of a share of a quarter are .1.
    assert abs(len(held_out) / len(encoded) - HOLDOUT) < 0.1
    assert {row["shard"] for row in held_out} == {0}
    shares = {place: rest.count(place) / len(rest) for place in set(rest)}
    assert set(shares) == {(slice_, shard) for slice_ in range(SLICES) for shard in range(SHARDS)}
    assert all(abs(share - 1 / 6) < 0.1 for share in shares.values())


def test_the_deal_and_the_order_do_not_depend_on_how_the_input_is_partitioned(spark, words, encoded):
    assert encoded_rows(spark, words, partitions=5) == encoded


def test_another_seed_deals_otherwise_and_nothing_need_be_held_out(spark, words, encoded):
    def places(rows: list[dict[str, Any]]) -> dict[tuple[int, int], tuple[int, int]]:
        return {(r["document_id"], r["piece"]): (r["slice"], r["shard"]) for r in rows}

    other = places(encoded_rows(spark, words, partitions=2, seed=SEED + 1, holdout=0.0))

    first = places(encoded)
    assert set(other) == set(first)
    assert HOLDOUT_SLICE not in {slice_ for slice_, _ in other.values()}
    same = sum(other[text] == first[text] for text in first) / len(first)
    # By chance an eighth: not held out before, and then one of six.
    assert same < 0.25


@pytest.fixture(scope="module")
def texts(spark: SparkSession, encoded: list[dict[str, Any]]) -> DataFrame:
    """The texts of slice 1, a partition a shard, and a last partition without any."""
    rows = [row for row in encoded if row["slice"] == 1]
    table = pa.Table.from_pylist(rows).select(TEXTS.fieldNames())
    one = spark.createDataFrame(table, TEXTS).coalesce(1)
    return one.repartitionById(SHARDS + 1, "shard").localCheckpoint()


@pytest.fixture(scope="module")
def tables(spark: SparkSession) -> Iterator[Broadcast[SamplingTables]]:
    keep = np.linspace(0.5, 1, len(WORDS)).astype(np.float32)
    noise = sampling.alias_table(np.arange(1.0, len(WORDS) + 1))
    broadcast = spark.sparkContext.broadcast(SamplingTables(keep, noise))
    yield broadcast
    broadcast.destroy()


@pytest.fixture(scope="module")
def drawn(texts: DataFrame, tables: Broadcast[SamplingTables]) -> pa.Table:
    return draw(texts, unchanged, tables, SETTINGS, epoch=1).toArrow()


def drawn_directly(encoded: list[dict[str, Any]], tables: SamplingTables, shard: int, epoch: int) -> Rows:
    """The rows of one shard of slice 1, without Spark and Arrow."""
    ids = [row["ids"] for row in encoded if (row["slice"], row["shard"]) == (1, shard)]
    purpose = keyed_random.Purpose.PAIRS
    # Slice 0 of the key is the held-out one.
    rng = keyed_random.generator(SETTINGS.seed, purpose, epoch=epoch, slice_=2, shard=shard)
    return windows.draw_rows(
        np.concatenate(ids).astype(np.int32),
        np.cumsum([len(some) for some in ids]),
        keep=tables.keep,
        noise=tables.noise,
        window=SETTINGS.window,
        negatives=SETTINGS.negatives,
        rng=rng,
    )


def test_rows_are_those_that_the_key_of_each_shard_gives(encoded, tables, drawn):
    expected = [
        rows_to_arrow(drawn_directly(encoded, tables.value, shard, 1), 1, Task(1, shard))
        for shard in range(SHARDS)
    ]

    assert drawn.num_rows > 500
    assert drawn.to_pylist() == pa.Table.from_batches(expected).to_pylist()


def test_every_epoch_draws_afresh_and_the_same_again(texts, tables, drawn):
    first, second = (draw(texts, unchanged, tables, SETTINGS, epoch=epoch) for epoch in (1, 2))
    both = first.unionByName(second)
    again = both.toArrow().to_pylist()

    first = [row for row in again if row["epoch"] == 1]
    second = [row for row in again if row["epoch"] == 2]
    assert first == drawn.to_pylist()
    assert [row["c"] for row in second] != [row["c"] for row in first]
    assert [row["negatives"] for row in second[:50]] != [row["negatives"] for row in first[:50]]


def test_rows_do_not_depend_on_how_many_texts_arrow_puts_into_a_batch(spark, texts, tables, drawn):
    with using(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": "7"}):
        small_batches = draw(texts, unchanged, tables, SETTINGS, epoch=1).toArrow()

    assert small_batches.to_pylist() == drawn.to_pylist()


def test_written_pairs_are_the_rows_that_are_drawn_on_the_fly(spark, texts, tables, encoded, tmp_path):
    pairs = draw(texts, unchanged, tables, SETTINGS, epoch=1)
    assert pairs.schema == PAIRS
    pairs.write.partitionBy("epoch", "slice", "shard").parquet(str(tmp_path / "pairs"))

    with using(spark, ONE_FILE_ONE_TASK):
        read = spark.read.schema(PAIRS).parquet(str(tmp_path / "pairs"))
        written = read.withColumn("partition", F.spark_partition_id()).toArrow()

    partitions = [list(rows) for _, rows in groupby(written.to_pylist(), itemgetter("partition"))]
    assert sorted(rows[0]["shard"] for rows in partitions) == list(range(SHARDS))
    for rows in partitions:
        batches = texts_as_arrow(encoded, rows[0]["shard"])
        on_the_fly = [
            rows_to_arrow(part, 1, task)
            for task, part in draw_task(batches, tables.value, SETTINGS, epoch=1)
        ]
        expected = pa.Table.from_batches(on_the_fly).to_pylist()
        assert [{name: row[name] for name in PAIRS.fieldNames()} for row in rows] == expected


def texts_as_arrow(encoded: list[dict[str, Any]], shard: int) -> Iterator[pa.RecordBatch]:
    rows = [row for row in encoded if (row["slice"], row["shard"]) == (1, shard)]
    yield from pa.Table.from_pylist(rows).to_batches(max_chunksize=11)


def test_the_held_out_slice_draws_with_a_key_of_its_own():
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


def test_texts_of_which_subsampling_leaves_nothing_give_no_rows():
    # And no batch without rows either, of which nobody could tell the shard.
    tables = SamplingTables(np.zeros(3, np.float32), sampling.alias_table(np.ones(3)))
    text = {"slice": 0, "shard": 0, "document_id": 1, "piece": 0, "ids": [0, 1, 2]}

    batches = iter([pa.RecordBatch.from_pylist([text])])

    assert list(draw_task(batches, tables, SETTINGS, epoch=1)) == []


ids = st.integers(0, 9)


some_rows = st.lists(st.tuples(ids, st.lists(ids, max_size=5)), min_size=2, max_size=9)


@given(some_rows, st.integers(0, 3))
def test_rows_come_back_from_arrow_as_they_went(plain, negatives):
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


def plain_triples(c: int, w: list[int], negatives: list[int]) -> Iterator[tuple[int, int, int]]:
    for word in w:
        yield word, c, 1
    for word in w:
        for noise in negatives:
            if noise != c:
                yield word, noise, 0


def test_triples_are_what_the_rows_stand_for(spark):
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
