"""The columns of every table, in one place: what a stage may read and must write."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
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

# One row per document that has a token. `document_id` is a hash of the document's content: the same
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

# One row per position of the subsampled corpus: the triples (w, c, +) and (w, n, -).
PAIRS = _table(
    epoch=IntegerType(),
    slice=IntegerType(),
    shard=IntegerType(),
    c=IntegerType(),
    w=_INTS,
    negatives=_INTS,
)

PAIRS_BY = ("epoch", "slice", "shard")

# The pairs (w, c, +) of blocked training, part by part as each shard drew them: `words` and `contexts` are
# little-endian int32, one id per pair. Noise is drawn while training. Binary, because Spark moves lists
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

BUCKETS_BY = ("epoch", "slice", "stratum")

TRIPLES = _table(w=IntegerType(), c=IntegerType(), label=IntegerType())

# Parameters by blocks of rows: a block holds `rows` rows of a table from `first_row` on, and `values` is
# rows x columns of little-endian float32, row by row. The table METRICS has one row per worker, of float64:
# what the worker did in the round.
BLOCKS = _table(table=StringType(), first_row=IntegerType(), rows=IntegerType(), values=BinaryType())

METRICS = "metrics"

VECTORS = _table(
    id=IntegerType(),
    word=StringType(),
    count=LongType(),
    vector=ArrayType(FloatType(), False),
)


_ARROW_TYPES: dict[type[DataType], pa.DataType] = {
    BinaryType: pa.binary(),
    BooleanType: pa.bool_(),
    DoubleType: pa.float64(),
    FloatType: pa.float32(),
    IntegerType: pa.int32(),
    LongType: pa.int64(),
    StringType: pa.string(),
}


def arrow_schema(schema: StructType) -> pa.Schema:
    """The same columns as Arrow has them, none of which holds a null.

    That nothing is null saves a fifth of the time that reading takes.
    """
    return pa.schema(pa.field(field.name, arrow_type(field.dataType), nullable=False) for field in schema)


def arrow_type(kind: DataType) -> pa.DataType:
    """A type of a column as Arrow has it; the elements of a list are not null."""
    if isinstance(kind, ArrayType):
        return pa.list_(pa.field("element", arrow_type(kind.elementType), nullable=False))
    return _ARROW_TYPES[type(kind)]
