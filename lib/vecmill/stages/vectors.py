"""The last checkpoint and the vocabulary to word vectors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, FloatType, IntegerType, StructField, StructType

from vecmill.io.schemas import VECTORS

_NUMBERED = StructType(
    [
        StructField("id", IntegerType(), False),
        StructField("vector", ArrayType(FloatType(), False), False),
    ]
)


def word_vectors(blocks: DataFrame, vocabulary: DataFrame, *, table: str, block_rows: int) -> DataFrame:
    """BLOCKS, VOCABULARY -> VECTORS: each word with its row of `table`, ordered by id.

    `block_rows` is how many rows a full block holds, which is what a row's id follows from.
    """

    def unpack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for block, rows, values in zip(*batch.columns, strict=True):
                count = rows.as_py()
                flat = np.frombuffer(values.as_buffer(), np.float32)
                offsets = np.arange(count + 1, dtype=np.int32) * (len(flat) // count)
                ids = np.arange(count, dtype=np.int32) + block.as_py() * block_rows
                yield pa.RecordBatch.from_arrays(
                    [pa.array(ids), pa.ListArray.from_arrays(offsets, flat)], names=["id", "vector"]
                )

    rows = blocks.where(F.col("table") == table).select("block", "rows", "values")
    numbered = rows.mapInArrow(unpack, _NUMBERED)
    return vocabulary.join(numbered, "id").select(*VECTORS.fieldNames()).sort("id")
