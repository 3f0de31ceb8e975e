"""Tables that tasks write themselves where workers can open files: whole columns, as Arrow has them.

Spark takes lists apart and moves them element by element through Java, which costs several times what
making them does. What Spark's committer would have done is done here: every attempt of a task writes files
of its own, and of these only those stay that a finished task reported.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql import DataFrame, Observation, Row
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, LongType, StringType, StructField, StructType

from vecmill.storage import tables
from vecmill.storage.files import Folder, local_path

# Rows read together, and encoded together so that batches end where groups do. More take more memory: 20 MB
# of pairs at window 5. Of long rows a batch holds so many bytes of a file, which may become three times as
# many once they are decoded, and a group ends with the batch that brings it to so many bytes.
_BATCH_ROWS, _BATCH_BYTES = 1 << 16, 1 << 22
_GROUP_ROWS, _GROUP_BYTES = 6 * _BATCH_ROWS, 1 << 24

# Neither compressed nor numbered in a dictionary.
_AS_THEY_ARE = (pa.int32(), pa.float32(), pa.binary())

# Bytes of different words in a group, above which each word is written out: more than a group can have.
# With the usual megabyte half of them would be.
_DICTIONARY_BYTES = 1 << 26


class TaskTable(NamedTuple):
    """A table as partitions, and what turns the Arrow batches of a partition into those of the table."""

    partitions: DataFrame
    read: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


class Part(NamedTuple):
    """The part of a table that has the same values in the columns that partition it.

    elements  how many there are in all lists of the first column of lists
    """

    values: tuple[int, ...]
    rows: int
    elements: int


class Staged(NamedTuple):
    """A table that was written and is not yet published: where it lies, and its parts."""

    place: str
    parts: list[Part]

    @property
    def rows(self) -> int:
        """Those of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def elements(self) -> int:
        """Those of all parts."""
        return sum(part.elements for part in self.parts)


def rows_at_once(rows: int, size: int) -> int:
    """How many rows a task reads together of `rows` that take `size` bytes of a file before compression."""
    return max(1, min(_BATCH_ROWS, rows * _BATCH_BYTES // max(size, 1)))


def stage(
    sources: Sequence[TaskTable],
    folder: Folder,
    name: str,
    schema: StructType,
    partition_by: Sequence[str] = (),
) -> Staged:
    """Write the rows of all sources as one table below the staging folder, and count it.

    The columns `partition_by` hold numbers, by which each partition is sorted. As Spark does, they go into
    the path as name=value and not into the files.
    """
    by, staged = list(partition_by), f"{tables.STAGING}/{name}"
    counted = next((field.name for field in schema if isinstance(field.dataType, ArrayType)), None)
    local = local_path(folder.qualified(staged))
    if local is None:
        rows = _union(source.partitions.mapInArrow(source.read, schema) for source in sources)
        parts = _staged_by_spark(rows, folder, name, by, counted)
        return Staged(staged, sorted(parts))
    folder.delete(staged)
    local.mkdir(parents=True)

    # Made and written by the same function, or the rows would pass through Java in between.
    def writing(source: TaskTable) -> DataFrame:
        read = source.read
        return source.partitions.mapInArrow(
            lambda batches: write(read(batches), local, by, counted), WRITTEN
        )

    reports = _union(map(writing, sources)).collect()
    _keep_only(local, [report["file"] for report in reports])
    return Staged(staged, _parts(reports))


def _union(tables_: Iterable[DataFrame]) -> DataFrame:
    return functools.reduce(DataFrame.unionByName, tables_)


def _staged_by_spark(
    rows: DataFrame, folder: Folder, name: str, by: list[str], counted: str | None
) -> list[Part]:
    elements = F.sum(F.size(counted) if counted else F.lit(0))
    counts = F.count(F.lit(1)).alias("rows"), elements.alias("elements")
    if not by:
        observed = Observation()
        tables.stage(rows.observe(observed, *counts), folder, name)
        return [Part((), observed.get["rows"], observed.get["elements"] or 0)]
    staged = tables.stage(rows, folder, name, partition_by=by)
    back = folder.spark.read.schema(rows.schema).parquet(folder.path(staged))
    found = back.groupBy(*by).agg(*counts).collect()
    return [Part(tuple(row[column] for column in by), row["rows"], row["elements"]) for row in found]


def _parts(reports: list[Row]) -> list[Part]:
    """What the reports of all tasks say of each part."""
    sums: dict[tuple[int, ...], Part] = {}
    for report in reports:
        values = tuple(int(place.partition("=")[2]) for place in report["file"].split("/")[:-1])
        before = sums.get(values, Part(values, 0, 0))
        sums[values] = Part(values, before.rows + report["rows"], before.elements + report["elements"])
    return sorted(sums.values())


def _keep_only(folder: Path, reported: Iterable[str]) -> None:
    """Remove the files of attempts that failed or came second; `reported` are paths below `folder`."""
    kept = {folder / file for file in reported}
    for found in folder.rglob("*.parquet"):
        if found not in kept:
            found.unlink()


WRITTEN = StructType(
    [
        StructField("file", StringType(), False),
        StructField("rows", LongType(), False),
        StructField("elements", LongType(), False),
    ]
)
_ARROW_WRITTEN = pa.schema(
    [("file", pa.string(), False), ("rows", pa.int64(), False), ("elements", pa.int64(), False)]
)


def write(
    batches: Iterator[pa.RecordBatch], folder: Path, partition_by: list[str], counted: str | None
) -> Iterator[pa.RecordBatch]:
    """Write the batches of one task to a file for each part, and yield batches of WRITTEN."""
    context = TaskContext.get()
    task = context.partitionId() if context else 0
    for values, of_part in itertools.groupby(_cut(batches, partition_by), lambda cut: cut[0]):
        places = [f"{column}={value}" for column, value in zip(partition_by, values, strict=True)]
        file = "/".join([*places, f"part-{task:05}-{uuid4().hex}.parquet"])
        rows, elements = _write_file((batch for _, batch in of_part), folder / file, counted)
        written = {"file": file, "rows": rows, "elements": elements}
        yield pa.RecordBatch.from_pylist([written], _ARROW_WRITTEN)
    # A worker lives on beside its next tasks, which need the memory that Arrow would keep.
    pa.default_memory_pool().release_unused()


def _cut(
    batches: Iterator[pa.RecordBatch], by: list[str]
) -> Iterator[tuple[tuple[int, ...], pa.RecordBatch]]:
    """Batches of one part each: its values, and the columns that are not in its path."""
    for batch in batches:
        values = np.array([batch.column(name).to_numpy() for name in by]).reshape(len(by), batch.num_rows)
        begins = np.flatnonzero(np.diff(values, axis=1).any(axis=0)) + 1
        rest = batch.drop_columns(by) if by else batch
        for begin, end in itertools.pairwise([0, *begins, batch.num_rows]):
            if end > begin:
                yield tuple(values[:, begin].tolist()), rest.slice(begin, end - begin)


def _write_file(batches: Iterator[pa.RecordBatch], target: Path, counted: str | None) -> tuple[int, int]:
    """Write a file; how many rows it has, and elements in their lists."""
    first = next(batches)
    rows = elements = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    # A group is encoded while the next one is made, so that the last task of a job leaves no core idle.
    with (
        pq.ParquetWriter(target, first.schema, **_encoding(first.schema)) as out,
        ThreadPoolExecutor(1) as encoder,
    ):
        under_way: Future[None] | None = None
        for group in _groups(first, batches):
            if under_way:
                under_way.result()
            under_way = encoder.submit(out.write_table, group, _GROUP_ROWS)
            rows += group.num_rows
            if counted:
                elements += sum(len(chunk.flatten()) for chunk in group[counted].chunks)
        if under_way:
            under_way.result()
    return rows, elements


def _groups(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of _GROUP_ROWS rows, or fewer that are long; only the last may be smaller."""
    held, count, size = [first], first.num_rows, first.nbytes
    for batch in rest:
        while count >= _GROUP_ROWS or size >= _GROUP_BYTES:
            table = pa.Table.from_batches(held)
            yield table.slice(0, _GROUP_ROWS)
            held = table.slice(_GROUP_ROWS).to_batches()
            count, size = max(count - _GROUP_ROWS, 0), sum(part.nbytes for part in held)
        held.append(batch)
        count, size = count + batch.num_rows, size + batch.nbytes
    yield pa.Table.from_batches(held)


def _encoding(schema: pa.Schema) -> dict[str, Any]:
    """Numbers in just the bits that they need, all else by its number in a dictionary; no statistics.

    Integers of 32 bits need the bits of the differences in a block of them, and are not compressed: half
    the CPU of zstd, for a third more space. BYTE_STREAM_SPLIT with zstd would cost as little for a
    twentieth more space, but Spark 4.1 cannot read it. Trained floats stay as they are, in lists and in the
    bytes of blocks: nothing makes them smaller. Statistics would be asked for by nobody: every file is read
    whole.
    """
    elements = {_in_parquet(field): _element(field) for field in schema}
    integers = [name for name, kind in elements.items() if pa.types.is_int32(kind)]
    others = [name for name, kind in elements.items() if kind not in _AS_THEY_ARE]
    return {
        "compression": {name: "zstd" if name in others else "none" for name in elements},
        "use_dictionary": others,
        "dictionary_pagesize_limit": _DICTIONARY_BYTES,
        "column_encoding": dict.fromkeys(integers, "DELTA_BINARY_PACKED"),
        "write_statistics": False,
    }


def _in_parquet(field: pa.Field) -> str:
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name


def _element(field: pa.Field) -> pa.DataType:
    return field.type.value_type if pa.types.is_list(field.type) else field.type
