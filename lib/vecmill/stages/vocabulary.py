"""Tokens to the vocabulary, with the two sampling tables beside each word."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from vecmill.core import sampling
from vecmill.io.schemas import VOCABULARY
from vecmill.stages.batches import ArrowMap, gathered, unchanged, words_of

# Tokens counted at once by a worker, before Spark adds up what all of them counted.
_COUNTED_TOKENS = 1 << 22

# (distinct counts, 2) int64: a count, and how many words have it; highest count first.
Histogram = npt.NDArray[np.int64]


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


def count_of_counts(words: DataFrame) -> Histogram:
    """(word, count) -> how many words have each count.

    Collected to the driver, highest count first: at most sqrt(2 * tokens) rows, since so many
    different counts need that many tokens (1.4 million rows for 10**12 tokens).
    """
    rows = words.groupBy("count").agg(F.count(F.lit(1)).alias("words")).toArrow()
    ordered = rows.sort_by([("count", "descending")])
    return np.column_stack([ordered["count"], ordered["words"]]).astype(np.int64)


def of_vocabulary(histogram: Histogram, *, min_count: int, max_size: int | None) -> Histogram:
    """What of the histogram of all words is the vocabulary's."""
    counts, kinds = histogram[histogram[:, 0] >= min_count].T
    if max_size is not None:
        before = np.cumsum(kinds) - kinds
        kinds = np.minimum(kinds, np.maximum(max_size - before, 0))
    return np.column_stack([counts[kinds > 0], kinds[kinds > 0]])


def build_vocabulary(
    words: DataFrame,
    histogram: Histogram,
    *,
    min_count: int,
    max_size: int | None,
    subsample: float,
    noise_exponent: float,
) -> DataFrame:
    """(word, count) -> VOCABULARY: one row a word seen at least `min_count` times.

    Ids are dense from 0 by falling count, ties by word, and at most `max_size` of them. `histogram`
    is what `of_vocabulary` gave: the sums over it are the same for any partitioning, where a sum of
    floats in Spark's order is not. The ranking window has no partition key: Spark sorts the words in
    one task, which spills to disk where it must, and it ranks words and not tokens.
    """
    counts, kinds = histogram[:, 0], histogram[:, 1]
    total = int(counts @ kinds)
    normaliser = float(sampling.noise_weight(counts, noise_exponent) @ kinds)

    def add_tables(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            count = batch.column("count").to_numpy()
            keep = sampling.keep_probability(count, total, subsample)
            noise = sampling.noise_weight(count, noise_exponent) / normaliser
            yield batch.append_column("keep_probability", pa.array(keep)).append_column(
                "noise_probability", pa.array(noise)
            )

    rank = F.row_number().over(Window.orderBy(F.desc("count"), "word")) - 1
    ranked = words.where(F.col("count") >= min_count).select(rank.alias("id"), "word", "count")
    if max_size is not None:
        ranked = ranked.where(F.col("id") < max_size)
    return ranked.mapInArrow(add_tables, VOCABULARY)
