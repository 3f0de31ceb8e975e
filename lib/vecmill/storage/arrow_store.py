"""Tables that tasks and the driver read and write themselves, because they can open the files."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.types import ArrayType, StructType

from vecmill.errors import InputError
from vecmill.storage.local_files import LocalFiles
from vecmill.storage.parquet import (
    FRUGAL_SCAN,
    WRITTEN,
    keep_only,
    read_file,
    read_row_group,
    write,
)
from vecmill.storage.store import STAGING, IdSelection, Store, check_names
from vecmill.storage.task_table import StagedTable, TablePart, TaskTable

_ROW_GROUPS = "file string, row_group int"


class ArrowStore(Store):
    """See Store."""

    tasks_open_files = True

    def __init__(self, files: LocalFiles, session: SparkSession | None) -> None:
        super().__init__(files, session)
        self.folder = files.local

    def collect(
        self,
        name: str,
        schema: StructType,
        ids: IdSelection | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """See Store."""
        self.check_exists(name)
        return read_table(self.folder / name, schema, ids, columns)

    def in_order(self, name: str, schema: StructType, count: int, rows: int) -> Iterator[pa.Table]:
        """See Store."""
        self.check_exists(name)
        seen = 0
        for path in sorted((self.folder / name).glob("*.parquet")):
            with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
                check_names(file.schema_arrow.names, schema, str(path))
                for batch in file.iter_batches(rows, columns=schema.fieldNames()):
                    if batch.column("id")[0].as_py() != seen:
                        raise InputError(f"{path}: expected id {seen}, got {batch.column('id')[0].as_py()}")
                    seen += batch.num_rows
                    yield pa.Table.from_batches([batch])
        if seen != count:
            raise InputError(f"{self.folder / name}: expected {count:,} rows, got {seen:,}")

    def batches(
        self, name: str, schema: StructType, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """See Store."""
        self.check_exists(name)
        for path in sorted((self.folder / name).glob("*.parquet")):
            check_names(pq.read_schema(path).names, schema, str(path))
            yield from read_file(str(path), list(columns or schema.fieldNames()))

    def read(self, name: str, schema: StructType) -> TaskTable:
        """See Store. What Spark would give to different tasks, row groups, goes to different tasks."""
        self.check_exists(name)
        columns = schema.fieldNames()
        lists = [f"{field.name}.list.element" for field in schema if isinstance(field.dataType, ArrayType)]
        places = list(_row_groups(self.folder / name, schema))

        def read_groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for place in batch.to_pylist():
                    yield from read_row_group(place["file"], place["row_group"], columns, lists)

        return TaskTable(self.spark.createDataFrame(places, _ROW_GROUPS), read_groups)

    def read_parts(
        self,
        name: str,
        schema: StructType,
        partition_by: Sequence[str],
        columns: Sequence[str],
        only: Mapping[str, Collection[int]],
    ) -> TaskTable:
        """See Store."""
        self.check_exists(name)
        found = sorted(_parts(self.folder / name, partition_by, only).items())
        parts = [(dict(zip(partition_by, values, strict=True)), files) for values, files in found]
        if not parts:
            return TaskTable(self.spark.createDataFrame([], schema).select(*columns))

        def read_parts(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in numbers:
                for number in batch.column("id").to_pylist():
                    values, files = parts[number]
                    for file in files:
                        for rows in read_file(file, [name for name in columns if name not in values]):
                            yield _with_values(rows, columns, values)

        # One partition per number: Spark reads nothing, and has nothing to bring into order.
        return TaskTable(self.spark.range(0, len(parts), numPartitions=len(parts)), read_parts)

    def stage(
        self, sources: Sequence[TaskTable], name: str, schema: StructType, partition_by: Sequence[str] = ()
    ) -> StagedTable:
        """See Store."""
        by, staged = list(partition_by), f"{STAGING}/{name}"
        counted = next((field.name for field in schema if isinstance(field.dataType, ArrayType)), None)
        target = self.folder / staged
        self.files.delete(staged)
        target.mkdir(parents=True)

        # Made and written by the same function, or the rows would pass through Java in between.
        def writing(source: TaskTable) -> DataFrame:
            read = source.read
            return source.partitions.mapInArrow(
                lambda batches: write(read(batches), target, by, counted), WRITTEN
            )

        reports = functools.reduce(DataFrame.unionByName, map(writing, sources)).collect()
        keep_only(target, [report["file"] for report in reports])
        return StagedTable(staged, _parts_of(reports))


def read_table(
    path: Path, schema: StructType, ids: IdSelection | None = None, columns: Sequence[str] | None = None
) -> pa.Table:
    """The Parquet at `path`, a file or a folder, without Spark; `ids` and `columns` as in `Store.collect`.

    Raises InputError naming every column of the schema that is missing.
    """
    table = ds.dataset(path, format="parquet")
    check_names(table.schema.names, schema, str(path))
    chosen = None
    if isinstance(ids, range):
        chosen = (ds.field("id") >= ids.start) & (ds.field("id") < ids.stop)
    elif ids is not None:
        chosen = ds.field("id").isin(pa.array(ids, table.schema.field("id").type))
    return table.to_table(list(columns or schema.fieldNames()), filter=chosen, **FRUGAL_SCAN)


def _row_groups(folder: Path, schema: StructType) -> Iterator[tuple[str, int]]:
    """Every row group of a table: its file and its number."""
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            check_names(file.schema_arrow.names, schema, str(path))
            for group in range(file.num_row_groups):
                yield str(path), group


def _parts(
    folder: Path, partition_by: Sequence[str], only: Mapping[str, Collection[int]]
) -> dict[tuple[int, ...], list[str]]:
    """The files of every part whose values are among `only`, by its values."""
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


def _with_values(rows: pa.RecordBatch, columns: Sequence[str], values: Mapping[str, int]) -> pa.RecordBatch:
    """The rows, with the columns that are in the path."""
    arrays = [
        pa.repeat(pa.scalar(values[name], pa.int32()), len(rows)) if name in values else rows.column(name)
        for name in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _parts_of(reports: list[Row]) -> list[TablePart]:
    """What the reports of all tasks say about each part."""
    sums: dict[tuple[int, ...], TablePart] = {}
    for report in reports:
        values = tuple(int(place.partition("=")[2]) for place in report["file"].split("/")[:-1])
        before = sums.get(values, TablePart(values, 0, 0))
        sums[values] = TablePart(values, before.rows + report["rows"], before.elements + report["elements"])
    return sorted(sums.values())
