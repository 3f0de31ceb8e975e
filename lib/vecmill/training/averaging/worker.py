"""One round of training: what a shard does with its rows, and how shards become one model."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import BinaryType, IntegerType, StringType, StructField, StructType

from vecmill.core import keyed_random
from vecmill.core.blocks import block_rows, blocks
from vecmill.core.kernels import Floats, Kernel, Tables, sgns_numpy
from vecmill.core.merging import MERGES
from vecmill.core.rows import Rows, regroup
from vecmill.core.schedule import learning_rates
from vecmill.examples.pairs import rows_from_arrow
from vecmill.storage.arrow import ArrowMap, side_by_side
from vecmill.storage.schemas import BLOCKS, METRICS

# Rows handed to the kernel at once; a multiple of every kernel's step, so that what is trained does
# not depend on how rows came.
BATCH_ROWS = 1 << 14


class Metrics(NamedTuple):
    """What one shard did in one round; also the sum over shards."""

    rows: float
    pairs: float
    loss: float
    cpu_seconds: float


class Round(NamedTuple):
    """What a task must know to train its shard of one round.

    kernel         applied to the shard's own copy of the tables, in place
    threads        so many batches are trained at once, and share that copy without locks
                   (Recht et al. 2011, "Hogwild", arXiv:1106.5730)
    merge          a name of core.merging.MERGES
    expected_rows  about how many rows each shard holds, by shard: the pace of its learning rate
    begin, end     the share of the whole training done before and after this round
    """

    kernel: Kernel
    threads: int
    merge: str
    expected_rows: Mapping[int, float]
    begin: float
    end: float
    learning_rate: float
    min_learning_rate: float


TaskRows = Callable[[Iterator[pa.RecordBatch]], Iterator[tuple[int, Rows]]]


class Model(Protocol):
    """The tables that a round begins with, as a task finds them: a broadcast, or what reads them."""

    @property
    def value(self) -> Tables:
        """Every table by its name, (V, D) float32."""


class Initial(NamedTuple):
    """The two tables of SGNS before any training, from the seed alone; V words, D dimensions."""

    vocabulary_size: int
    dim: int
    seed: int

    @property
    def value(self) -> dict[str, Floats]:
        """W and C, (V, D) float32, made anew."""
        rng = keyed_random.generator(self.seed, keyed_random.Purpose.INITIALISE)
        words, contexts = sgns_numpy.initialise(self.vocabulary_size, self.dim, rng)
        return {"W": words, "C": contexts}


def train_round(partitions: DataFrame, rows_of: TaskRows, model: Model, settings: Round) -> DataFrame:
    """One partition a shard -> BLOCKS: the parameters after the round, and one METRICS row a shard.

    Each task copies the model, trains it on its rows, and hands back what it changed by blocks of
    rows; Spark brings the same block of all shards together and merges it. A shard alone has nothing
    to be merged with, and hands back what it has become. `rows_of` turns a partition's Arrow batches
    into (shard, rows). A worker holds the model twice, and a few batches.
    """
    if len(settings.expected_rows) == 1:
        return partitions.mapInArrow(training_alone(rows_of, model, settings), BLOCKS)
    return (
        partitions.mapInArrow(training(rows_of, model, settings), _CHANGES)
        .groupBy("table", "block")
        .applyInArrow(lambda _, changes: merged(changes, model.value, settings.merge), BLOCKS)
    )


_CHANGES = StructType(
    [
        StructField("table", StringType(), False),
        StructField("block", IntegerType(), False),
        StructField("shard", IntegerType(), False),
        StructField("rows", IntegerType(), False),
        StructField("values", BinaryType(), False),
    ]
)


_ARROW_CHANGES = pa.schema(
    [
        ("table", pa.string()),
        ("block", pa.int32()),
        ("shard", pa.int32()),
        ("rows", pa.int32()),
        ("values", pa.binary()),
    ]
)


# The columns of PAIRS that are trained on.
TRAINED_ON = ("shard", "c", "w", "negatives")


def rows_with_shard(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, Rows]]:
    """Batches of TRAINED_ON, all of one shard, as that shard's number and its rows."""
    for batch in batches:
        if batch.num_rows:
            yield batch.column("shard")[0].as_py(), rows_from_arrow(batch)


def training_alone(rows_of: TaskRows, model: Model, settings: Round) -> ArrowMap:
    """What the task of the only shard does: a partition to BLOCKS, what the model has become."""

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for block in _trained(batches, rows_of, model, settings, lambda old, new: new):
            yield block.drop_columns(["shard"])

    return work


def training(rows_of: TaskRows, model: Model, settings: Round) -> ArrowMap:
    """What the task of one shard of several does: a partition to what it changed, block by block.

    A batch a block, equally many from each shard and in one order, the last of them its METRICS; none
    from a partition without rows.
    """

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _trained(batches, rows_of, model, settings, lambda old, new: new - old)

    return work


def _trained(
    batches: Iterator[pa.RecordBatch],
    rows_of: TaskRows,
    model: Model,
    settings: Round,
    told: Callable[[Floats, Floats], Floats],
) -> Iterator[pa.RecordBatch]:
    """One shard's task: what `told` makes of every block before and after, and its METRICS."""
    started = time.process_time()
    base = model.value
    tables = {name: values.copy() for name, values in base.items()}
    shard, metrics = train_rows(tables, rows_of(batches), settings)
    if shard is None:
        return
    for name, values in tables.items():
        for number, part in blocks(values):
            block = told(base[name][part], values[part])
            yield _changes(name, number, shard, len(block), block)
    spent = metrics._replace(cpu_seconds=time.process_time() - started)
    yield _changes(METRICS, shard, shard, 1, np.array(spent, np.float64))


def train_rows(
    tables: Tables, rows: Iterator[tuple[int, Rows]], settings: Round
) -> tuple[int | None, Metrics]:
    """Train `tables` in place on one shard's rows; the shard's number, None where it has no rows.

    The same rows give the same bytes where `settings.threads` is 1, in whatever batches they come.
    """
    first = next(rows, None)
    if first is None:
        return None, Metrics(0, 0, 0, 0)
    shard = first[0]
    only_rows = itertools.chain([first[1]], (batch for _, batch in rows))
    expected = max(settings.expected_rows[shard], 1.0)
    done = Metrics(0, 0, 0, 0)

    def train(numbered: tuple[int, Rows]) -> Metrics:
        number, batch = numbered
        count = len(batch.centers)
        within = np.minimum((number * BATCH_ROWS + np.arange(count)) / expected, 1.0)
        progress = settings.begin + (settings.end - settings.begin) * within
        rates = learning_rates(progress, settings.learning_rate, settings.min_learning_rate)
        pairs = int(batch.offsets[-1] - batch.offsets[0])
        return Metrics(count, pairs, settings.kernel(tables, batch, rates), 0)

    for of_batch in side_by_side(train, enumerate(regroup(only_rows, BATCH_ROWS)), settings.threads):
        done = Metrics(*map(sum, zip(done, of_batch, strict=True)))
    return shard, done


def _changes(
    table: str, block: int, shard: int, rows: int, values: npt.NDArray[np.generic]
) -> pa.RecordBatch:
    change = {"table": table, "block": block, "shard": shard, "rows": rows}
    return pa.RecordBatch.from_pylist([{**change, "values": values.tobytes()}], _ARROW_CHANGES)


def merging(model: Model, merge: str) -> Callable[[Iterator[pa.Table]], Iterator[pa.Table]]:
    """`merged` of each block in turn, for a task that has many."""

    def work(changes: Iterator[pa.Table]) -> Iterator[pa.Table]:
        base = model.value
        return (merged(of_block, base, merge) for of_block in changes)

    return work


def merged(changes: pa.Table, base: Tables, merge: str) -> pa.Table:
    """Rows of BLOCKS: `base` with what all shards changed of a block, or the METRICS of shards as they are.

    `changes` has a row of that block from every shard.
    """
    # Shards come in any order, and floating-point sums depend on it.
    changes = changes.sort_by("shard")
    name, number = changes["table"][0].as_py(), changes["block"][0].as_py()
    if name == METRICS:
        return changes.drop_columns(["shard"])
    begin = number * block_rows(base[name].shape[1])
    old = base[name][begin : begin + changes["rows"][0].as_py()]
    buffers = (value.as_buffer() for value in changes["values"])
    new = old + MERGES[merge]([np.frombuffer(b, np.float32).reshape(old.shape) for b in buffers])
    of_all = changes.slice(0, 1).drop_columns(["shard", "values"])
    return of_all.append_column("values", pa.array([new.tobytes()], pa.binary()))
