"""The vocabulary: which words it has, in which order, with which sampling probabilities."""

from __future__ import annotations

import math

import pytest
from chispa import assert_approx_df_equality, assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from vecmill.corpus.vocabulary import build_vocabulary, count_words
from vecmill.spark.session import using
from vecmill.storage.schemas import TOKENS, VOCABULARY
from vecmill.storage.task_table import TaskTable

WORDS = "word string, count long"


def tokens_of(spark: SparkSession, *documents: str) -> DataFrame:
    rows = [(number, document.split()) for number, document in enumerate(documents)]
    return spark.createDataFrame(rows, TOKENS)


def words_of(spark: SparkSession, **counts: int) -> DataFrame:
    return spark.createDataFrame(list(counts.items()), WORDS)


def vocabulary(
    words: DataFrame,
    *,
    min_count: int = 1,
    max_size: int | None = None,
    subsample: float = 1e-3,
    noise_exponent: float = 0.75,
) -> DataFrame:
    table = build_vocabulary(
        words,
        min_count=min_count,
        max_size=max_size,
        subsample=subsample,
        noise_exponent=noise_exponent,
    )
    return table.partitions.mapInArrow(table.read, VOCABULARY)


def test_words_are_counted_over_all_documents(spark):
    words = count_words(TaskTable(tokens_of(spark, "a b a", "", "b a c")))

    expected = spark.createDataFrame([("a", 3), ("b", 2), ("c", 1)], WORDS)
    assert_df_equality(words, expected, ignore_row_order=True, ignore_nullable=True)


def test_ids_follow_count_then_word_and_every_word_has_its_probabilities(spark):
    words = words_of(spark, rare=15, b=16, a=16, most=81)

    built = vocabulary(words, min_count=16, subsample=0.01)

    # 113 tokens are in the vocabulary; the noise weighs 27 + 8 + 8.
    def keep(count: int) -> float:
        ratio = 0.01 * 113 / count
        return min(1.0, math.sqrt(ratio) + ratio)

    expected = spark.createDataFrame(
        [
            (0, "most", 81, keep(81), 27 / 43),
            (1, "a", 16, keep(16), 8 / 43),
            (2, "b", 16, keep(16), 8 / 43),
        ],
        VOCABULARY,
    )
    assert_approx_df_equality(built, expected, precision=1e-12, ignore_nullable=True)


def test_ties_are_in_the_order_of_the_bytes_of_utf8(spark):
    words = words_of(spark, **{"é": 1, "z": 1, "Z": 1, "😀": 1, "ﬀ": 1, "a": 1})

    built = vocabulary(words)

    assert [row["word"] for row in built.collect()] == ["Z", "a", "z", "é", "ﬀ", "😀"]


@pytest.mark.parametrize(
    ("max_size", "expected"),
    [
        (1, ["a"]),
        (2, ["a", "b"]),
        (3, ["a", "b", "c"]),
        (99, ["a", "b", "c", "d", "e"]),
        (None, ["a", "b", "c", "d", "e"]),
    ],
)
def test_the_vocabulary_has_a_maximum_size_and_ties_at_the_cut_go_by_word(spark, max_size, expected):
    words = words_of(spark, e=1, d=3, c=3, b=3, a=5)

    built = vocabulary(words, max_size=max_size).collect()

    assert [row["word"] for row in built] == expected
    assert [row["id"] for row in built] == list(range(len(expected)))
    assert math.isclose(sum(row["noise_probability"] for row in built), 1, rel_tol=1e-12)


def test_without_a_frequent_word_the_vocabulary_is_empty(spark):
    assert vocabulary(words_of(spark, a=5, b=1), min_count=6).collect() == []


def test_the_vocabulary_does_not_depend_on_the_batches(spark):
    words = words_of(spark, **{f"w{n}": 1 + n % 37 for n in range(500)})
    built = vocabulary(words, max_size=450).toArrow()

    with using(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": "7"}):
        in_small_batches = vocabulary(words, max_size=450).toArrow()

    assert built.num_rows == 450
    assert in_small_batches.equals(built)


def test_the_vocabulary_does_not_depend_on_the_partitions(spark):
    # Many distinct counts, so a sum of floats in another order would differ.
    documents = [" ".join(f"w{word}" for word in range(1, 60) if n % word == 0) for n in range(60)]
    tokens = tokens_of(spark, *documents)

    one, *others = (vocabulary(count_words(TaskTable(tokens.repartition(n)))).toArrow() for n in (1, 3, 7))

    assert one.num_rows == 59
    assert all(other.equals(one) for other in others)


def test_without_subsampling_every_token_is_kept_and_exponent_0_gives_equal_noise(spark):
    built = vocabulary(words_of(spark, a=100, b=1), subsample=0, noise_exponent=0).collect()

    assert [row["keep_probability"] for row in built] == [1.0, 1.0]
    assert [row["noise_probability"] for row in built] == [0.5, 0.5]
