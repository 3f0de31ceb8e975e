"""Tokens to the vocabulary, with the two sampling tables beside each word."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from vecmill.core import sampling
from vecmill.storage.arrow import ArrowMap, gathered, release_memory, unchanged, words_of
from vecmill.storage.schemas import VOCABULARY

# Tokens counted at once by a worker, before Spark adds up what all of them counted.
_COUNTED_TOKENS = 1 << 22


def count_words(tokens: DataFrame, read: ArrowMap = unchanged) -> DataFrame:
    """TOKENS -> (word, count): one row a kind of word.

    Arrow counts some million tokens at a time, and Spark adds up the sums: no token becomes a row.
    `read` makes TOKENS of the batches of a partition where `tokens` only tells where they are.
    """
    return (
        tokens.mapInArrow(lambda batches: _count_tokens(read(batches)), "word string, count long")
        .groupBy("word")
        .agg(F.sum("count").alias("count"))
    )


def _count_tokens(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for table in gathered(batches, "tokens", _COUNTED_TOKENS):
        words = words_of(table["tokens"].combine_chunks())
        count = np.bincount(words.indices, minlength=len(words.dictionary))
        counted = pa.RecordBatch.from_arrays([words.dictionary, pa.array(count)], names=["word", "count"])
        # The dictionary of a file may hold words that are in another part of it.
        yield counted.filter(count > 0)
    release_memory()


def build_vocabulary(
    words: DataFrame,
    *,
    min_count: int,
    max_size: int | None,
    subsample: float,
    noise_exponent: float,
) -> tuple[DataFrame, ArrowMap]:
    """(word, count) -> VOCABULARY: one row a word seen at least `min_count` times.

    One partition, and what makes VOCABULARY of it on a worker. Ids are dense from 0 by falling count, ties
    by word, and at most `max_size` of them. Spark sorts the words in one task, which spills to disk where
    it must, and it ranks words and not tokens.
    """
    kept = words.where(F.col("count") >= min_count).select("word", "count").repartition(1)

    def rank(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # The tables need sums over all words: they wait on the disk until the last is seen.
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

    return kept.sortWithinPartitions(F.desc("count"), "word"), rank


def _first(batches: Iterator[pa.RecordBatch], rows: int | None) -> Iterator[pa.RecordBatch]:
    """The first rows, or all; the others are passed over."""
    left = rows
    for batch in batches:
        some = batch if left is None else batch.slice(0, left)
        left = None if left is None else left - len(some)
        if len(some):
            yield some


def _spool(batches: Iterator[pa.RecordBatch], spool: IO[bytes], noise_exponent: float) -> tuple[int, float]:
    """Write the batches to a file; the sum of all counts, and that of what they weigh as noise.

    The same for any batches, where a sum of floats in their order is not: equal counts are added first.
    """
    counts, kinds = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    out = None
    for batch in batches:
        out = out or pa.ipc.new_stream(spool, batch.schema)
        out.write_batch(batch)
        of_batch = np.unique(batch.column("count").to_numpy(), return_counts=True)
        counts.append(of_batch[0])
        kinds.append(of_batch[1])
    if out:
        out.close()
    different, place = np.unique(np.concatenate(counts), return_inverse=True)
    times = np.bincount(place, np.concatenate(kinds)).astype(np.int64)
    return int(different @ times), float(sampling.noise_weight(different, noise_exponent) @ times)
