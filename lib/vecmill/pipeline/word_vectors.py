"""The last checkpoint and the vocabulary to word vectors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from vecmill.storage.arrow import ArrowMap


def word_vectors(
    blocks: DataFrame, vocabulary: DataFrame, *, table: str, block_rows: int
) -> tuple[DataFrame, ArrowMap]:
    """BLOCKS, VOCABULARY -> VECTORS: each word with its row of `table`, ordered by id.

    Partitions of blocks, and what makes VECTORS of them on a worker: as numbers in lists they would pass
    through Java one by one. `block_rows` is how many rows a full block holds, which is what a row's id
    follows from.
    """
    values = blocks.where(F.col("table") == table).select("block", "values")
    word = F.struct("id", "word", "count")
    words = vocabulary.groupBy(F.floor(F.col("id") / block_rows).cast("int").alias("block")).agg(
        F.sort_array(F.collect_list(word)).alias("words")
    )
    return values.join(words, "block").sort("block").select("words", "values"), _unpack


def _unpack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for number, values in enumerate(batch.column("values")):
            words = pa.RecordBatch.from_struct_array(batch.column("words")[number].values)
            flat = np.frombuffer(values.as_buffer(), np.float32)
            vectors = pa.FixedSizeListArray.from_arrays(flat, len(flat) // len(words))
            yield words.append_column("vector", vectors.cast(_ARROW_VECTOR))


_ARROW_VECTOR = pa.list_(pa.field("element", pa.float32(), nullable=False))
