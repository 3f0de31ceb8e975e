"""Computing word vectors from the tables of parameters and the vocabulary."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from vecmill.core.arrays import Floats, Ids
from vecmill.storage.schemas import VECTORS, arrow_type
from vecmill.storage.task_table import TaskTable

_ARROW_VECTOR = arrow_type(VECTORS["vector"].dataType)


def word_vectors(
    blocks: DataFrame,
    vocabulary: DataFrame,
    *,
    tables: Sequence[str],
    compose: Callable[[Mapping[str, Floats]], Floats],
    bounds: Ids,
) -> TaskTable:
    """BLOCKS, VOCABULARY -> VECTORS: each word with its vector, sorted by id.

    tables   the tables that vectors are computed from, each with one row per word, all in the same blocks
    compose  from the rows of these tables of some words, by table, to their vectors (words, D) float32
    bounds   (blocks,) the first row of every block of these tables, ascending

    Spark joins the blocks as bytes: it would move lists through Java number by number.
    """
    of_tables = [
        blocks.where(F.col("table") == table).select("first_row", F.col("values").alias(f"values_{number}"))
        for number, table in enumerate(tables)
    ]
    values = functools.reduce(lambda left, right: left.join(right, "first_row"), of_tables)
    word = F.struct("id", "word", "count")
    words = (
        vocabulary.select("id", "word", "count")
        .mapInArrow(_with_first_row(bounds), "first_row int, id int, word string, count long")
        .groupBy("first_row")
        .agg(F.sort_array(F.collect_list(word)).alias("words"))
    )
    joined = values.join(words, "first_row").sort("first_row").drop("first_row")

    def unpack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in range(batch.num_rows):
                words_of_block = batch.column("words")[row].values
                # Not `from_struct_array`, which ignores the offset of a slice before PyArrow 23.
                of_block = pa.RecordBatch.from_arrays(
                    words_of_block.flatten(), names=[field.name for field in words_of_block.type]
                )
                parts = {
                    table: _matrix(batch.column(f"values_{number}")[row], len(of_block))
                    for number, table in enumerate(tables)
                }
                vectors = np.ascontiguousarray(compose(parts), np.float32)
                lists = pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1])
                yield of_block.append_column("vector", lists.cast(_ARROW_VECTOR))

    return TaskTable(joined, unpack)


def _with_first_row(bounds: Ids) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def find(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            block = np.searchsorted(bounds, batch.column("id").to_numpy(), side="right") - 1
            first_row = pa.array(bounds[block], pa.int32())
            yield pa.RecordBatch.from_arrays(
                [first_row, *batch.columns], names=["first_row", *batch.schema.names]
            )

    return find


def _matrix(values: pa.Scalar, rows: int) -> Floats:
    return np.frombuffer(values.as_buffer(), np.float32).reshape(rows, -1)
