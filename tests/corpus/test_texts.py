"""Encoding: tokens become texts of word ids, each in a slice and a shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark import Broadcast
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from vecmill.corpus import texts
from vecmill.corpus.texts import HOLDOUT_SLICE, PIECE_TOKENS, encode
from vecmill.storage.schemas import TEXTS, TOKENS
from vecmill.storage.task_table import TaskTable

WORDS = [f"w{number}" for number in range(30)]
SLICES, SHARDS, HOLDOUT, SEED = 2, 3, 0.25, 5


def corpus() -> list[tuple[int, list[str]]]:
    """Short documents with unknown words, two long ones, and two without a known word."""
    rng = np.random.default_rng(0)
    words = np.array([*WORDS, "unknown"])
    short = [words[rng.integers(0, 31, size)].tolist() for size in rng.integers(1, 8, 600)]
    long = [token for word in WORDS * 75 for token in (word, "unknown")]
    one_too_many = [WORDS[0]] * (PIECE_TOKENS + 1)
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
    tokens = TaskTable(spark.createDataFrame(corpus(), TOKENS).repartition(partitions))
    defaults = {"slices": SLICES, "shards": SHARDS, "holdout": HOLDOUT, "seed": SEED}
    texts = encode(tokens, words, **{**defaults, **settings})
    assert texts.schema.simpleString() == TEXTS.simpleString()
    return texts.withColumn("partition", F.spark_partition_id()).toArrow().to_pylist()


@pytest.fixture(scope="module")
def encoded(spark: SparkSession, words: Broadcast[pa.Array]) -> list[dict[str, Any]]:
    return encoded_rows(spark, words, partitions=1)


def test_texts_have_the_known_words_of_each_document_in_order(encoded):
    by_document = sorted(encoded, key=lambda row: (row["document_id"], row["piece"]))

    found = {
        document: [id_ for row in pieces for id_ in row["ids"]]
        for document, pieces in groupby(by_document, lambda row: row["document_id"])
    }

    expected = {document: known_ids(tokens) for document, tokens in corpus()}
    # A single word has no context; here the last of 1001 words is alone in its piece.
    expected[601] = expected[601][:PIECE_TOKENS]
    assert PIECE_TOKENS == 1000
    assert found == {document: ids for document, ids in expected.items() if len(ids) > 1}


def test_a_long_document_is_cut_into_pieces_of_a_thousand_words(encoded):
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


def test_texts_of_a_slice_are_not_in_the_order_of_the_documents(encoded):
    documents = [row["document_id"] for row in encoded if (row["slice"], row["shard"]) == (1, 1)]

    assert documents != sorted(documents)


def test_slices_and_shards_get_equal_shares_and_the_holdout_gets_its_own(encoded):
    held_out = [row for row in encoded if row["slice"] == HOLDOUT_SLICE]
    rest = [(row["slice"], row["shard"]) for row in encoded if row["slice"] != HOLDOUT_SLICE]

    # About 500 pieces: five standard deviations of a share of a quarter are .1.
    assert abs(len(held_out) / len(encoded) - HOLDOUT) < 0.1
    assert {row["shard"] for row in held_out} == {0}
    shares = {place: rest.count(place) / len(rest) for place in set(rest)}
    assert set(shares) == {(slice_, shard) for slice_ in range(SLICES) for shard in range(SHARDS)}
    assert all(abs(share - 1 / 6) < 0.1 for share in shares.values())


def test_texts_and_their_order_do_not_depend_on_the_partitions_of_the_input(spark, words, encoded):
    assert encoded_rows(spark, words, partitions=5) == encoded


# Each of these ids with its document this many times.
COPIES = {-5: 200, 1 << 40: 3, 7: 1, 8: 2, -(1 << 62): 1}


def repeated_rows(
    spark: SparkSession, words: Broadcast[pa.Array], partitions: int, through_python: bool = False
) -> list[dict[str, Any]]:
    """Documents of COPIES encoded from so many partitions, in the order of the result."""
    rng = np.random.default_rng(3)
    documents = {id_: rng.choice(WORDS, 1500 if id_ == 8 else 5).tolist() for id_ in COPIES}
    rows = [(id_, documents[id_]) for id_, times in COPIES.items() for _ in range(times)]
    frame = spark.createDataFrame(rows, TOKENS).repartition(partitions)
    tokens = TaskTable(frame, lambda batches: batches) if through_python else TaskTable(frame)
    texts = encode(tokens, words, slices=SLICES, shards=SHARDS, holdout=HOLDOUT, seed=SEED)
    return texts.toArrow().to_pylist()


def test_equal_documents_are_dealt_like_others(spark, words):
    rows = repeated_rows(spark, words, partitions=4)

    pieces = Counter((row["document_id"], row["piece"]) for row in rows)
    assert pieces == {(id_, 0): times for id_, times in COPIES.items()} | {(8, 1): 2}
    assert len({tuple(row["ids"]) for row in rows if row["document_id"] == -5}) == 1
    places = Counter((row["slice"], row["shard"]) for row in rows if row["document_id"] == -5)
    # Five standard deviations around a quarter of 200, and around a sixth of the rest.
    assert 20 < places.pop((HOLDOUT_SLICE, 0)) < 80
    assert set(places) == {(slice_, shard) for slice_ in range(SLICES) for shard in range(SHARDS)}
    assert all(5 < times < 50 for times in places.values())


def test_where_equal_documents_come_from_does_not_matter(spark, words, monkeypatch):
    expected = repeated_rows(spark, words, partitions=1)

    assert repeated_rows(spark, words, partitions=7) == expected
    assert repeated_rows(spark, words, partitions=2, through_python=True) == expected
    # One row becomes few copies at a time, and all documents may be repeated.
    monkeypatch.setattr(texts, "_COPIES", 64)
    monkeypatch.setattr(texts, "_FEWEST_BITS", 3)
    monkeypatch.setattr(texts, "_MOST_BITS", 3)
    assert repeated_rows(spark, words, partitions=2) == expected


def test_the_first_of_equal_documents_is_dealt_as_if_there_were_no_others(spark, words, encoded):
    rows = corpus()
    tokens = TaskTable(spark.createDataFrame([*rows, *rows[:300], *rows[-3:]], TOKENS))

    found = encode(tokens, words, slices=SLICES, shards=SHARDS, holdout=HOLDOUT, seed=SEED).toArrow()

    assert len(found) > 1.4 * len(encoded)
    places = {(row["document_id"], row["piece"], row["slice"], row["shard"]) for row in found.to_pylist()}
    assert places >= {(row["document_id"], row["piece"], row["slice"], row["shard"]) for row in encoded}


def test_a_set_of_ids_holds_what_was_added(spark):
    rng = np.random.default_rng(1)
    ids = rng.integers(-(2**63), 2**63 - 1, 5000)
    others = rng.integers(-(2**63), 2**63 - 1, 50_000)
    frame = spark.createDataFrame(pa.table({"document_id": np.concatenate([ids, ids, others])}))

    members = texts._find_repeated(TaskTable(frame)).value

    assert texts._is_in(ids, members).all()
    assert texts._is_in(others, members).mean() < 0.1
    assert texts._find_repeated(TaskTable(frame.distinct())) is None


def test_a_map_of_the_tokens_runs_before_they_are_encoded(spark, words):
    rows = [(1, ["w1 w2", "w3"])]

    def split(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            tokens = [" ".join(tokens).split() for tokens in batch["tokens"].to_pylist()]
            yield pa.record_batch([batch["document_id"], pa.array(tokens)], ["document_id", "tokens"])

    table = TaskTable(spark.createDataFrame(rows, TOKENS), split)
    texts = encode(table, words, slices=1, shards=1, holdout=0.0, seed=SEED)

    assert [row["ids"] for row in texts.collect()] == [[1, 2, 3]]


def test_another_seed_gives_another_assignment_and_a_holdout_of_0_holds_nothing_out(spark, words, encoded):
    def places(rows: list[dict[str, Any]]) -> dict[tuple[int, int], tuple[int, int]]:
        return {(r["document_id"], r["piece"]): (r["slice"], r["shard"]) for r in rows}

    other = places(encoded_rows(spark, words, partitions=2, seed=SEED + 1, holdout=0.0))

    first = places(encoded)
    assert set(other) == set(first)
    assert HOLDOUT_SLICE not in {slice_ for slice_, _ in other.values()}
    same = sum(other[text] == first[text] for text in first) / len(first)
    # By chance an eighth: not held out before, and then one of six.
    assert same < 0.25
