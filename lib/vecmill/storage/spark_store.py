"""Tables that only Spark can read and write, because tasks cannot open the files."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from vecmill.storage.schemas import first_list_column
from vecmill.storage.store import IdSelection, Store, check_ids
from vecmill.storage.task_table import StagedTable, TablePart, TaskTable


class SparkStore(Store):
    """See Store."""

    tasks_open_files = False

    def collect(
        self,
        name: str,
        schema: StructType,
        ids: IdSelection | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """See Store."""
        table = self.frame(name, schema)
        if isinstance(ids, range):
            table = table.where(F.col("id").between(ids.start, ids.stop - 1))
        elif ids is not None:
            # As a table, because there may be thousands.
            selected = self.spark.createDataFrame(pa.table({"id": pa.array(ids, pa.int32())}))
            table = table.join(F.broadcast(selected), "id", "left_semi")
        return table.select(*(columns or schema.fieldNames())).toArrow()

    def in_order(self, name: str, schema: StructType, count: int, rows: int) -> Iterator[pa.Table]:
        """See Store. Runs one query per table."""
        seen = 0
        for begin in range(0, count, rows):
            ids = range(begin, min(begin + rows, count))
            table = self.collect(name, schema, ids).sort_by("id")
            seen += table.num_rows
            yield table
        check_ids(seen, count, self.files.path(name))

    def batches(
        self, name: str, schema: StructType, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """See Store. The whole table is collected to the driver first."""
        yield from self.collect(name, schema, columns=columns).to_batches()

    def read(self, name: str, schema: StructType) -> TaskTable:
        """See Store."""
        return TaskTable(self.frame(name, schema))

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
        # Spark lists only the folders of the parts to be read, as far as one value per column is selected.
        folder = name
        for column in partition_by:
            if len(only.get(column, ())) != 1:
                break
            folder += f"/{column}={next(iter(only[column]))}"
        if not self.files.exists(folder):
            return TaskTable(self.spark.createDataFrame([], schema).select(*columns))
        reader = self.spark.read.schema(schema).option("basePath", self.files.path(name))
        rows = reader.parquet(self.files.path(folder))
        for column, values in only.items():
            rows = rows.where(F.col(column).isin(*values))
        return TaskTable(rows.select(*columns))

    def stage(
        self, sources: Sequence[TaskTable], name: str, schema: StructType, partition_by: Sequence[str] = ()
    ) -> StagedTable:
        """See Store. Parts are counted by reading them back."""
        rows = functools.reduce(
            DataFrame.unionByName,
            (source.partitions.mapInArrow(source.read, schema) for source in sources),
        )
        counted = first_list_column(schema)
        elements = F.sum(F.size(counted) if counted else F.lit(0))
        counts = F.count(F.lit(1)).alias("rows"), elements.alias("elements")
        if not partition_by:
            observed = Observation()
            staged = self.stage_frame(rows.observe(observed, *counts), name)
            return StagedTable(staged, [TablePart((), observed.get["rows"], observed.get["elements"] or 0)])
        staged = self.stage_frame(rows, name, partition_by)
        back = self.spark.read.schema(rows.schema).parquet(self.files.path(staged))
        found = back.groupBy(*partition_by).agg(*counts).collect()
        parts = [
            TablePart(tuple(row[column] for column in partition_by), row["rows"], row["elements"])
            for row in found
        ]
        return StagedTable(staged, sorted(parts))
