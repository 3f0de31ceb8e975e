"""Counting words, and building the vocabulary with both sampling probabilities of each word."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from vecmill.core import sampling
from vecmill.storage.arrow import combined, flat_words, release_memory
from vecmill.storage.schemas import VOCABULARY
from vecmill.storage.task_table import TaskTable

# Tokens that a task counts at once, before Spark sums the counts.
_COUNTED_TOKENS = 1 << 22


def count_words(tokens: TaskTable) -> DataFrame:
    """TOKENS -> (word, count): one row per distinct word.

    Tasks count some million tokens at a time, and Spark sums these counts: no token becomes a row.
    """
    read = tokens.read
    return (
        tokens.partitions.mapInArrow(
            lambda batches: _count_tokens(read(batches)), "word string, count long"
        )
        .groupBy("word")
        .agg(F.sum("count").alias("count"))
    )


def _count_tokens(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for table in combined(batches, "tokens", _COUNTED_TOKENS):
        words = flat_words(table["tokens"].combine_chunks())
        count = np.bincount(words.indices, minlength=len(words.dictionary))
        counted = pa.RecordBatch.from_arrays([words.dictionary, pa.array(count)], names=["word", "count"])
        # The dictionary of a file may hold words that occur only in other batches.
        yield counted.filter(count > 0)
    release_memory()


def build_vocabulary(
    words: DataFrame,
    *,
    min_count: int,
    max_size: int | None,
    subsample: float,
    noise_exponent: float,
) -> TaskTable:
    """(word, count) -> VOCABULARY: one row per word that occurs at least `min_count` times.

    Ids are 0, 1, ... by descending count, ties by word; there are at most `max_size`. Spark sorts the
    distinct words in one task, which spills to disk if necessary.
    """
    kept = words.where(F.col("count") >= min_count).select("word", "count").repartition(1)

    def rank(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # Probabilities need sums over all words, so the words wait on disk until the sums are known.
        with tempfile.TemporaryFile() as spool:
            total, weight = _spool(_first(batches, max_size), spool, noise_exponent)
            spool.seek(0)
            begin = 0
            for batch in pa.ipc.open_stream(spool) if total else ():
                count = batch.column("count").to_numpy()
                keep = sampling.keep_probability(count, total, subsample)
                noise = sampling.noise_weight(count, noise_exponent) / weight
                ids = np.arange(begin, begin + len(count), dtype=np.int32)
                yield pa.RecordBatch.from_arrays(
                    [pa.array(ids), *batch.columns, pa.array(keep), pa.array(noise)],
                    names=VOCABULARY.fieldNames(),
                )
                begin += len(count)

    return TaskTable(kept.sortWithinPartitions(F.desc("count"), "word"), rank)


def _first(batches: Iterator[pa.RecordBatch], rows: int | None) -> Iterator[pa.RecordBatch]:
    """The first rows, or all; every batch is consumed."""
    left = rows
    for batch in batches:
        some = batch if left is None else batch.slice(0, left)
        left = None if left is None else left - len(some)
        if len(some):
            yield some


def _spool(batches: Iterator[pa.RecordBatch], spool: IO[bytes], noise_exponent: float) -> tuple[int, float]:
    """Write the batches to a file; returns the sum of all counts and the sum of their noise weights.

    Words with equal counts are added up first: a sum of floats in the order of the words would depend on
    the batches.
    """
    counts, times_seen = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    out = None
    for batch in batches:
        out = out or pa.ipc.new_stream(spool, batch.schema)
        out.write_batch(batch)
        of_batch = np.unique(batch.column("count").to_numpy(), return_counts=True)
        counts.append(of_batch[0])
        times_seen.append(of_batch[1])
    if out:
        out.close()
    distinct, place = np.unique(np.concatenate(counts), return_inverse=True)
    times = np.bincount(place, np.concatenate(times_seen)).astype(np.int64)
    return int(distinct @ times), float(sampling.noise_weight(distinct, noise_exponent) @ times)
