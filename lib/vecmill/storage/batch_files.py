"""Arrow files in which the tasks of one job leave batches for the tasks of the next.

Spark would move the batches through Java, which copies them several times and holds them in its heap. As
with tables, every attempt of a task writes a file of its own, and only files that a finished task named are
read.
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

_LEFT = StructType([StructField("file", StringType(), False)])


def leave(source: TaskTable, folder: Path) -> list[Path]:
    """Have every task write its batches to a file in `folder`; the files of the tasks that had a batch."""
    read = source.read
    left = source.partitions.mapInArrow(lambda batches: write(read(batches), folder), _LEFT).collect()
    return [folder / row["file"] for row in left]


def write(batches: Iterator[pa.RecordBatch], folder: Path) -> Iterator[pa.RecordBatch]:
    """Write the batches of one task to a file and yield a batch that names it; nothing without a batch."""
    first = next(batches, None)
    if first is None:
        return
    file = f"{uuid4().hex}.arrow"
    with pa.OSFile(str(folder / file), "wb") as out, pa.ipc.new_file(out, first.schema) as writer:
        for batch in itertools.chain([first], batches):
            writer.write_batch(batch)
    yield pa.RecordBatch.from_pydict({"file": [file]})


Gathering = Callable[[Iterator[pa.Table]], Iterator[pa.Table]]


def gather(spark: SparkSession, files: Sequence[Path], work: Gathering) -> TaskTable:
    """What `work` makes of the first batches of all files together, of all second batches, and so on.

    The files have equally many batches. The result has as many partitions as tasks run at once, each with a
    range of the batches; a task holds one batch of every file at a time.
    """
    count = _batches_in(files[0]) if files else 0
    tasks = max(1, min(count, spark.sparkContext.defaultParallelism))
    numbers = spark.range(0, count, numPartitions=tasks)

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        wanted = (number for batch in batches for number in batch.column("id").to_pylist())
        for table in work(_together(files, wanted)):
            yield from table.to_batches()

    return TaskTable(numbers, read)


def _batches_in(path: Path) -> int:
    with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
        return int(reader.num_record_batches)


def _together(files: Sequence[Path], numbers: Iterator[int]) -> Iterator[pa.Table]:
    with ExitStack() as opened:
        readers = [
            opened.enter_context(pa.ipc.open_file(opened.enter_context(pa.OSFile(str(file)))))
            for file in files
        ]
        for number in numbers:
            yield pa.Table.from_batches([reader.get_batch(number) for reader in readers])
