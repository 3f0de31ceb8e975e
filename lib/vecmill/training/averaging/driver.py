"""Every shard trains a copy of the whole model; what they changed is merged at the end of each round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame

from vecmill.core import kernels
from vecmill.core.kernels import sgns_numpy
from vecmill.core.rows import Rows
from vecmill.errors import InputError
from vecmill.examples import pairs
from vecmill.runs.run import Run, pair_settings, read_sampling_tables, vocabulary_columns
from vecmill.spark.session import ONE_FILE_ONE_TASK, using
from vecmill.storage import checkpoints, shard_files
from vecmill.storage.checkpoints import MetricsTable
from vecmill.storage.files import Folder
from vecmill.storage.schemas import PAIRS, PAIRS_BY
from vecmill.training import rounds
from vecmill.training.averaging import movers, worker
from vecmill.training.rounds import Part, Span

# Where a round's rows come from: the partitions to read, and how their batches become rows.
Source = Callable[[Part], tuple[DataFrame, worker.TaskRows]]


class Averaging:
    """A round is a slice: the model goes to every shard, and every shard's changes are merged.

    The driver holds the held-out rows, and of the model what its mover says and what a loss of them needs.
    """

    def __init__(self, run: Run, held_out: Rows | None) -> None:
        self._run, self._held_out = run, held_out
        self._source = _source(run)
        settings = run.config.train
        columns = vocabulary_columns(run.folder, "count", "keep_probability")
        count, keep = columns["count"].to_numpy(), columns["keep_probability"].to_numpy()
        # The share of tokens that subsampling keeps, by which a shard's words foretell its rows.
        self._keep_ratio = float(count @ keep / count.sum())
        self._kernel = kernels.kernel(kernels.choose(settings.kernel).name)
        self._mover = movers.mover(run.folder, worker.Initial(len(count), settings.dim, settings.seed))
        self._model_bytes = 2 * 4 * len(count) * settings.dim
        self._round = 0
        self.parts: Sequence[Part] = rounds.parts(run.words_of, settings.epochs, settings.warm_up)

    def resume(self, number: int) -> None:
        """Go on from the checkpoint of round `number`, or from fresh tables where it is 0.

        Raises InputError where that checkpoint is not what it should be, or holds nothing.
        """
        if number and not len(self._mover.metrics(number)):
            where = self._run.folder.path(checkpoints.name(number))
            raise InputError(
                f"{where} holds no parameters to go on from; remove it, and training begins anew"
            )
        self._round = number

    def train(self, number: int, part: Part, span: Span) -> MetricsTable:
        """Train every shard of a slice, merge what they changed, and publish the model."""
        settings = self._run.config.train
        task = worker.Round(
            kernel=self._kernel,
            threads=settings.threads,
            merge=settings.merge,
            expected_rows={shard: words * self._keep_ratio for shard, words in part.shards.items()},
            begin=span.begin,
            end=span.end,
            learning_rate=settings.learning_rate,
            min_learning_rate=settings.min_learning_rate,
        )
        with using(self._run.spark, ONE_FILE_ONE_TASK):
            self._mover.train(*self._source(part), task, number)
        self._round = number
        return self._mover.metrics(number)

    def held_out_loss(self) -> float | None:
        """Nats a pair of the held-out texts after the last round; None where there are none."""
        rows = self._held_out
        if rows is None:
            return None
        model = self._mover.model(self._round)
        return sgns_numpy.loss(model["W"], model["C"], rows) / int(rows.offsets[-1] - rows.offsets[0])

    def bytes_moved(self, part: Part) -> int:
        """The model out to every shard, and every shard's change back."""
        return 2 * len(part.shards) * self._model_bytes


def _source(run: Run) -> Source:
    """Rows from the pairs table, or the same rows drawn from the texts where it is not written."""
    if run.config.pairs.materialize:
        return lambda part: _written(run.folder, part)
    settings = pair_settings(run.config)
    sampling_tables = run.spark.sparkContext.broadcast(read_sampling_tables(run.folder))

    def drawn(part: Part) -> tuple[DataFrame, worker.TaskRows]:
        texts, read = run.texts([part.slice_], part.shards)
        epoch = part.epoch

        def rows_of(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, Rows]]:
            tasks = pairs.draw_task(read(batches), sampling_tables.value, settings, epoch=epoch)
            return ((task.shard, rows) for task, rows in tasks)

        return texts, rows_of

    return drawn


def _written(folder: Folder, part: Part) -> tuple[DataFrame, worker.TaskRows]:
    only = {"epoch": [part.epoch], "slice": [part.slice_], "shard": part.shards}
    rows, read = shard_files.read(folder, "pairs", PAIRS, PAIRS_BY, worker.TRAINED_ON, only)
    # Not a function of this module, which executors could not import: it needs the configuration.
    return rows, lambda batches: worker.rows_with_shard(read(batches))
