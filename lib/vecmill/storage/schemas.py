"""The columns of every table: what stages write, and what they may read."""

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

# One row per document that has a token. `document_id` is a hash of the document's content, so it does not
# depend on the file or the partition.
TOKENS = _table(document_id=LongType(), tokens=ArrayType(StringType(), False))

VOCABULARY = _table(
    id=IntegerType(),
    word=StringType(),
    count=LongType(),
    keep_probability=DoubleType(),
    noise_probability=DoubleType(),
)

# The corpus as word ids, cut into texts of bounded length that are distributed over slices and shards.
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

# The pairs (w, c, +) of blocked training, in parts as each shard drew them. `words` and `contexts` are
# little-endian int32, one id per pair; they are binary because Spark moves lists element by element. Noise
# is drawn while training.
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

# Parameters in blocks of rows: a block holds `rows` rows of a table, the first of which is `first_row`;
# `values` is little-endian float32 (rows, columns) in row-major order. The table METRICS has one row of
# float64 per worker: its metrics of the round.
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
    """The same columns as Arrow types, none nullable, which saves a fifth of the time of reading."""
    return pa.schema(pa.field(field.name, arrow_type(field.dataType), nullable=False) for field in schema)


def arrow_type(kind: DataType) -> pa.DataType:
    """The Arrow type of a column; elements of lists are not nullable."""
    if isinstance(kind, ArrayType):
        return pa.list_(pa.field("element", arrow_type(kind.elementType), nullable=False))
    return _ARROW_TYPES[type(kind)]


def first_list_column(schema: StructType) -> str | None:
    """The list column whose elements `storage.task_table.TablePart` counts; None if there is none."""
    return next((field.name for field in schema if isinstance(field.dataType, ArrayType)), None)
