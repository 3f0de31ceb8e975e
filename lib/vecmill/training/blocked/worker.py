"""Blocked training in its tasks: strata of buckets whose workers share no row, so that nothing is merged.

In stratum t the worker of region i of the word table holds that region and region i + t of the context
table, and trains the bucket of the two. Then a shuffle moves each region of the context table to the
worker that trains it in the next stratum. A worker holds two regions and one bucket, never the whole model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, IntegerType, LongType, StructField, StructType

from vecmill.core.arrays import Ids
from vecmill.core.blocks import block_rows, blocks
from vecmill.core.kernels import BucketKernel
from vecmill.core.passes import Layout, Pass, bucket_rates, draw_bucket
from vecmill.core.regions import context_region
from vecmill.core.schedule import Pace
from vecmill.core.shards import Metrics, train_bucket
from vecmill.errors import ShapeError
from vecmill.models import Table
from vecmill.storage.checkpoints import block
from vecmill.storage.schemas import BLOCKS, METRICS, arrow_schema
from vecmill.storage.task_table import ArrowMap

# The content of a piece; a worker needs pieces in this order.
_WORDS, _CONTEXTS, _DONE, _PAIRS = range(4)

# What workers send to each other: rows of a region in the order of their ids, in pieces by rising `number`;
# the metrics of a worker so far; or the pairs that it trains.
_PIECES = StructType(
    [
        StructField("worker", IntegerType(), False),
        StructField("kind", IntegerType(), False),
        StructField("number", LongType(), False),
        StructField("values", BinaryType(), False),
        StructField("others", BinaryType(), False),
    ]
)
_ARROW_PIECES = arrow_schema(_PIECES)


class StrataTask(NamedTuple):
    """The settings of the tasks of a round.

    words, contexts  names of the two tables, each with `dim` columns
    threads          of a worker, which share a bucket and its tables without locks
    strata           of the round, one after another
    """

    kernel: BucketKernel
    words: str
    contexts: str
    dim: int
    threads: int
    strata: range
    pace: Pace

    @property
    def kinds(self) -> dict[str, int]:
        """The kind of the pieces, by table."""
        return {self.words: _WORDS, self.contexts: _CONTEXTS, METRICS: _DONE}


def start_blocks(spark: SparkSession, tables: tuple[Table, ...], seed: int) -> DataFrame:
    """BLOCKS before any training: the rows that every strategy starts from."""
    parts = [
        (number, part.start, part.stop)
        for number, table in enumerate(tables)
        for part in blocks(table.rows, table.columns)
    ]
    numbers = spark.createDataFrame(parts, "number int, begin int, end int")

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for part in batch.to_pylist():
                table = tables[part["number"]]
                rows = range(part["begin"], part["end"])
                yield block(table.name, rows.start, table.start(rows, seed))

    return numbers.mapInArrow(work, BLOCKS)


def train_strata(
    blocks: DataFrame, buckets: Callable[[int], DataFrame], of: Broadcast[Pass], settings: StrataTask
) -> DataFrame:
    """BLOCKS -> BLOCKS: the parameters after some strata of a pass, and one METRICS row per worker.

    `buckets` gives the rows of BUCKETS of one stratum. All strata are one job of Spark with a shuffle
    between them; a lost task is computed again from the shuffle before it and gives the same bytes. `of` is
    sent to every worker: 24 bytes per word.
    """
    n_regions = of.value.layout.n_regions
    parameters = blocks.where(F.col("table") != METRICS)
    pieces = parameters.mapInArrow(_to_workers(of, settings), _PIECES)
    for stratum in settings.strata:
        pairs = buckets(stratum).select(
            F.col("word_region").alias("worker"),
            F.lit(_PAIRS).alias("kind"),
            (F.shiftleft(F.col("shard").cast("long"), 32) + F.col("part")).alias("number"),
            F.col("words").alias("values"),
            F.col("contexts").alias("others"),
        )
        pieces = (
            pieces.unionByName(pairs)
            .repartitionById(n_regions, "worker")
            .sortWithinPartitions("kind", "number")
            .mapInArrow(_train_bucket(of, settings, stratum), _PIECES)
        )
    return (
        pieces.mapInArrow(_to_blocks(of, settings), _PIECES)
        .groupBy("kind", "worker")
        .applyInArrow(_assemble(settings), BLOCKS)
    )


def _to_workers(of: Broadcast[Pass], settings: StrataTask) -> ArrowMap:
    """BLOCKS to the pieces of the first stratum."""
    first = settings.strata.start

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        layout = of.value.layout
        vocabulary = len(layout.words.order)
        for batch in batches:
            for row in batch.to_pylist():
                kind, first_row, rows = settings.kinds[row["table"]], row["first_row"], row["rows"]
                if first_row + rows > vocabulary:
                    raise _other_vocabulary(f"it has a row {first_row + rows} of {vocabulary}")
                values = np.frombuffer(row["values"], np.float32).reshape(rows, -1)
                cut = layout.words if kind == _WORDS else layout.contexts
                for region in range(layout.n_regions):
                    members = cut.members(region)
                    begin, end = np.searchsorted(members, (first_row, first_row + rows))
                    if begin < end:
                        own = values[members[begin:end] - first_row]
                        worker = region if kind == _WORDS else _worker_of(region, first, layout)
                        yield _piece(worker, kind, first_row, own)

    return work


def _other_vocabulary(how: str) -> ShapeError:
    return ShapeError(f"the checkpoint is of another vocabulary: {how}")


def _worker_of(region: int, stratum: int, layout: Layout) -> int:
    """The worker that trains a region of the context table in a stratum."""
    return (region - stratum) % layout.n_regions


def _train_bucket(of: Broadcast[Pass], settings: StrataTask, stratum: int) -> ArrowMap:
    """A worker in a stratum: its pieces, in the order of their kinds, to the pieces of the next stratum."""

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        started = time.process_time()
        held = _Held(of.value, settings, stratum)
        for batch in batches:
            for row in zip(*batch.columns, strict=True):
                held.take(*row)
        if held.worker is None:
            return
        metrics = held.train()
        for kind, table in ((_WORDS, held.words), (_CONTEXTS, held.contexts)):
            # The next worker needs the region of the context table.
            worker = held.worker if kind == _WORDS else (held.worker - 1) % of.value.layout.n_regions
            size = block_rows(settings.dim)
            for begin in range(0, len(table), size):
                yield _piece(worker, kind, begin, table[begin : begin + size])
        spent = metrics._replace(cpu_seconds=metrics.cpu_seconds + time.process_time() - started)
        yield _piece(held.worker, _DONE, 0, np.array(spent, np.float64))

    return work


class _Held:
    """The rows and pairs of a worker in one stratum."""

    def __init__(self, of: Pass, settings: StrataTask, stratum: int) -> None:
        self._of, self._settings, self._stratum = of, settings, stratum
        self.worker: int | None = None
        self.words = self.contexts = np.empty((0, settings.dim), np.float32)
        self._filled = [0, 0]
        self._pairs: list[tuple[Ids, Ids]] = []
        self._metrics = Metrics(0, 0, 0)

    def take(
        self, worker: pa.Scalar, kind: pa.Scalar, number: pa.Scalar, values: pa.Scalar, others: pa.Scalar
    ) -> None:
        """Add a piece; all pieces have the same worker."""
        if self.worker is None:
            self.worker = worker.as_py()
            self.words, self.contexts = (
                np.empty((len(members), self._settings.dim), np.float32)
                for members in self._members(self.worker)
            )
        what = kind.as_py()
        if what == _PAIRS:
            words, contexts = (np.frombuffer(part.as_buffer(), np.int32) for part in (values, others))
            self._pairs.append((words, contexts))
        elif what == _DONE:
            self._metrics = Metrics(*np.frombuffer(values.as_buffer(), np.float64))
        else:
            rows = np.frombuffer(values.as_buffer(), np.float32).reshape(-1, self._settings.dim)
            begin = self._filled[what]
            (self.words, self.contexts)[what][begin : begin + len(rows)] = rows
            self._filled[what] += len(rows)

    def train(self) -> Metrics:
        """Train the bucket; the metrics of this worker in the round so far."""
        settings = self._settings
        assert self.worker is not None
        if self._filled != [len(self.words), len(self.contexts)]:
            raise _other_vocabulary(
                f"worker {self.worker} needs {len(self.words)} rows of {settings.words} and "
                f"{len(self.contexts)} of {settings.contexts}, got {self._filled[0]} and {self._filled[1]}"
            )
        layout = self._of.layout
        words = [words for words, _ in self._pairs] or [np.zeros(0, np.int32)]
        contexts = [contexts for _, contexts in self._pairs] or [np.zeros(0, np.int32)]
        bucket = draw_bucket(
            self._of,
            self.worker,
            self._stratum,
            layout.words.places()[np.concatenate(words)],
            layout.contexts.places()[np.concatenate(contexts)],
        )
        tables = {settings.words: self.words, settings.contexts: self.contexts}
        rates = bucket_rates(bucket, self._stratum, settings.strata, settings.pace)
        trained = train_bucket(tables, bucket, settings.kernel, rates, settings.threads)
        return Metrics(*map(sum, zip(self._metrics, trained, strict=True)))

    def _members(self, worker: int) -> tuple[Ids, Ids]:
        layout = self._of.layout
        other = context_region(worker, self._stratum, layout.n_regions)
        return layout.words.members(worker), layout.contexts.members(other)


def _to_blocks(of: Broadcast[Pass], settings: StrataTask) -> ArrowMap:
    """Pieces after the last stratum to parts of blocks: `worker` is the first row, `others` the ids."""
    size, after = block_rows(settings.dim), settings.strata.stop

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        layout = of.value.layout
        for batch in batches:
            for row in batch.to_pylist():
                worker, kind, values = row["worker"], row["kind"], row["values"]
                if kind == _DONE:
                    yield _piece(worker, kind, 0, np.frombuffer(values, np.float64))
                    continue
                rows = np.frombuffer(values, np.float32).reshape(-1, settings.dim)
                other = context_region(worker, after, layout.n_regions)
                members = layout.words.members(worker) if kind == _WORDS else layout.contexts.members(other)
                ids = members[row["number"] :][: len(rows)]
                first_rows = ids // size * size
                begins = np.flatnonzero(np.diff(first_rows, prepend=-1))
                for begin, end in zip(begins, [*begins[1:], len(ids)], strict=True):
                    yield _piece(int(first_rows[begin]), kind, worker, rows[begin:end], ids[begin:end])

    return work


def _assemble(settings: StrataTask) -> Callable[[tuple[pa.Scalar, ...], pa.Table], pa.Table]:
    """The parts of one block to BLOCKS."""
    names = {kind: name for name, kind in settings.kinds.items()}

    def work(key: tuple[pa.Scalar, ...], parts: pa.Table) -> pa.Table:
        kind, first_row = (part.as_py() for part in key)
        values = b"".join(parts["values"].to_pylist())
        if kind == _DONE:
            return pa.Table.from_batches(
                [block(METRICS, first_row, np.frombuffer(values, np.float64)[None])]
            )
        ids = np.frombuffer(b"".join(parts["others"].to_pylist()), np.int32)
        rows = np.frombuffer(values, np.float32).reshape(-1, settings.dim)
        return pa.Table.from_batches([block(names[kind], first_row, rows[np.argsort(ids)])])

    return work


def _piece(
    worker: int, kind: int, number: int, values: npt.NDArray[np.generic], others: Ids | None = None
) -> pa.RecordBatch:
    piece = {
        "worker": worker,
        "kind": kind,
        "number": number,
        "values": values.tobytes(),
        "others": b"" if others is None else others.tobytes(),
    }
    return pa.RecordBatch.from_pylist([piece], _ARROW_PIECES)
