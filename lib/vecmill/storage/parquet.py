"""Parquet files as tasks write and read them by Arrow, column by column.

Spark would move lists through Java element by element, which costs several times as much as computing them.
In place of Spark's committer, every attempt of a task writes files of its own, and only the files that a
finished task reported are kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql.types import LongType, StringType, StructField, StructType

from vecmill.errors import InputError
from vecmill.storage.arrow import release_memory
from vecmill.storage.file_lists import LIST
from vecmill.storage.schemas import arrow_schema

# Rows per batch that is read, and per row group that is written, a multiple of it: 20 MB of pairs at window
# 5. If rows are long, a batch has at most so many bytes of a file, which may be three times as many once
# decoded, and a group ends with the batch that brings it to so many bytes.
_BATCH_ROWS, _BATCH_BYTES = 1 << 16, 1 << 22
_GROUP_ROWS, _GROUP_BYTES = 6 * _BATCH_ROWS, 1 << 24

READ_BYTES = 1 << 20

# Types that are neither compressed nor encoded by a dictionary.
_STORED_PLAIN = (pa.int32(), pa.float32(), pa.binary())

# Above so many bytes of distinct words in a group, Arrow writes every word out. A group never has as many;
# with the default of 1 MB, half of the words would be written out.
_DICTIONARY_BYTES = 1 << 26

# For datasets: by default, Arrow reads several whole files and row groups ahead, however few are needed.
FRUGAL_SCAN: dict[str, Any] = {
    "fragment_scan_options": ds.ParquetFragmentScanOptions(
        pre_buffer=False, use_buffered_stream=True, page_checksum_verification=True, buffer_size=READ_BYTES
    ),
    "batch_size": 1 << 14,
    "batch_readahead": 1,
    "fragment_readahead": 1,
}

# What a task reports about each file that it wrote; `elements` is as in `TablePart`.
WRITTEN = StructType(
    [
        StructField("file", StringType(), False),
        StructField("rows", LongType(), False),
        StructField("elements", LongType(), False),
    ]
)


def rows_per_batch(rows: int, size: int) -> int:
    """Rows to read at once from a file or row group of `rows` rows and `size` bytes before compression."""
    return max(1, min(_BATCH_ROWS, rows * _BATCH_BYTES // max(size, 1)))


@contextmanager
def open_file(path: str, as_dictionaries: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
    """A file to be read row group by row group, with the checksums of its pages verified.

    The columns `as_dictionaries` come as Arrow dictionaries. Raises InputError if the file is damaged.
    """
    try:
        # By default, Arrow reads the whole file before it decodes the first row.
        with pq.ParquetFile(
            path,
            read_dictionary=list(as_dictionaries),
            pre_buffer=False,
            buffer_size=READ_BYTES,
            page_checksum_verification=True,
        ) as file:
            yield file
    except (OSError, pa.ArrowException) as error:
        raise InputError(damage(path, error)) from error


def damage(path: str | Path, error: Exception) -> str:
    """The sentence about a file that Arrow cannot read."""
    cause = (str(error).splitlines() or [type(error).__name__])[0][:200]
    # A table of a run lies in a folder with a list of its files; any other file is the user's own.
    published = next((above for above in Path(path).parents if (above / LIST).exists()), None)
    remedy = "export or fetch it again"
    if published is not None:
        remedy = f"delete {published} and run the same command again to rebuild it"
    return f"{path} is damaged ({cause}); {remedy}"


def read_file(path: str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a file in their order. Raises InputError if it is damaged."""
    with open_file(path) as file:
        groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
        rows = rows_per_batch(file.metadata.num_rows, sum(group.total_byte_size for group in groups))
        yield from _counted(file.iter_batches(rows, columns=columns), file.metadata.num_rows)


def read_row_group(
    path: str, number: int, columns: list[str], as_dictionaries: list[str]
) -> Iterator[pa.RecordBatch]:
    """The rows of a row group in their order; the columns `as_dictionaries` come as Arrow dictionaries."""
    with open_file(path, as_dictionaries) as file:
        group = file.metadata.row_group(number)
        rows = rows_per_batch(group.num_rows, group.total_byte_size)
        yield from _counted(file.iter_batches(rows, row_groups=[number], columns=columns), group.num_rows)


def _counted(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The batches; raises ArrowException if they do not have `rows` rows.

    The headers of pages have no checksum, and after one that is damaged Arrow may see the end of the file.
    """
    seen = 0
    for batch in batches:
        seen += batch.num_rows
        yield batch
    if seen != rows:
        raise pa.ArrowInvalid(f"it has {seen:,} rows where {rows:,} were written")


def keep_only(folder: Path, reported: Iterable[str]) -> None:
    """Delete the files of failed and duplicate attempts: all but those `reported`, paths below `folder`."""
    kept = {folder / file for file in reported}
    for found in folder.rglob("*.parquet"):
        if found not in kept:
            found.unlink()


def write(
    batches: Iterator[pa.RecordBatch],
    folder: Path,
    partition_by: list[str],
    counted: str | None,
    *,
    group_rows: int = _GROUP_ROWS,
    group_bytes: int = _GROUP_BYTES,
) -> Iterator[pa.RecordBatch]:
    """Write the batches of one task to one file per part, and yield one row of WRITTEN per file.

    counted      the list column whose elements are counted; None for none
    group_rows   rows per row group; only the last may have fewer
    group_bytes  a group of fewer rows ends with the batch that brings it to so many bytes
    """
    context = TaskContext.get()
    task = context.partitionId() if context else 0
    for values, of_part in itertools.groupby(_cut(batches, partition_by), lambda cut: cut[0]):
        folders = [f"{column}={value}" for column, value in zip(partition_by, values, strict=True)]
        file = "/".join([*folders, f"part-{task:05}-{uuid4().hex}.parquet"])
        groups = _groups((batch for _, batch in of_part), group_rows, group_bytes)
        rows, elements = _write_file(groups, folder / file, counted, group_rows)
        written = {"file": file, "rows": rows, "elements": elements}
        yield pa.RecordBatch.from_pylist([written], arrow_schema(WRITTEN))
    release_memory()


def _cut(
    batches: Iterator[pa.RecordBatch], by: list[str]
) -> Iterator[tuple[tuple[int, ...], pa.RecordBatch]]:
    """Batches of one part each: its values, and its rows without the columns `by`."""
    for batch in batches:
        values = np.array([batch.column(name).to_numpy() for name in by]).reshape(len(by), batch.num_rows)
        begins = np.flatnonzero(np.diff(values, axis=1).any(axis=0)) + 1
        rest = batch.drop_columns(by) if by else batch
        for begin, end in itertools.pairwise([0, *begins, batch.num_rows]):
            if end > begin:
                yield tuple(values[:, begin].tolist()), rest.slice(begin, end - begin)


def _write_file(
    groups: Iterator[pa.Table], target: Path, counted: str | None, group_rows: int
) -> tuple[int, int]:
    """Write a file; its rows, and the elements of the list column `counted`."""
    first = next(groups)
    rows = elements = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    # A group is encoded while the next one is computed, so the last task of a job keeps two cores busy.
    with (
        pq.ParquetWriter(target, first.schema, **_encoding(first.schema)) as out,
        ThreadPoolExecutor(1) as encoder,
    ):
        under_way: Future[None] | None = None
        for group in itertools.chain([first], groups):
            if under_way:
                under_way.result()
            under_way = encoder.submit(out.write_table, group, group_rows)
            rows += group.num_rows
            if counted:
                elements += sum(len(chunk.flatten()) for chunk in group[counted].chunks)
        if under_way:
            under_way.result()
    return rows, elements


def _groups(batches: Iterator[pa.RecordBatch], group_rows: int, group_bytes: int) -> Iterator[pa.Table]:
    """The rows, at least one batch, in the tables that become row groups: see `write`."""
    first = next(batches)
    held, count, size = [first], first.num_rows, first.nbytes
    for batch in batches:
        while count >= group_rows or size >= group_bytes:
            table = pa.Table.from_batches(held)
            yield table.slice(0, group_rows)
            held = table.slice(group_rows).to_batches()
            count, size = max(count - group_rows, 0), sum(part.nbytes for part in held)
        held.append(batch)
        count, size = count + batch.num_rows, size + batch.nbytes
    yield pa.Table.from_batches(held)


def _encoding(schema: pa.Schema) -> dict[str, Any]:
    """Integers in as many bits as they need, strings by dictionary; no statistics.

    Integers of 32 bits are stored as differences within a block, uncompressed: half the CPU of zstd for a
    third more space. BYTE_STREAM_SPLIT with zstd would cost as little CPU for a twentieth more space, but
    Spark 4.1 cannot read it. Trained floats, in lists and in the bytes of blocks, do not compress. Readers
    need no statistics, because they read every file whole.
    """
    elements = {_in_parquet(field): _element(field) for field in schema}
    integers = [name for name, kind in elements.items() if pa.types.is_int32(kind)]
    others = [name for name, kind in elements.items() if kind not in _STORED_PLAIN]
    return {
        "compression": {name: "zstd" if name in others else "none" for name in elements},
        "use_dictionary": others,
        "dictionary_pagesize_limit": _DICTIONARY_BYTES,
        "column_encoding": dict.fromkeys(integers, "DELTA_BINARY_PACKED"),
        "write_statistics": False,
        # 36 bytes per file: with them every flipped bit is noticed.
        "write_page_checksum": True,
    }


def _in_parquet(field: pa.Field) -> str:
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name


def _element(field: pa.Field) -> pa.DataType:
    return field.type.value_type if pa.types.is_list(field.type) else field.type
