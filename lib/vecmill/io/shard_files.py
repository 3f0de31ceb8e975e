"""Pairs in one Parquet file a shard, written and read by the tasks themselves where workers can open files.

Spark takes lists of numbers apart and moves them one by one through Java, which costs several times what
drawing them does, and as much as training on them; Arrow takes whole columns. What Spark's committer
would have done is done here: every attempt of a task writes a file of its own, and of these only the
one whose task reported it stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql.types import IntegerType, LongType, StringType, StructField, StructType

# Rows decoded together, and bytes read at once of each column.
_BATCH_ROWS = 1 << 16
_READ_BYTES = 1 << 20

# Rows encoded together, so that batches end where groups do; more take more memory: 20 MB at window 5.
_GROUP_ROWS = 6 * _BATCH_ROWS

PARTITION_BY = ["epoch", "slice", "shard"]

WRITTEN = StructType(
    [
        StructField("epoch", IntegerType(), False),
        StructField("file", StringType(), False),
        StructField("rows", LongType(), False),
    ]
)


class ShardFile(NamedTuple):
    """A file that a task has finished: its path below the folder of all files, and its rows."""

    epoch: int
    file: str
    rows: int


def write_shard(batches: Iterator[pa.RecordBatch], folder: Path) -> Iterator[pa.RecordBatch]:
    """Write the batches of one task to one file, and yield what was written as a batch of WRITTEN.

    The columns PARTITION_BY are constant within the task; as Spark does, they go into the path as
    name=value and not into the file.
    """
    first = next(batches, None)
    if first is None:
        return
    values = {name: first.column(name)[0].as_py() for name in PARTITION_BY}
    place = "/".join(f"{name}={value}" for name, value in values.items())
    file = f"{place}/part-{uuid4().hex}.parquet"
    target = folder / file
    target.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    schema = first.drop_columns(PARTITION_BY).schema
    # A group is encoded while the next one is drawn, so that the last shard of a job leaves no core idle.
    with pq.ParquetWriter(target, schema, **_encoding(schema)) as out, ThreadPoolExecutor(1) as encoder:
        under_way: Future[None] | None = None
        for table in _groups(first, batches):
            if under_way:
                under_way.result()
            under_way = encoder.submit(out.write_table, table.drop_columns(PARTITION_BY), _GROUP_ROWS)
            rows += table.num_rows
        if under_way:
            under_way.result()
    written = ShardFile(values["epoch"], file, rows)
    yield pa.RecordBatch.from_pylist([written._asdict()], _ARROW_WRITTEN)


_ARROW_WRITTEN = pa.schema(
    [("epoch", pa.int32(), False), ("file", pa.string(), False), ("rows", pa.int64(), False)]
)


def _encoding(schema: pa.Schema) -> dict[str, Any]:
    """Numbers in just the bits that the differences in a block of them need, and no compression.

    No statistics either, which nobody asks for: every file is read whole.
    Half the CPU of zstd, for a third more space. BYTE_STREAM_SPLIT with zstd would cost as little for a
    twentieth more space, but Spark 4.1 cannot read it.
    """
    lists = {field.name: pa.types.is_list(field.type) for field in schema}
    columns = [f"{name}.list.element" if is_list else name for name, is_list in lists.items()]
    return {
        "compression": "none",
        "use_dictionary": False,
        "write_statistics": False,
        "column_encoding": dict.fromkeys(columns, "DELTA_BINARY_PACKED"),
    }


def _groups(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of _GROUP_ROWS rows, but for the last."""
    held, count = [first], first.num_rows
    for batch in rest:
        while count >= _GROUP_ROWS:
            table = pa.Table.from_batches(held)
            yield table.slice(0, _GROUP_ROWS)
            held, count = table.slice(_GROUP_ROWS).to_batches(), count - _GROUP_ROWS
        held.append(batch)
        count += batch.num_rows
    yield pa.Table.from_batches(held)


def of_shards(folder: Path, epoch: int, slice_: int) -> dict[int, list[str]]:
    """The files of one slice of an epoch, by shard."""
    place = folder / f"epoch={epoch}" / f"slice={slice_}"
    return {
        int(shard.name.removeprefix("shard=")): [str(file) for file in sorted(shard.glob("*.parquet"))]
        for shard in place.glob("shard=*")
    }


def read_file(path: str) -> Iterator[pa.RecordBatch]:
    """The rows that a task wrote, in their order, without the columns PARTITION_BY."""
    # Without these Arrow reads the whole file before it decodes the first row.
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=_READ_BYTES) as file:
        yield from file.iter_batches(_BATCH_ROWS)


def keep_only(folder: Path, written: list[ShardFile]) -> None:
    """Remove the files of attempts that failed or came second."""
    kept = {folder / shard.file for shard in written}
    for found in folder.rglob("*.parquet"):
        if found not in kept:
            found.unlink()
