"""The columns of every table, in one place: what a stage may read and must write."""

from __future__ import annotations

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
)


def _table(**columns: object) -> StructType:
    return StructType([StructField(name, kind, False) for name, kind in columns.items()])  # type: ignore[arg-type]


_INTS = ArrayType(IntegerType(), False)

# One row a document that has any token. `document_id` is a hash of the document's content: the same
# document has the same id in whatever file and partition it lies.
TOKENS = _table(document_id=LongType(), tokens=ArrayType(StringType(), False))

VOCABULARY = _table(
    id=IntegerType(),
    word=StringType(),
    count=LongType(),
    keep_probability=DoubleType(),
    noise_probability=DoubleType(),
)

# The corpus as word ids, cut into texts of bounded length and dealt to slices and shards.
TEXTS = _table(
    slice=IntegerType(),
    shard=IntegerType(),
    document_id=LongType(),
    piece=IntegerType(),
    ids=_INTS,
)

TEXTS_BY = ("slice", "shard")

# One row a position of the subsampled corpus: the triples (w, c, +) and (w, n, -).
PAIRS = _table(
    epoch=IntegerType(),
    slice=IntegerType(),
    shard=IntegerType(),
    c=IntegerType(),
    w=_INTS,
    negatives=_INTS,
)

PAIRS_BY = ("epoch", "slice", "shard")

# The pairs (w, c, +) of blocked training, part after part of what each shard drew: `words` and `contexts`
# are little-endian int32, an id a pair. Noise is drawn while training. Binary, because Spark moves lists
# number by number.
BUCKETS = _table(
    epoch=IntegerType(),
    slice=IntegerType(),
    stratum=IntegerType(),
    word_region=IntegerType(),
    shard=IntegerType(),
    part=IntegerType(),
    pairs=IntegerType(),
    words=BinaryType(),
    contexts=BinaryType(),
)

TRIPLES = _table(w=IntegerType(), c=IntegerType(), label=IntegerType())

# Parameters by blocks of rows: `values` is rows x columns of little-endian float32, row by row. The
# table METRICS has one row a shard, of float64: what the shard did in the round.
BLOCKS = _table(table=StringType(), block=IntegerType(), rows=IntegerType(), values=BinaryType())

METRICS = "metrics"

VECTORS = _table(
    id=IntegerType(),
    word=StringType(),
    count=LongType(),
    vector=ArrayType(FloatType(), False),
)
