"""Tables whose rows may be of any length, as documents are, read by tasks that can open files as Arrow.

Whole columns are read, but so few rows at once that long ones do not fill the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql.types import ArrayType, StructType

from vecmill.storage import tables
from vecmill.storage.files import Folder, local_path
from vecmill.storage.task_files import TaskTable, rows_at_once

_READ_BYTES = 1 << 20

_PLACES = "file string, row_group int"


def read(folder: Folder, name: str, schema: StructType) -> TaskTable:
    """A published table with exactly the columns of its schema; batches may hold each different word once.

    Raises InputError where it does not exist, naming every column that is missing.
    """
    tables.check_exists(folder, name)
    local = local_path(folder.qualified(name))
    if local is None:
        return TaskTable(tables.read(folder, name, schema), lambda batches: batches)
    columns, elements = schema.fieldNames(), _elements(schema)
    places = list(_places(local, schema))
    partitions = folder.spark.createDataFrame(places, _PLACES)
    return TaskTable(partitions, lambda batches: _read(batches, columns, elements))


def _elements(schema: StructType) -> list[str]:
    """The columns of a Parquet file that hold what the lists of a table hold."""
    return [f"{field.name}.list.element" for field in schema if isinstance(field.dataType, ArrayType)]


def _places(folder: Path, schema: StructType) -> Iterator[tuple[str, int]]:
    """Every row group of the table: what Spark, too, would give to different tasks."""
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            tables.check_names(file.schema_arrow.names, schema, str(path))
            for group in range(file.num_row_groups):
                yield str(path), group


def _read(
    places: Iterator[pa.RecordBatch], columns: list[str], elements: list[str]
) -> Iterator[pa.RecordBatch]:
    for batch in places:
        for place in batch.to_pylist():
            # Without these Arrow reads the whole row group before it decodes the first row.
            with pq.ParquetFile(
                place["file"], read_dictionary=elements, pre_buffer=False, buffer_size=_READ_BYTES
            ) as file:
                number = place["row_group"]
                group = file.metadata.row_group(number)
                rows = rows_at_once(group.num_rows, group.total_byte_size)
                yield from file.iter_batches(rows, row_groups=[number], columns=columns)
