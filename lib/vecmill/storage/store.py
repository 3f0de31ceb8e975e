"""The tables of a run's folder: one interface, chosen once for a run.

A store is an `ArrowStore` if tasks can open the files of the folder (local disks, shared mounts), and a
`SparkStore` if only Spark can. Nothing else decides how a table is read or written.

Functions that a store sends to tasks must not refer to the store, which holds the session.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructField, StructType

from vecmill.errors import ConfigError, InputError
from vecmill.storage.file_lists import check_list, write_list
from vecmill.storage.files import Files
from vecmill.storage.task_table import StagedTable, TaskTable

# Tables lie here until they are published. Spark's readers ignore names that begin with a dot.
STAGING = ".staging"

# Which rows of a table to read: a range of ids, or some ids in any order.
IdSelection = range | npt.NDArray[np.integer]


class Store(ABC):
    """Tables in a folder, each a folder of Parquet files.

    Methods that read a table raise InputError if it does not exist. All but `read_parts` also raise it if
    columns are missing, and name them.

    tasks_open_files  whether tasks read and write the files themselves
    """

    tasks_open_files: ClassVar[bool]

    def __init__(self, files: Files, session: SparkSession | None) -> None:
        self.files = files
        self.staging = STAGING
        # Of the lists of files of published tables, by name; the manifest of a run keeps them.
        self.digests: dict[str, str] = {}
        self._session = session

    def fence(self, files: Files, number: int) -> None:
        """Write through `files` from now on, and stage in a folder that belongs to lease `number` alone."""
        self.files, self.staging = files, f"{STAGING}-{number}"

    @property
    def spark(self) -> SparkSession:
        """The session that reads and writes tables in tasks. Raises ConfigError if the store has none."""
        if self._session is None:
            raise ConfigError([f"{self.files.root} was opened without a Spark session; open it with one"])
        return self._session

    @abstractmethod
    def collect(
        self,
        name: str,
        schema: StructType,
        ids: IdSelection | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """A table on the driver, in any order: all of it, or the rows with these ids, or some columns."""

    @abstractmethod
    def in_order(self, name: str, schema: StructType, count: int, rows: int) -> Iterator[pa.Table]:
        """A table on the driver in the order of its ids 0 to `count` - 1, at most `rows` rows at a time.

        The table was written sorted by its column `id`. Raises InputError if ids are missing.
        """

    @abstractmethod
    def batches(
        self, name: str, schema: StructType, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """A table, or some of its columns, on the driver, batch by batch in any order."""

    @abstractmethod
    def read(self, name: str, schema: StructType) -> TaskTable:
        """A table in tasks. Its rows may be long; strings in lists may come as Arrow dictionaries."""

    @abstractmethod
    def read_parts(
        self,
        name: str,
        schema: StructType,
        partition_by: Sequence[str],
        columns: Sequence[str],
        only: Mapping[str, Collection[int]],
    ) -> TaskTable:
        """Some columns of some parts of a table in tasks: one partition per part.

        A part has one value in each column of `partition_by`; `only` lists the values of the parts to read,
        by column. Parts come in the order of their values, rows in the order in which they were written.
        Run it within `spark.session.using(spark, ONE_FILE_ONE_TASK)`.
        """

    @abstractmethod
    def stage(
        self, sources: Sequence[TaskTable], name: str, schema: StructType, partition_by: Sequence[str] = ()
    ) -> StagedTable:
        """Write the rows of all sources as one table below the staging folder, and count them.

        The columns of `partition_by` hold integers, and each partition is sorted by them. As in Spark, they
        become folders name=value and are left out of the files.
        """

    def publish(self, staged: StagedTable | str, name: str) -> None:
        """Put a staged table in its place, over what is there, with a list of its files."""
        folder = staged if isinstance(staged, str) else staged.place
        digest = write_list(self.files, folder)
        self.files.publish(folder, name)
        self.digests[name] = digest

    def check_whole(self, name: str) -> None:
        """Raise InputError unless a table has all files that it was published with."""
        self.check_exists(name)
        check_list(self.files, name, self.digests.get(name))

    def write(self, sources: Sequence[TaskTable], name: str, schema: StructType) -> StagedTable:
        """Stage a table and publish it."""
        staged = self.stage(sources, name, schema)
        self.publish(staged, name)
        return staged

    def frame(self, name: str, schema: StructType) -> DataFrame:
        """A table as Spark reads it, with exactly the columns of its schema."""
        self.check_exists(name)
        path = self.files.path(name)
        table = self.spark.read.parquet(path)
        check_columns(table, schema, path)
        return table.select(*schema.fieldNames())

    def stage_frame(
        self,
        frame: DataFrame,
        name: str,
        partition_by: Sequence[str] = (),
        options: Mapping[str, str] = MappingProxyType({"compression": "zstd"}),
    ) -> str:
        """Write a table below the staging folder by Spark, with options of its writer; where it lies."""
        staged = f"{self.staging}/{name}"
        writer = frame.write.mode("overwrite").options(**options)
        writer.partitionBy(*partition_by).parquet(self.files.path(staged))
        return staged

    def check_exists(self, name: str) -> None:
        """Raise InputError if the table was not published."""
        if not self.files.exists(name):
            raise InputError(f"{self.files.path(name)} does not exist; run the stage that writes it")


def check_columns(table: DataFrame, schema: StructType, where: str) -> None:
    """Raise InputError naming every column of `schema` that `table` lacks or has in another type."""
    found = {field.name: field.dataType.simpleString() for field in table.schema}
    faults = []
    for field in schema:
        expected = field.dataType.simpleString()
        if field.name not in found:
            faults.append(_missing(field))
        elif found[field.name] != expected:
            faults.append(f"column {field.name} must be {expected}, got {found[field.name]}")
    if faults:
        raise _wrong_columns(where, faults)


def check_names(found: Sequence[str], schema: StructType, where: str) -> None:
    """Raise InputError naming every column of `schema` that is not among `found`."""
    missing = [_missing(field) for field in schema if field.name not in found]
    if missing:
        raise _wrong_columns(where, missing)


def _missing(field: StructField) -> str:
    return f"column {field.name} ({field.dataType.simpleString()}) is missing"


def _wrong_columns(where: str, faults: Sequence[str]) -> InputError:
    return InputError(f"{where} does not have the expected columns: {'; '.join(faults)}")


def check_ids(found: int, expected: int, where: str) -> None:
    """Raise InputError if a table has another number of ids than expected."""
    if found != expected:
        raise InputError(f"{where}: expected {expected:,} rows, got {found:,}")
