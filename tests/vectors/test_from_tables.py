from __future__ import annotations

import numpy as np
from chispa import assert_df_equality

from vecmill.pipeline.word_vectors import word_vectors
from vecmill.storage.schemas import BLOCKS, VECTORS, VOCABULARY


def test_each_word_gets_its_row_of_the_table_in_the_order_of_the_ids(spark):
    def block(number: int, *rows: list[float]) -> tuple[str, int, int, bytes]:
        return ("W", number, len(rows), np.array(rows, np.float32).tobytes())

    other = ("C", 0, 2, np.full((2, 3), 9, np.float32).tobytes())
    metrics = ("metrics", 0, 1, np.zeros(4).tobytes())
    blocks = spark.createDataFrame(
        [block(1, [7, 8, 9]), other, block(0, [1, 2, 3], [4, 5, 6]), metrics], BLOCKS
    )
    words = [(2, "c", 1, 1.0, 0.2), (0, "a", 3, 1.0, 0.5), (1, "b", 2, 1.0, 0.3)]
    vocabulary = spark.createDataFrame(words, VOCABULARY)

    partitions, read = word_vectors(blocks, vocabulary, table="W", block_rows=2)
    vectors = partitions.mapInArrow(read, VECTORS)

    expected = spark.createDataFrame(
        [
            (0, "a", 3, [1.0, 2.0, 3.0]),
            (1, "b", 2, [4.0, 5.0, 6.0]),
            (2, "c", 1, [7.0, 8.0, 9.0]),
        ],
        VECTORS,
    )
    assert_df_equality(vectors, expected, ignore_nullable=True)
