"""Tables with a file for every shard of a slice, which one task reads: by itself, if it can open files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from vecmill.storage import tables
from vecmill.storage.files import Folder, local_path
from vecmill.storage.task_files import TaskTable, rows_at_once

_READ_BYTES = 1 << 20


def read(
    folder: Folder,
    name: str,
    schema: StructType,
    partition_by: Sequence[str],
    columns: Sequence[str],
    only: Mapping[str, Collection[int]],
) -> TaskTable:
    """Some columns of those parts of a published table whose values are among `only`: a partition a part.

    Parts come in the order of their values, rows as they were written. Where Spark reads them, it needs
    `session.ONE_FILE_ONE_TASK`. Raises InputError where the table does not exist.
    """
    tables.check_exists(folder, name)
    local = local_path(folder.qualified(name))
    if local is None:
        rows = _read_by_spark(folder, name, schema, partition_by, only)
        return TaskTable(rows.select(*columns), lambda batches: batches)
    found = sorted(_parts(local, partition_by, only).items())
    parts = [(dict(zip(partition_by, values, strict=True)), files) for values, files in found]
    if not parts:
        return TaskTable(folder.spark.createDataFrame([], schema).select(*columns), lambda batches: batches)

    def read_parts(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in numbers:
            for number in batch.column("id").to_pylist():
                values, files = parts[number]
                for file in files:
                    for rows in read_file(file, [name for name in columns if name not in values]):
                        yield _with_values(rows, columns, values)

    # A partition a number: Spark reads nothing, and has nothing to bring into order.
    numbered = folder.spark.range(0, len(parts), numPartitions=len(parts))
    return TaskTable(numbered, read_parts)


def _read_by_spark(
    folder: Folder, name: str, schema: StructType, by: Sequence[str], only: Mapping[str, Collection[int]]
) -> DataFrame:
    # No more is listed than the parts that are wanted, where the path can say which.
    place = name
    for column in by:
        if len(only.get(column, ())) != 1:
            break
        place += f"/{column}={next(iter(only[column]))}"
    if not folder.exists(place):
        return folder.spark.createDataFrame([], schema)
    reader = folder.spark.read.schema(schema).option("basePath", folder.path(name))
    rows = reader.parquet(folder.path(place))
    for column, values in only.items():
        rows = rows.where(F.col(column).isin(*values))
    return rows


def _parts(
    folder: Path, partition_by: Sequence[str], only: Mapping[str, Collection[int]]
) -> dict[tuple[int, ...], list[str]]:
    """The files of every part that is wanted, by its values."""
    places: dict[tuple[int, ...], Path] = {(): folder}
    for column in partition_by:
        places = {
            (*values, value): place
            for values, above in places.items()
            for value, place in _parts_below(above, column)
            if column not in only or value in only[column]
        }
    return {values: sorted(map(str, place.glob("*.parquet"))) for values, place in places.items()}


def _parts_below(folder: Path, column: str) -> Iterator[tuple[int, Path]]:
    for place in folder.glob(f"{column}=*"):
        yield int(place.name.partition("=")[2]), place


def read_file(path: str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a file in their order."""
    # Without these Arrow reads the whole file before it decodes the first row.
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=_READ_BYTES) as file:
        groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
        rows = rows_at_once(file.metadata.num_rows, sum(group.total_byte_size for group in groups))
        yield from file.iter_batches(rows, columns=columns)


def _with_values(rows: pa.RecordBatch, columns: Sequence[str], values: Mapping[str, int]) -> pa.RecordBatch:
    """The rows, with the columns that are in the path."""
    arrays = [
        pa.repeat(pa.scalar(values[name], pa.int32()), len(rows)) if name in values else rows.column(name)
        for name in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))
