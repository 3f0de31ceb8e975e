"""Tables whose rows may be of any length, as documents are, for tasks that take them as Arrow.

Spark takes a list of strings apart and hands them on one by one, which costs more than counting them or
looking them up. Where workers can open the files, Arrow reads whole columns, so few rows at once that
long ones do not fill the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from vecmill.io import tables
from vecmill.io.files import Folder, local_path

# Of a Parquet file, before compression. Tokens take up to three times as much once they are decoded.
_BATCH_BYTES = 1 << 22
_READ_BYTES = 1 << 20

_PLACES = "file string, row_group int"


class LongRows(NamedTuple):
    """A table as partitions, and what turns the Arrow batches of a partition into those of the table."""

    partitions: DataFrame
    read: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def read(folder: Folder, name: str, schema: StructType) -> LongRows:
    """A published table with exactly the columns of its schema.

    Raises InputError where it does not exist, naming every column that is missing.
    """
    local = local_path(folder.qualified(name))
    if local is None or not folder.exists(name):
        return LongRows(tables.read(folder, name, schema), lambda batches: batches)
    columns = schema.fieldNames()
    places = list(_places(local, schema))
    return LongRows(folder.spark.createDataFrame(places, _PLACES), lambda batches: _read(batches, columns))


def _places(folder: Path, schema: StructType) -> Iterator[tuple[str, int]]:
    """Every row group of the table: what Spark, too, would give to different tasks."""
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            tables.check_names(file.schema_arrow.names, schema, str(path))
            for group in range(file.num_row_groups):
                yield str(path), group


def _read(places: Iterator[pa.RecordBatch], columns: list[str]) -> Iterator[pa.RecordBatch]:
    for batch in places:
        for place in batch.to_pylist():
            # Without these Arrow reads the whole row group before it decodes the first row.
            with pq.ParquetFile(place["file"], pre_buffer=False, buffer_size=_READ_BYTES) as file:
                group = place["row_group"]
                rows = _rows_at_once(file.metadata.row_group(group))
                yield from file.iter_batches(rows, row_groups=[group], columns=columns)


def _rows_at_once(group: pq.RowGroupMetaData) -> int:
    return max(1, int(group.num_rows * _BATCH_BYTES / max(group.total_byte_size, 1)))
