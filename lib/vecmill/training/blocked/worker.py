"""Blocked training: strata of buckets whose workers share no row, so that nothing need be averaged.

In stratum t the worker of region i of W holds that region and region i + t of C, and trains the bucket of
the two. Then each region of C goes on to the worker before it, by a shuffle, and the next stratum begins.
A worker holds two regions and one bucket; nobody holds the model.
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

from vecmill.core import keyed_random
from vecmill.core.blocks import block_rows
from vecmill.core.buckets import TILE_NOISE, Bucket, with_noise
from vecmill.core.kernels import BucketKernel, sgns_numpy
from vecmill.core.regions import context_region
from vecmill.core.rows import Ids
from vecmill.core.schedule import learning_rates
from vecmill.errors import ShapeError
from vecmill.examples.buckets import Expected, Layout
from vecmill.storage.arrow import ArrowMap
from vecmill.storage.schemas import BLOCKS, METRICS
from vecmill.training.averaging.worker import Metrics

# What a piece holds; a worker needs them in this order.
_WORDS, _CONTEXTS, _DONE, _PAIRS = range(4)
_TABLES = {"W": _WORDS, "C": _CONTEXTS, METRICS: _DONE}
_NAMES = {kind: name for name, kind in _TABLES.items()}

# What workers send each other. Rows of a region in the order of their ids, those of lower `number`
# first; what a worker has done so far; or the pairs it has to train.
_PIECES = StructType(
    [
        StructField("worker", IntegerType(), False),
        StructField("kind", IntegerType(), False),
        StructField("number", LongType(), False),
        StructField("values", BinaryType(), False),
        StructField("others", BinaryType(), False),
    ]
)
_ARROW_PIECES = pa.schema(
    [
        ("worker", pa.int32()),
        ("kind", pa.int32()),
        ("number", pa.int64()),
        ("values", pa.binary()),
        ("others", pa.binary()),
    ]
)


class Pass(NamedTuple):
    """What every task of a pass over the text looks up; some 24 bytes a word, sent to every worker."""

    layout: Layout
    expected: Expected


class Strata(NamedTuple):
    """Which strata of a pass a round has, and how they are trained.

    dim         of the vectors
    negatives   noise words for each pair
    pairs       of the whole pass
    strata      those of this round, one after another
    begin, end  the share of the whole training done before and after this round
    """

    kernel: BucketKernel
    dim: int
    negatives: int
    seed: int
    epoch: int
    slice_: int
    pairs: int
    strata: range
    begin: float
    end: float
    learning_rate: float
    min_learning_rate: float


def initial_blocks(spark: SparkSession, vocabulary: int, dim: int, seed: int) -> DataFrame:
    """BLOCKS before any training: W uniform in [-0.5, 0.5) / dim, C zeros, as `core.sgns` has them."""
    size = block_rows(dim)
    numbers = spark.range(-(-vocabulary // size)).select(F.col("id").cast("int").alias("block"))

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for block in batch.column("block").to_pylist():
                rows = min(size, vocabulary - block * size)
                rng = keyed_random.generator(seed, keyed_random.Purpose.INITIALISE, shard=block + 1)
                for name, values in zip("WC", sgns_numpy.initialise(rows, dim, rng), strict=True):
                    yield _block(name, block, values)

    return numbers.mapInArrow(work, BLOCKS)


def train_strata(
    blocks: DataFrame, buckets: Callable[[int], DataFrame], of: Broadcast[Pass], settings: Strata
) -> DataFrame:
    """BLOCKS -> BLOCKS: the parameters after some strata of a pass, and one METRICS row a worker.

    `buckets` gives the rows of BUCKETS of one stratum. All strata are one job of Spark with a shuffle
    between them; a task that is lost is computed again from the shuffle before it, to the same bytes.
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
        .applyInArrow(_assemble(settings.dim), BLOCKS)
    )


def rows_of(blocks: DataFrame, ids: Broadcast[Ids], dim: int) -> DataFrame:
    """BLOCKS -> BLOCKS of the rows `ids` (rising) alone, and METRICS."""
    size = block_rows(dim)

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                name, block, rows = row["table"], row["block"], row["rows"]
                if name == METRICS:
                    yield _block(name, block, np.frombuffer(row["values"], np.float64)[None])
                    continue
                begin, end = np.searchsorted(ids.value, (block * size, block * size + rows))
                if begin < end:
                    values = np.frombuffer(row["values"], np.float32).reshape(rows, dim)
                    yield _block(name, block, values[ids.value[begin:end] - block * size])

    return blocks.mapInArrow(work, BLOCKS)


def _to_workers(of: Broadcast[Pass], settings: Strata) -> ArrowMap:
    """Blocks to the pieces of the first stratum."""
    size, first = block_rows(settings.dim), settings.strata.start

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        layout = of.value.layout
        vocabulary = len(layout.words.order)
        for batch in batches:
            for row in batch.to_pylist():
                kind, first_row, rows = _TABLES[row["table"]], row["block"] * size, row["rows"]
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
                        yield _piece(worker, kind, row["block"], own)

    return work


def _other_vocabulary(how: str) -> ShapeError:
    return ShapeError(f"the checkpoint is of another vocabulary: {how}")


def _worker_of(region: int, stratum: int, layout: Layout) -> int:
    """Who trains a region of C in a stratum."""
    return (region - stratum) % layout.n_regions


def _train_bucket(of: Broadcast[Pass], settings: Strata, stratum: int) -> ArrowMap:
    """One worker's stratum: its pieces, in the order of their kinds, to those of the next stratum."""

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        started = time.process_time()
        held = _Held(of.value, settings, stratum)
        for batch in batches:
            for row in zip(*batch.columns, strict=True):
                held.take(*row)
        if held.worker is None:
            return
        metrics = held.train()
        for kind, table in ((_WORDS, held.W), (_CONTEXTS, held.C)):
            # The region of C is the next worker's.
            worker = held.worker if kind == _WORDS else (held.worker - 1) % of.value.layout.n_regions
            size = block_rows(settings.dim)
            for number, begin in enumerate(range(0, len(table), size)):
                yield _piece(worker, kind, number, table[begin : begin + size])
        spent = metrics._replace(cpu_seconds=metrics.cpu_seconds + time.process_time() - started)
        yield _piece(held.worker, _DONE, 0, np.array(spent, np.float64))

    return work


class _Held:
    """What a worker holds in one stratum."""

    def __init__(self, of: Pass, settings: Strata, stratum: int) -> None:
        self._of, self._settings, self._stratum = of, settings, stratum
        self.worker: int | None = None
        self.W = self.C = np.empty((0, settings.dim), np.float32)
        self._filled = [0, 0]
        self._pairs: list[tuple[Ids, Ids]] = []
        self._metrics = Metrics(0, 0, 0, 0)

    def take(
        self, worker: pa.Scalar, kind: pa.Scalar, number: pa.Scalar, values: pa.Scalar, others: pa.Scalar
    ) -> None:
        """One piece; all are of one worker."""
        if self.worker is None:
            self.worker = worker.as_py()
            self._words, self._contexts = self._members(self.worker)
            self.W = np.empty((len(self._words), self._settings.dim), np.float32)
            self.C = np.empty((len(self._contexts), self._settings.dim), np.float32)
        what = kind.as_py()
        if what == _PAIRS:
            words, contexts = (np.frombuffer(part.as_buffer(), np.int32) for part in (values, others))
            self._pairs.append((words, contexts))
        elif what == _DONE:
            self._metrics = Metrics(*np.frombuffer(values.as_buffer(), np.float64))
        else:
            rows = np.frombuffer(values.as_buffer(), np.float32).reshape(-1, self._settings.dim)
            begin = self._filled[what]
            (self.W, self.C)[what][begin : begin + len(rows)] = rows
            self._filled[what] += len(rows)

    def train(self) -> Metrics:
        """Train the bucket; what this worker has done in the round so far."""
        settings = self._settings
        if self._filled != [len(self.W), len(self.C)]:
            raise _other_vocabulary(
                f"worker {self.worker} needs {len(self.W)} rows of W and {len(self.C)} of C, got "
                f"{self._filled[0]} and {self._filled[1]}"
            )
        bucket = self._bucket()
        steps = len(bucket.noise)
        strata = self._stratum - settings.strata.start + np.arange(steps) / max(steps, 1)
        within = strata / len(settings.strata)
        progress = settings.begin + (settings.end - settings.begin) * within
        rates = learning_rates(progress, settings.learning_rate, settings.min_learning_rate)
        loss = settings.kernel({"W": self.W, "C": self.C}, bucket, rates) if steps else 0.0
        before, pairs = self._metrics, len(bucket.words)
        return Metrics(before.rows + pairs, before.pairs + pairs, before.loss + loss, before.cpu_seconds)

    def _members(self, worker: int) -> tuple[Ids, Ids]:
        layout = self._of.layout
        other = context_region(worker, self._stratum, layout.n_regions)
        return layout.words.members(worker), layout.contexts.members(other)

    def _bucket(self) -> Bucket:
        """The pairs, by their places in W and C, and the noise that is due here."""
        settings, expected = self._settings, self._of.expected
        assert self.worker is not None
        n_regions = self._of.layout.n_regions
        number = self.worker * n_regions + context_region(self.worker, self._stratum, n_regions)
        noise = expected.noise[self._contexts]
        due = settings.negatives * settings.pairs * expected.pairs[self._words] * noise.sum()
        words = [words for words, _ in self._pairs] or [np.zeros(0, np.int32)]
        contexts = [contexts for _, contexts in self._pairs] or [np.zeros(0, np.int32)]
        return with_noise(
            _places(np.concatenate(words), self._words, len(expected.pairs)),
            _places(np.concatenate(contexts), self._contexts, len(expected.pairs)),
            expected=due / TILE_NOISE,
            noise=noise,
            rng=keyed_random.generator(
                settings.seed,
                keyed_random.Purpose.NOISE,
                epoch=settings.epoch,
                slice_=settings.slice_,
                shard=number,
            ),
        )


def _places(ids: Ids, members: Ids, vocabulary: int) -> Ids:
    """Where each id stands among the members of its region."""
    place = np.empty(vocabulary, np.int32)
    place[members] = np.arange(len(members), dtype=np.int32)
    return place[ids]


def _to_blocks(of: Broadcast[Pass], settings: Strata) -> ArrowMap:
    """Pieces after the last stratum to parts of blocks: the block as `worker`, the ids as `others`."""
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
                ids = members[row["number"] * size :][: len(rows)]
                blocks = ids // size
                begins = np.flatnonzero(np.diff(blocks, prepend=-1))
                for begin, end in zip(begins, [*begins[1:], len(ids)], strict=True):
                    yield _piece(int(blocks[begin]), kind, worker, rows[begin:end], ids[begin:end])

    return work


def _assemble(dim: int) -> Callable[[tuple[pa.Scalar, ...], pa.Table], pa.Table]:
    """The parts of one block to the block."""

    def work(key: tuple[pa.Scalar, ...], parts: pa.Table) -> pa.Table:
        kind, block = (part.as_py() for part in key)
        values = b"".join(parts["values"].to_pylist())
        if kind == _DONE:
            return pa.Table.from_batches([_block(METRICS, block, np.frombuffer(values, np.float64)[None])])
        ids = np.frombuffer(b"".join(parts["others"].to_pylist()), np.int32)
        rows = np.frombuffer(values, np.float32).reshape(-1, dim)
        return pa.Table.from_batches([_block(_NAMES[kind], block, rows[np.argsort(ids)])])

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


def _block(name: str, block: int, values: npt.NDArray[np.generic]) -> pa.RecordBatch:
    row = {"table": name, "block": block, "rows": len(values), "values": values.tobytes()}
    return pa.RecordBatch.from_pylist([row], _ARROW_BLOCKS)


_ARROW_BLOCKS = pa.schema(
    [("table", pa.string()), ("block", pa.int32()), ("rows", pa.int32()), ("values", pa.binary())]
)
