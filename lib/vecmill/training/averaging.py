"""Every shard trains a copy of the whole model; what they changed is merged at the end of each round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from vecmill.core import kernels, keyed_random, sgns
from vecmill.core.kernels import Tables
from vecmill.core.rows import Rows
from vecmill.io import checkpoints, shard_files
from vecmill.io.checkpoints import MetricsTable
from vecmill.io.files import local_path
from vecmill.io.schemas import PAIRS, TEXTS
from vecmill.run import Run, pair_settings, read_sampling_tables, vocabulary_columns
from vecmill.session import ONE_FILE_ONE_TASK, using
from vecmill.stages import pairs, train
from vecmill.training import rounds
from vecmill.training.rounds import Part, Span


class Source(NamedTuple):
    """Where a round's rows come from: the partitions to read, and how their batches become rows."""

    partitions: Callable[[Part], DataFrame]
    rows_of: Callable[[Part], train.TaskRows]


class Averaging:
    """A round is a slice: the model by broadcast to every shard, and every shard's changes merged.

    The driver holds the model twice (as an array and as the pickle that is broadcast) and the held-out
    rows.
    """

    def __init__(self, run: Run, held_out: Rows | None) -> None:
        self._run, self._held_out = run, held_out
        self._source = _source(run)
        settings = run.config.train
        columns = vocabulary_columns(run.folder, "count", "keep_probability")
        count, keep = columns["count"].to_numpy(), columns["keep_probability"].to_numpy()
        # The share of tokens that subsampling keeps, by which a shard's words foretell its rows.
        self._keep_ratio = float(count @ keep / count.sum())
        self._vocabulary = len(count)
        self._kernel = kernels.kernel(kernels.choose(settings.kernel).name)
        self._model: Tables = {}
        self.parts: Sequence[Part] = rounds.parts(run.words_of, settings.epochs, settings.warm_up)

    def resume(self, number: int) -> None:
        """Go on from the checkpoint of round `number`, or from fresh tables where it is 0."""
        settings = self._run.config.train
        if number:
            self._model = checkpoints.read(self._run.folder, number).parameters
        else:
            self._model = initial_tables(self._vocabulary, settings.dim, settings.seed)

    def train(self, number: int, part: Part, span: Span) -> MetricsTable:
        """Train every shard of a slice, merge what they changed, and publish the model."""
        spark, folder, settings = self._run.spark, self._run.folder, self._run.config.train
        task = train.Round(
            kernel=self._kernel,
            threads=settings.threads,
            merge=settings.merge,
            expected_rows={shard: words * self._keep_ratio for shard, words in part.shards.items()},
            begin=span.begin,
            end=span.end,
            learning_rate=settings.learning_rate,
            min_learning_rate=settings.min_learning_rate,
        )
        broadcast: Broadcast[Tables] = spark.sparkContext.broadcast(self._model)
        try:
            with using(spark, ONE_FILE_ONE_TASK):
                source = self._source
                result = train.train_round(source.partitions(part), source.rows_of(part), broadcast, task)
                checkpoints.write(result, folder, number)
        finally:
            broadcast.destroy()
        checkpoint = checkpoints.read(folder, number)
        self._model = checkpoint.parameters
        return checkpoint.metrics

    def held_out_loss(self) -> float | None:
        """Nats a pair of the held-out texts after the last round; None where there are none."""
        rows = self._held_out
        if rows is None:
            return None
        loss = sgns.loss(self._model["W"], self._model["C"], rows)
        return loss / int(rows.offsets[-1] - rows.offsets[0])

    def bytes_moved(self, part: Part) -> int:
        """The model out to every shard, and every shard's change back."""
        return 2 * len(part.shards) * sum(table.nbytes for table in self._model.values())


def initial_tables(vocabulary_size: int, dim: int, seed: int) -> dict[str, npt.NDArray[np.float32]]:
    """The two tables of SGNS before any training, from the seed alone."""
    rng = keyed_random.generator(seed, keyed_random.Purpose.INITIALISE)
    words, contexts = sgns.initialise(vocabulary_size, dim, rng)
    return {"W": words, "C": contexts}


def _source(run: Run) -> Source:
    """Rows from the pairs table, or the same rows drawn from the texts where it is not written."""
    spark, folder = run.spark, run.folder
    settings = pair_settings(run.config)
    if not run.config.pairs.materialize:
        sampling_tables = spark.sparkContext.broadcast(read_sampling_tables(folder))

        def drawn(part: Part) -> train.TaskRows:
            def rows_of(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, Rows]]:
                tasks = pairs.draw_task(batches, sampling_tables.value, settings, epoch=part.epoch)
                return ((task.shard, rows) for task, rows in tasks)

            return rows_of

        texts = run.table("texts", TEXTS)
        return Source(lambda part: _of_shards(texts.where(F.col("slice") == part.slice_), part), drawn)

    local = local_path(folder.qualified("pairs"))
    if local is not None:
        # Not a function of this module, which executors could not import: it needs the configuration.
        def in_files(part: Part) -> train.TaskRows:
            files, shards = shard_files.of_shards(local, part.epoch, part.slice_), sorted(part.shards)

            def rows_of(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, Rows]]:
                for batch in batches:
                    for number in batch.column("id").to_pylist():
                        for file in files.get(shards[number], []):
                            for rows in shard_files.read_file(file):
                                yield shards[number], pairs.rows_from_arrow(rows)

            return rows_of

        # A partition a number: Spark reads nothing, and has nothing to bring into order.
        def numbered(part: Part) -> DataFrame:
            return spark.range(0, len(part.shards), numPartitions=len(part.shards))

        return Source(numbered, in_files)

    def partitions(part: Part) -> DataFrame:
        path = f"pairs/epoch={part.epoch}/slice={part.slice_}"
        schema = StructType([field for field in PAIRS if field.name not in ("epoch", "slice")])
        if not folder.exists(path):
            return spark.createDataFrame([], schema)
        return _of_shards(spark.read.schema(schema).parquet(folder.path(path)), part)

    return Source(partitions, lambda part: train.rows_with_shard)


def _of_shards(slice_: DataFrame, part: Part) -> DataFrame:
    """The rows of a slice that are of the part's shards: of all, or of a single one."""
    if len(part.shards) > 1:
        return slice_
    return slice_.where(F.col("shard") == next(iter(part.shards)))
