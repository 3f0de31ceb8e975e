"""Tables whose files tasks and the driver read and write by Arrow, because they can open them."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.types import ArrayType, StructType

from vecmill.errors import InputError
from vecmill.storage.local_files import LocalFiles
from vecmill.storage.parquet import (
    WRITTEN,
    keep_only,
    open_file,
    read_file,
    read_row_group,
    write,
)
from vecmill.storage.schemas import arrow_schema, first_list_column
from vecmill.storage.store import IdSelection, Store, check_ids, check_names
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
        for path, _ in self._files(name, schema):
            with open_file(str(path)) as file:
                for batch in file.iter_batches(rows, columns=schema.fieldNames()):
                    first = batch.column("id")[0].as_py()
                    if first != seen:
                        raise InputError(f"{path}: expected id {seen:,}, got {first:,}")
                    seen += batch.num_rows
                    yield pa.Table.from_batches([batch])
        check_ids(seen, count, self.files.path(name))

    def batches(
        self, name: str, schema: StructType, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """See Store."""
        self.check_exists(name)
        for path, _ in self._files(name, schema):
            yield from read_file(str(path), list(columns or schema.fieldNames()))

    def read(self, name: str, schema: StructType) -> TaskTable:
        """See Store. As in Spark, the unit of work of a task is a row group."""
        self.check_exists(name)
        columns = schema.fieldNames()
        lists = [f"{field.name}.list.element" for field in schema if isinstance(field.dataType, ArrayType)]
        groups = [
            (str(path), group)
            for path, metadata in self._files(name, schema)
            for group in range(metadata.num_row_groups)
        ]

        def read_groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for row in batch.to_pylist():
                    yield from read_row_group(row["file"], row["row_group"], columns, lists)

        return TaskTable(self.spark.createDataFrame(groups, _ROW_GROUPS), read_groups)

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

        # One partition per number: Spark neither reads nor sorts anything.
        return TaskTable(self.spark.range(0, len(parts), numPartitions=len(parts)), read_parts)

    def stage(
        self, sources: Sequence[TaskTable], name: str, schema: StructType, partition_by: Sequence[str] = ()
    ) -> StagedTable:
        """See Store."""
        by, staged, counted = list(partition_by), f"{self.staging}/{name}", first_list_column(schema)
        target = self.folder / staged
        self.files.delete(staged)
        target.mkdir(parents=True)

        # One function computes and writes the rows; between two they would pass through Java.
        def writing(source: TaskTable) -> DataFrame:
            read = source.read
            return source.partitions.mapInArrow(
                lambda batches: write(read(batches), target, by, counted), WRITTEN
            )

        reports = functools.reduce(DataFrame.unionByName, map(writing, sources)).collect()
        keep_only(target, [report["file"] for report in reports])
        if not reports and not by:
            # Every reader finds the columns of an empty table in a file without rows.
            empty = arrow_schema(schema).empty_table()
            pq.write_table(empty, target / "part-empty.parquet", write_page_checksum=True)
            return StagedTable(staged, [TablePart((), 0, 0)])
        return StagedTable(staged, _parts_of(reports))

    def _files(self, name: str, schema: StructType) -> Iterator[tuple[Path, pq.FileMetaData]]:
        """The files of a table in the order of its partitions, their columns checked."""
        for path in sorted((self.folder / name).glob("*.parquet")):
            with open_file(str(path)) as file:
                metadata, names = file.metadata, file.schema_arrow.names
            check_names(names, schema, str(path))
            yield path, metadata


def read_table(
    path: Path, schema: StructType, ids: IdSelection | None = None, columns: Sequence[str] | None = None
) -> pa.Table:
    """The table at `path`, a Parquet file or a folder of them, without Spark; see `Store.collect`.

    Raises InputError naming every column of the schema that is missing, and if a file is damaged.
    """
    wanted = list(columns or schema.fieldNames())
    read = wanted if ids is None or "id" in wanted else [*wanted, "id"]
    parts = []
    for file in sorted(path.glob("*.parquet")) if path.is_dir() else [path]:
        with open_file(str(file)) as opened:
            names = opened.schema_arrow.names
        check_names(names, schema, str(file))
        for batch in read_file(str(file), read):
            chosen = batch if ids is None else batch.filter(_among(batch.column("id"), ids))
            if chosen.num_rows:
                parts.append(chosen.select(wanted))
    if not parts:
        return arrow_schema(schema).empty_table().select(wanted)
    return pa.Table.from_batches(parts)


def _among(column: pa.Array, ids: IdSelection) -> pa.Array:
    """Whether each id is selected."""
    if isinstance(ids, range):
        return pc.and_(pc.greater_equal(column, ids.start), pc.less(column, ids.stop))
    return pc.is_in(column, pa.array(ids, column.type))


def _parts(
    folder: Path, partition_by: Sequence[str], only: Mapping[str, Collection[int]]
) -> dict[tuple[int, ...], list[str]]:
    """The files of every part whose values are among `only`, by these values."""
    folders: dict[tuple[int, ...], Path] = {(): folder}
    for column in partition_by:
        folders = {
            (*values, value): below
            for values, above in folders.items()
            for value, below in _subfolders(above, column)
            if column not in only or value in only[column]
        }
    return {values: sorted(map(str, part.glob("*.parquet"))) for values, part in folders.items()}


def _subfolders(folder: Path, column: str) -> Iterator[tuple[int, Path]]:
    for found in folder.glob(f"{column}=*"):
        yield _value_in(found.name), found


def _value_in(folder_name: str) -> int:
    return int(folder_name.partition("=")[2])


def _with_values(rows: pa.RecordBatch, columns: Sequence[str], values: Mapping[str, int]) -> pa.RecordBatch:
    """The rows with the columns whose values are in the path."""
    arrays = [
        pa.repeat(pa.scalar(values[name], pa.int32()), len(rows)) if name in values else rows.column(name)
        for name in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _parts_of(reports: list[Row]) -> list[TablePart]:
    """The parts that the reports of all tasks add up to."""
    sums: dict[tuple[int, ...], TablePart] = {}
    for report in reports:
        values = tuple(map(_value_in, report["file"].split("/")[:-1]))
        before = sums.get(values, TablePart(values, 0, 0))
        sums[values] = TablePart(values, before.rows + report["rows"], before.elements + report["elements"])
    return sorted(sums.values())
