"""Encoding tokens as texts of word ids, distributed over slices and shards."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, IntegerType, LongType, StructField, StructType

from vecmill.storage.arrow import combined, flat_words, release_memory
from vecmill.storage.schemas import TEXTS
from vecmill.storage.task_table import ArrowMap, TaskTable

# Long documents are cut, so the work on one text is bounded; word2vec.c calls it MAX_SENTENCE_LENGTH.
PIECE_TOKENS = 1000

# Tokens whose ids are looked up at once. The hash table of the vocabulary is built once per lookup.
_LOOKUP_TOKENS = 1 << 20

# Held-out texts are in a slice of their own, and their rows are drawn with the key of epoch 0.
HOLDOUT_SLICE = -1
HOLDOUT_EPOCH = 0

_HASH_RANGE = 1 << 30


def encode(
    tokens: TaskTable,
    words: Broadcast[pa.Array],
    *,
    slices: int,
    shards: int,
    holdout: float,
    seed: int,
) -> DataFrame:
    """TOKENS -> TEXTS: words become ids, unknown words are dropped, and texts get a slice and a shard.

    A document is cut into pieces of at most PIECE_TOKENS tokens; pieces of one token are dropped. A hash of
    the document's content, the number of the piece and the seed gives each piece its slice and shard, or
    holds it out with probability `holdout`. So the assignment is uniform, and does not depend on the
    partitions of the input. The result has one partition per shard, sorted by slice and then by the hash.

    words  the vocabulary in the order of the ids, broadcast to every worker
    """
    look_up = _look_up(words)
    read = tokens.read
    encoded = tokens.partitions.mapInArrow(lambda batches: look_up(read(batches)), _ENCODED)
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
        for table in combined(batches, "tokens", _LOOKUP_TOKENS):
            yield from _pieces(table, words.value)
        release_memory()

    return encode_batches


def _pieces(documents: pa.Table, words: pa.Array) -> Iterator[pa.RecordBatch]:
    tokens = documents["tokens"].combine_chunks()
    found = flat_words(tokens)
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
    # A single word has no context.
    yield cut.filter(pc.greater(pc.list_value_length(cut.column("ids")), 1))
