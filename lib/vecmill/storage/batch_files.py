"""Arrow files with which the tasks of one job pass batches to the tasks of the next.

Spark would move the batches through Java, which copies them several times and holds them in its heap. As
with tables, every attempt of a task writes a file of its own, and only the files that a finished task named
are read.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from vecmill.storage.task_table import TaskTable

_WRITTEN = StructType([StructField("file", StringType(), False)])


def leave(source: TaskTable, folder: Path) -> list[Path]:
    """Every task writes its batches to a file in `folder`; returns the files, none for an empty task."""
    read = source.read
    written = source.partitions.mapInArrow(lambda batches: write(read(batches), folder), _WRITTEN).collect()
    return [folder / row["file"] for row in written]


def write(batches: Iterator[pa.RecordBatch], folder: Path) -> Iterator[pa.RecordBatch]:
    """Write the batches of one task to a file, and yield a batch that names it; no batches, no file."""
    first = next(batches, None)
    if first is None:
        return
    file = f"{uuid4().hex}.arrow"
    with pa.OSFile(str(folder / file), "wb") as out, pa.ipc.new_file(out, first.schema) as writer:
        for batch in itertools.chain([first], batches):
            writer.write_batch(batch)
    yield pa.RecordBatch.from_pydict({"file": [file]})


TableMap = Callable[[Iterator[pa.Table]], Iterator[pa.Table]]


def gather(spark: SparkSession, files: Sequence[Path], work: TableMap) -> TaskTable:
    """The tables that `work` computes from the first batches of all files, from all second batches, ...

    All files have the same number of batches. The result has as many partitions as tasks run at once, each
    with a range of the batches; a task holds one batch of every file at a time.
    """
    count = _batches_in(files[0]) if files else 0
    tasks = max(1, min(count, spark.sparkContext.defaultParallelism))
    numbers = spark.range(0, count, numPartitions=tasks)

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        own = (number for batch in batches for number in batch.column("id").to_pylist())
        for table in work(_joined(files, own)):
            yield from table.to_batches()

    return TaskTable(numbers, read)


def _batches_in(path: Path) -> int:
    with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
        return int(reader.num_record_batches)


def _joined(files: Sequence[Path], numbers: Iterator[int]) -> Iterator[pa.Table]:
    """For every number, the batches of that number of all files, in the order of the files."""
    with ExitStack() as opened:
        readers = [
            opened.enter_context(pa.ipc.open_file(opened.enter_context(pa.OSFile(str(file)))))
            for file in files
        ]
        for number in numbers:
            yield pa.Table.from_batches([reader.get_batch(number) for reader in readers])
