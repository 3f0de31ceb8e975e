"""Every shard trains a copy of the whole model; what they changed is merged at the end of each round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame

from vecmill.core import kernels, keyed_random, sgns
from vecmill.core.kernels import Tables
from vecmill.core.rows import Rows
from vecmill.io import checkpoints, shard_files
from vecmill.io.checkpoints import MetricsTable
from vecmill.io.files import Folder
from vecmill.io.schemas import PAIRS, PAIRS_BY
from vecmill.run import Run, pair_settings, read_sampling_tables, vocabulary_columns
from vecmill.session import ONE_FILE_ONE_TASK, using
from vecmill.stages import pairs, train
from vecmill.training import rounds
from vecmill.training.rounds import Part, Span

# Where a round's rows come from: the partitions to read, and how their batches become rows.
Source = Callable[[Part], tuple[DataFrame, train.TaskRows]]


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
                result = train.train_round(*self._source(part), broadcast, task)
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
    if run.config.pairs.materialize:
        return lambda part: _written(run.folder, part)
    settings = pair_settings(run.config)
    sampling_tables = run.spark.sparkContext.broadcast(read_sampling_tables(run.folder))

    def drawn(part: Part) -> tuple[DataFrame, train.TaskRows]:
        texts, read = run.texts([part.slice_], part.shards)
        epoch = part.epoch

        def rows_of(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, Rows]]:
            tasks = pairs.draw_task(read(batches), sampling_tables.value, settings, epoch=epoch)
            return ((task.shard, rows) for task, rows in tasks)

        return texts, rows_of

    return drawn


def _written(folder: Folder, part: Part) -> tuple[DataFrame, train.TaskRows]:
    only = {"epoch": [part.epoch], "slice": [part.slice_], "shard": part.shards}
    rows, read = shard_files.read(folder, "pairs", PAIRS, PAIRS_BY, train.TRAINED_ON, only)
    # Not a function of this module, which executors could not import: it needs the configuration.
    return rows, lambda batches: train.rows_with_shard(read(batches))
