"""Encoding tokens as texts of word ids, distributed over slices and shards."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, IntegerType, LongType, StructField, StructType

from vecmill.storage.arrow import combined, flat_words, release_memory
from vecmill.storage.schemas import TEXTS
from vecmill.storage.task_table import TaskTable, unchanged

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
    the document's content, the number of the piece, the number of the copy among equal documents and the
    seed gives each piece its slice and shard, or holds it out with probability `holdout`. So the assignment
    is uniform, also if documents repeat, and does not depend on the partitions of the input. The result has
    one partition per shard, sorted by slice and then by the hash.

    words  the vocabulary in the order of the ids, broadcast to every worker

    Runs one job at once, which counts the documents by their ids: a shuffle of at most 8 bytes per
    document, and 8 bytes per distinct repeated document on the driver. If documents repeat, the tokens are
    read twice, and the repeated documents are shuffled once more, equal ones as one row. With 0.8 million
    sentences of 17 million tokens this took 0.8 s of CPU time beside 3.7 s without repetitions, and 1.8 s
    if 6 % of the sentences were repeated.
    """
    repeated = _find_repeated(tokens)
    encoded = _look_up(tokens, words, repeated, False).withColumn("copy", F.lit(0))
    if repeated is not None:
        encoded = encoded.unionByName(_number_copies(_look_up(tokens, words, repeated, True)))
    # As if documents had no copies, so that a corpus without repeated documents is assigned as ever.
    first, further = (F.xxhash64("document_id", "piece", F.lit(seed), *copy) for copy in ([], ["copy"]))
    dealt = F.when(F.col("copy") == 0, first).otherwise(further)
    place = F.pmod("dealt", F.lit(_HASH_RANGE))
    bucket = F.pmod(F.shiftright("dealt", 32), F.lit(slices * shards)).cast("int")
    held_out = place < F.lit(int(holdout * _HASH_RANGE))
    return (
        encoded.withColumn("dealt", dealt)
        .withColumn("slice", F.when(held_out, HOLDOUT_SLICE).otherwise(F.floor(bucket / shards)))
        .withColumn("shard", F.when(held_out, 0).otherwise(bucket % shards))
        .repartitionById(shards, "shard")
        .sortWithinPartitions("slice", "shard", "dealt", "document_id", "piece")
        .select(*(F.col(field.name).cast(field.dataType) for field in TEXTS))
    )


# A set of document ids: the bits of a table, addressed by the last bits of an id. It may hold ids that were
# not added; 16 bits per id make one in 16.
_Set = npt.NDArray[np.uint8]
_BITS_PER_ID = 16
_FEWEST_BITS, _MOST_BITS = 16, 29


def _find_repeated(tokens: TaskTable) -> Broadcast[_Set] | None:
    """The ids of documents that occur more than once, and a few others; None if there are none."""
    read = tokens.read
    if read is unchanged:
        # Spark reads this column alone.
        document_ids = tokens.partitions.select("document_id")
    else:
        document_ids = tokens.partitions.mapInArrow(
            lambda batches: (batch.select(["document_id"]) for batch in read(batches)), "document_id long"
        )
    counted = document_ids.groupBy("document_id").agg(F.count(F.lit(1)).alias("count"))
    found = counted.where(F.col("count") > 1).select("document_id").toArrow()
    if not found.num_rows:
        return None
    bits = (_BITS_PER_ID * found.num_rows).bit_length()
    members = np.zeros(1 << min(max(bits, _FEWEST_BITS), _MOST_BITS), np.bool_)
    members[found["document_id"].to_numpy() & (len(members) - 1)] = True
    return tokens.partitions.sparkSession.sparkContext.broadcast(np.packbits(members, bitorder="little"))


def _is_in(ids: npt.NDArray[np.int64], members: _Set) -> npt.NDArray[np.bool_]:
    """Whether each id may be in a set."""
    places = ids & (8 * len(members) - 1)
    bits: _Set = members[places >> 3] >> (places & 7).astype(np.uint8)
    return (bits & 1).view(np.bool_)


# Copies of a document that one row becomes at a time, so that a row does not grow with the corpus.
_COPIES = 1 << 16


def _number_copies(encoded: DataFrame) -> DataFrame:
    """Number equal pieces from 0. Only their number counts, so it does not matter where they come from."""
    counted = encoded.groupBy(*encoded.columns).agg(F.count(F.lit(1)).alias("copies"))
    last_block = F.floor((F.col("copies") - 1) / _COPIES)
    first = F.col("block") * _COPIES
    last = F.least(F.col("copies"), first + _COPIES) - 1
    return (
        counted.withColumn("block", F.explode(F.sequence(F.lit(0), last_block)))
        .withColumn("copy", F.explode(F.sequence(first, last)))
        .select(*encoded.columns, F.col("copy").cast("int"))
    )


_ENCODED = StructType(
    [
        StructField("document_id", LongType(), False),
        StructField("piece", IntegerType(), False),
        StructField("ids", ArrayType(IntegerType(), False), False),
    ]
)


def _look_up(
    tokens: TaskTable, words: Broadcast[pa.Array], repeated: Broadcast[_Set] | None, is_repeated: bool
) -> DataFrame:
    """The pieces of the documents that are repeated, or of the others; of all if none are known to be."""
    read = tokens.read

    def chosen(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if repeated is not None:
                found = _is_in(batch.column("document_id").to_numpy(), repeated.value) == is_repeated
                batch = batch if found.all() else batch.filter(pa.array(found))
            if batch.num_rows:
                yield batch

    def encode_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in combined(chosen(read(batches)), "tokens", _LOOKUP_TOKENS):
            yield from _pieces(table, words.value)
        release_memory()

    return tokens.partitions.mapInArrow(encode_batches, _ENCODED)


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
