"""Word vectors from the tables of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from vecmill.core.arrays import Floats
from vecmill.storage.schemas import BLOCKS, VECTORS, VOCABULARY
from vecmill.vectors.from_tables import word_vectors

WORDS = [(2, "c", 1, 1.0, 0.2), (0, "a", 3, 1.0, 0.5), (1, "b", 2, 1.0, 0.3)]


def block(table: str, first_row: int, *rows: list[float]) -> tuple[str, int, int, bytes]:
    return (table, first_row, len(rows), np.array(rows, np.float32).tobytes())


METRICS = ("metrics", 0, 1, np.zeros(4).tobytes())


def vectors_of(
    spark: SparkSession,
    blocks: list[tuple[Any, ...]],
    tables: Sequence[str],
    compose: Callable[[Mapping[str, Floats]], Floats],
    bounds: list[int],
) -> DataFrame:
    found = word_vectors(
        spark.createDataFrame(blocks, BLOCKS),
        spark.createDataFrame(WORDS, VOCABULARY),
        tables=tables,
        compose=compose,
        bounds=np.array(bounds, np.int32),
    )
    return found.partitions.mapInArrow(found.read, VECTORS)


def test_each_word_gets_its_row_of_the_table_in_the_order_of_the_ids(spark):
    blocks = [
        block("W", 2, [7, 8, 9]),
        block("C", 0, [9, 9, 9], [9, 9, 9]),
        block("W", 0, [1, 2, 3], [4, 5, 6]),
        METRICS,
    ]

    vectors = vectors_of(spark, blocks, ["W"], lambda tables: tables["W"], bounds=[0, 2])

    expected = spark.createDataFrame(
        [
            (0, "a", 3, [1.0, 2.0, 3.0]),
            (1, "b", 2, [4.0, 5.0, 6.0]),
            (2, "c", 1, [7.0, 8.0, 9.0]),
        ],
        VECTORS,
    )
    assert_df_equality(vectors, expected, ignore_nullable=True)


@pytest.mark.parametrize("cut", [1, 2])
def test_vectors_may_be_composed_of_the_rows_of_several_tables(spark, cut):
    W, C = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [[10.0, 0.0], [0.0, 10.0], [10.0, 10.0]]
    blocks = [block("C", cut, *C[cut:]), block("W", 0, *W[:cut])]
    blocks += [block("C", 0, *C[:cut]), block("W", cut, *W[cut:])]

    # In float64, and not one vector after another in memory.
    def difference(tables: Mapping[str, Floats]) -> Floats:
        return np.asfortranarray(tables["W"].astype(float) - tables["C"])

    vectors = vectors_of(spark, blocks, ["W", "C"], difference, bounds=[0, cut])

    expected = [(0, "a", 3, [-9.0, 2.0]), (1, "b", 2, [3.0, -6.0]), (2, "c", 1, [-5.0, -4.0])]
    assert [tuple(row) for row in vectors.collect()] == expected
