"""Tokens and vocabulary to texts of word ids, and from those to the rows of the pairs table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Broadcast
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, IntegerType, LongType, StructField, StructType

from vecmill.core import keyed_random, sampling, windows
from vecmill.core.rows import Rows
from vecmill.storage.arrow import ArrowMap, gathered, release_memory, unchanged, words_of
from vecmill.storage.schemas import PAIRS, TEXTS

# word2vec.c's MAX_SENTENCE_LENGTH: what keeps a document of any length from being one unit of work.
PIECE_TOKENS = 1000

# Words looked up at once: enough to make building the look-up table cheap, few enough to hold.
_LOOKUP_TOKENS = 1 << 20

# The held-out texts lie in a slice of their own; their rows are those of epoch 0.
HOLDOUT_SLICE = -1
HOLDOUT_EPOCH = 0

_HASH_RANGE = 1 << 30


class PairSettings(NamedTuple):
    """How rows are drawn from texts; `seed` keys every random number."""

    window: int
    negatives: int
    seed: int


class SamplingTables(NamedTuple):
    """What drawing needs of the vocabulary; 24 bytes a word, sent to every worker."""

    keep: npt.NDArray[np.float32]
    noise: sampling.AliasTable


def encode(
    tokens: DataFrame,
    words: Broadcast[pa.Array],
    read: ArrowMap = unchanged,
    *,
    slices: int,
    shards: int,
    holdout: float,
    seed: int,
) -> DataFrame:
    """TOKENS -> TEXTS: words become ids, unknown words go, and the texts are dealt out.

    A document becomes pieces of at most PIECE_TOKENS tokens; a piece of a single token is left out.
    Each piece goes to a slice and a shard, or with probability `holdout` to the held-out ones, by a
    hash of its document's content, its number and the seed: a fair deal that does not depend on how
    the input is partitioned. The result has one partition a shard, sorted by slice and, within it, in
    an order that the same hash gives.

    `words` holds the vocabulary in the order of the ids, on every worker. `read` makes TOKENS of the
    batches of a partition where `tokens` only tells where they are.
    """
    look_up = _look_up(words)
    encoded = tokens.mapInArrow(lambda batches: look_up(read(batches)), _ENCODED)
    dealt = F.xxhash64("document_id", "piece", F.lit(seed))
    place = F.pmod(dealt, F.lit(_HASH_RANGE))
    bucket = F.pmod(F.shiftright(dealt, 32), F.lit(slices * shards)).cast("int")
    held_out = place < F.lit(int(holdout * _HASH_RANGE))
    return (
        encoded.withColumn("dealt", dealt)
        .withColumn("slice", F.when(held_out, HOLDOUT_SLICE).otherwise(F.floor(bucket / shards)))
        .withColumn("shard", F.when(held_out, 0).otherwise(bucket % shards))
        .repartitionById(shards, "shard")
        .sortWithinPartitions("slice", "shard", "dealt", "document_id", "piece")
        .select(*(F.col(field.name).cast(field.dataType) for field in TEXTS))
    )


_ENCODED = StructType(
    [
        StructField("document_id", LongType(), False),
        StructField("piece", IntegerType(), False),
        StructField("ids", ArrayType(IntegerType(), False), False),
    ]
)


def _look_up(words: Broadcast[pa.Array]) -> ArrowMap:
    def encode_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in gathered(batches, "tokens", _LOOKUP_TOKENS):
            yield from _pieces(table, words.value)
        release_memory()

    return encode_batches


def _pieces(documents: pa.Table, words: pa.Array) -> Iterator[pa.RecordBatch]:
    tokens = documents["tokens"].combine_chunks()
    found = words_of(tokens)
    ids = pc.index_in(found.dictionary, value_set=words).take(found.indices)
    known = ids.is_valid().to_numpy(zero_copy_only=False)
    ids = ids.drop_null().to_numpy()

    offsets = tokens.offsets.to_numpy() - tokens.offsets[0].as_py()
    ends = np.concatenate(([0], np.cumsum(known)))[offsets]
    lengths = np.diff(ends)
    pieces = -(-lengths // PIECE_TOKENS)
    number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    begins = np.repeat(ends[:-1], pieces) + number * PIECE_TOKENS

    cut = pa.RecordBatch.from_arrays(
        [
            pa.array(np.repeat(documents["document_id"].to_numpy(), pieces)),
            pa.array(number.astype(np.int32)),
            pa.ListArray.from_arrays(np.append(begins, len(ids)).astype(np.int32), ids),
        ],
        names=[field.name for field in _ENCODED],
    )
    # A word alone has no context.
    yield cut.filter(pc.greater(pc.list_value_length(cut.column("ids")), 1))


def draw(
    texts: DataFrame,
    read: ArrowMap,
    tables: Broadcast[SamplingTables],
    settings: PairSettings,
    *,
    epoch: int,
) -> DataFrame:
    """TEXTS -> PAIRS: the rows of one epoch, drawn afresh; one partition must be one shard of a slice.

    Every random number is keyed by (seed, epoch, slice, shard) and drawn in the order of the texts, so
    a partition computed again, anywhere, gives the same rows. `read` makes DRAWN_FROM, some columns of
    TEXTS, of the batches of a partition where `texts` only tells where they are.
    """
    return texts.mapInArrow(drawing(read, tables, settings, epoch=epoch), PAIRS)


# The columns of TEXTS that rows are drawn from.
DRAWN_FROM = ("slice", "shard", "ids")


def drawing(
    read: ArrowMap, tables: Broadcast[SamplingTables], settings: PairSettings, *, epoch: int
) -> ArrowMap:
    """What `draw` does to the batches of one partition, for callers that do more in the same task."""

    def draw_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for task, rows in draw_task(read(batches), tables.value, settings, epoch=epoch):
            yield rows_to_arrow(rows, epoch, task)

    return draw_batches


class Task(NamedTuple):
    """Which part of an epoch a partition holds."""

    slice_: int
    shard: int


def draw_task(
    batches: Iterator[pa.RecordBatch], tables: SamplingTables, settings: PairSettings, *, epoch: int
) -> Iterator[tuple[Task, Rows]]:
    """The rows of one partition of TEXTS, in blocks, as NumPy arrays."""
    first = next(batches, None)
    if first is None:
        return
    task = Task(first.column("slice")[0].as_py(), first.column("shard")[0].as_py())
    rng = keyed_random.generator(
        settings.seed,
        keyed_random.Purpose.PAIRS,
        epoch=epoch,
        slice_=task.slice_ - HOLDOUT_SLICE,
        shard=task.shard,
    )
    texts = (_texts(batch.column("ids")) for batch in _chain(first, batches))
    for ids, ends in windows.blocks_of_texts(texts):
        rows = windows.draw_rows(
            ids,
            ends,
            keep=tables.keep,
            noise=tables.noise,
            window=settings.window,
            negatives=settings.negatives,
            rng=rng,
        )
        if len(rows.centers):
            yield task, rows


def _chain(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest


def _texts(ids: pa.ListArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    offsets = ids.offsets.to_numpy().astype(np.int64)
    return ids.flatten().to_numpy(), offsets[1:] - offsets[0]


def rows_to_arrow(rows: Rows, epoch: int, task: Task) -> pa.RecordBatch:
    """Rows as a record batch of PAIRS."""
    count, negatives = rows.negatives.shape
    constant = (pa.array(np.full(count, value, np.int32)) for value in (epoch, *task))
    fixed = np.arange(0, count * negatives + 1, max(negatives, 1), dtype=np.int32)
    if negatives == 0:
        fixed = np.zeros(count + 1, np.int32)
    return pa.RecordBatch.from_arrays(
        [
            *constant,
            pa.array(rows.centers),
            pa.ListArray.from_arrays(rows.offsets, rows.words, type=_ARROW_INTS),
            pa.ListArray.from_arrays(fixed, rows.negatives.ravel(), type=_ARROW_INTS),
        ],
        schema=_ARROW_PAIRS,
    )


# That nothing is null saves a fifth of the time that reading takes.
_ARROW_INTS = pa.list_(pa.field("element", pa.int32(), nullable=False))
_ARROW_PAIRS = pa.schema(
    pa.field(field.name, _ARROW_INTS if isinstance(field.dataType, ArrayType) else pa.int32(), False)
    for field in PAIRS
)


def rows_from_arrow(batch: pa.RecordBatch) -> Rows:
    """A record batch of PAIRS, or of its columns c, w and negatives, as rows without copying."""
    words, noise = batch.column("w"), batch.column("negatives").flatten().to_numpy()
    return Rows(
        batch.column("c").to_numpy(),
        words.offsets.to_numpy(),
        words.values.to_numpy(),
        noise.reshape(batch.num_rows, len(noise) // max(batch.num_rows, 1)),
    )


def triples(pairs: DataFrame) -> DataFrame:
    """PAIRS -> TRIPLES: the plain (w, c, label), label 1 for a word and its context, 0 for noise.

    Row by row and in its order: first each word with the row's context, then each word with each
    noise word, but for those that are the row's own context, since they teach nothing.
    """
    positive = F.transform("w", lambda w: _triple(w, F.col("c"), 1))
    noise = F.filter("negatives", lambda n: n != F.col("c"))
    negative = F.flatten(F.transform("w", lambda w: F.transform(noise, lambda n: _triple(w, n, 0))))
    return pairs.select(F.inline(F.concat(positive, negative)))


def _triple(w: Column, c: Column, label: int) -> Column:
    return F.struct(w.alias("w"), c.alias("c"), F.lit(label).alias("label"))
