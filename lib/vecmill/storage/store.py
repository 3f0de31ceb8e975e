"""The tables of a run's folder: one interface, chosen once for a run.

A store is an `ArrowStore` if tasks can open the files of the folder (local disks, shared mounts), and a
`SparkStore` if only Spark can. Nothing else decides how a table is read or written.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from vecmill.errors import ConfigError, InputError
from vecmill.storage.files import Files
from vecmill.storage.task_table import StagedTable, TaskTable

# Tables lie here while they are written; Spark's readers pass over names that begin with a dot.
STAGING = ".staging"

# Which rows of a table to read: a range of ids, or some ids in any order.
IdSelection = range | npt.NDArray[np.integer]


class Store(ABC):
    """Tables in a folder. Every method that reads a table checks its columns and raises InputError, naming
    those that are missing, or saying that the table does not exist.

    tasks_open_files  whether tasks read and write the files of the folder themselves
    """

    tasks_open_files: ClassVar[bool]

    def __init__(self, files: Files, session: SparkSession | None) -> None:
        self.files = files
        self._session = session

    @property
    def spark(self) -> SparkSession:
        """The session that reads and writes tables in tasks. Raises ConfigError if the store has none."""
        if self._session is None:
            raise ConfigError([f"{self.files.root} was opened to be read without Spark; give a session"])
        return self._session

    @abstractmethod
    def collect(
        self,
        name: str,
        schema: StructType,
        ids: IdSelection | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """A table on the driver: all of it, the rows whose column `id` is selected, or some columns."""

    @abstractmethod
    def in_order(self, name: str, schema: StructType, count: int, rows: int) -> Iterator[pa.Table]:
        """A table that was sorted by its column `id`, 0 to `count` - 1, on the driver, `rows` at a time.

        Raises InputError if ids are missing.
        """

    @abstractmethod
    def batches(
        self, name: str, schema: StructType, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """A table on the driver in any order, batch by batch, or some of its columns."""

    @abstractmethod
    def read(self, name: str, schema: StructType) -> TaskTable:
        """A table in tasks, whose rows may be of any length; string columns may be dictionaries."""

    @abstractmethod
    def read_parts(
        self,
        name: str,
        schema: StructType,
        partition_by: Sequence[str],
        columns: Sequence[str],
        only: Mapping[str, Collection[int]],
    ) -> TaskTable:
        """Some columns of those parts of a table whose values are among `only`: one partition per part.

        Parts come in the order of their values, rows as they were written. Read it within
        `spark.session.using(spark, ONE_FILE_ONE_TASK)`.
        """

    @abstractmethod
    def stage(
        self, sources: Sequence[TaskTable], name: str, schema: StructType, partition_by: Sequence[str] = ()
    ) -> StagedTable:
        """Write the rows of all sources as one table below the staging folder, and count them.

        The columns `partition_by` hold integers, by which each partition is sorted. As with Spark, they go
        into the path as name=value and not into the files.
        """

    def publish(self, staged: StagedTable | str, name: str) -> None:
        """Put a table that is staged in its place, over what is there."""
        self.files.publish(staged if isinstance(staged, str) else staged.place, name)

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
        self, frame: DataFrame, name: str, partition_by: Sequence[str] = (), compression: str = "zstd"
    ) -> str:
        """Have Spark write a table below the staging folder; where it lies."""
        staged = f"{STAGING}/{name}"
        writer = frame.write.mode("overwrite").option("compression", compression)
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
            faults.append(f"column {field.name} ({expected}) is missing")
        elif found[field.name] != expected:
            faults.append(f"column {field.name} must be {expected}, got {found[field.name]}")
    if faults:
        raise InputError(f"{where} does not have the columns it should have: {'; '.join(faults)}")


def check_names(found: Sequence[str], schema: StructType, where: str) -> None:
    """Raise InputError naming every column of `schema` that is not among those found."""
    missing = [column for column in schema.fieldNames() if column not in found]
    if missing:
        raise InputError(f"{where} does not have the columns it should have: it lacks {', '.join(missing)}")
