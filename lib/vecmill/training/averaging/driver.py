"""Averaging: every shard trains a copy of the whole model, and the changes are merged after each round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from vecmill.core.arrays import Doubles, Ids, Places
from vecmill.core.rows import Rows
from vecmill.core.schedule import Pace
from vecmill.examples.pairs import TRAINED_ON, draw_task, rows_with_shard
from vecmill.models import Table
from vecmill.runs.run import Run, pair_settings, read_sampling_tables, vocabulary_columns
from vecmill.spark.session import ONE_FILE_ONE_TASK, using
from vecmill.storage.schemas import PAIRS, PAIRS_BY
from vecmill.storage.store import Store
from vecmill.storage.task_table import TaskTable
from vecmill.training import rounds
from vecmill.training.averaging.parameters import parameters_of
from vecmill.training.averaging.worker import RowsOfTask, ShardTask, StartTables
from vecmill.training.held_out import NOTHING, HeldOut
from vecmill.training.rounds import RoundWork

# From the work of a round to its shards, and to the function that converts their batches to rows.
Source = Callable[[RoundWork], tuple[TaskTable, RowsOfTask]]


class Averaging:
    """A round is a slice: every shard gets the model, and the changes of all shards are merged.

    The driver holds the held-out rows and the rows of the model that they name. If only Spark can read the
    files of the run, it holds the whole model.
    """

    def __init__(self, run: Run, held_out: HeldOut | None) -> None:
        self._run, self._held_out = run, held_out
        self._source = _source(run)
        settings = run.config.train
        columns = vocabulary_columns(run.store, "count", "keep_probability")
        count, keep = columns["count"].to_numpy(), columns["keep_probability"].to_numpy()
        self._rows_per_word = rows_per_word(count, keep)
        self._model = run.model
        self._kernel = self._model.kernels[run.config.kernel.library]
        tables = self._model.tables(run.size_of_model())
        self._merges = merges_of(tables, settings.merge)
        self._model_bytes = sum(table.nbytes for table in tables)
        self._parameters = parameters_of(run.store, StartTables(tables, settings.seed))
        self._after = NOTHING
        self.schedule: Sequence[RoundWork] = rounds.rounds_of_slices(
            run.words_of, settings.epochs, settings.warm_up
        )

    def resume(self, number: int) -> None:
        """Start from the checkpoint of round `number`, or from fresh tables if it is 0.

        The next round reads it: nothing is kept here.
        """

    def train(self, number: int, work: RoundWork, pace: Pace) -> Doubles:
        """Train the shards of a round, merge their changes, and publish the model."""
        task = ShardTask(
            kernel=self._kernel,
            threads=self._run.config.train.threads,
            merges=self._merges,
            expected_rows={shard: words * self._rows_per_word for shard, words in work.shards.items()},
            pace=pace,
        )
        # The driver does not hold the rows of two rounds at once.
        self._after = NOTHING
        with using(self._run.spark, ONE_FILE_ONE_TASK):
            self._parameters.train(*self._source(work), task, number)
        self._after = self._parameters.rows_after(number, self._held_out_ids)
        return self._after.metrics

    def held_out_loss(self) -> float | None:
        """Nats per pair of the held-out texts after the last round; None if there are none."""
        if self._held_out is None:
            return None
        return self._held_out.loss(self._model, self._after.parameters)

    def bytes_moved(self, work: RoundWork) -> int:
        """Bytes of parameters that a round sends to workers and back."""
        return bytes_moved(work, self._model_bytes)

    @property
    def _held_out_ids(self) -> Ids:
        return np.zeros(0, np.int32) if self._held_out is None else self._held_out.ids


def rows_per_word(counts: Places, keep: Doubles) -> float:
    """About how many rows a shard has per word: the share of tokens that subsampling keeps.

    `counts` and `keep` (V,) are columns of the vocabulary.
    """
    return float(counts @ keep / counts.sum())


def merges_of(tables: Iterable[Table], configured: str) -> dict[str, str]:
    """By table: its own merge, or the configured one."""
    return {table.name: table.merge or configured for table in tables}


def bytes_moved(work: RoundWork, model_bytes: int) -> int:
    """Bytes of parameters in a round: the model to every shard, and every shard's changes back."""
    return 2 * len(work.shards) * model_bytes


def _source(run: Run) -> Source:
    """Rows from pairs/, or the same rows drawn from texts/ if pairs/ is not written."""
    if run.config.pairs.materialize:
        return lambda work: _read_pairs(run.store, work)
    settings = pair_settings(run.config)
    sampling_tables = run.spark.sparkContext.broadcast(read_sampling_tables(run.store))

    def draw_pairs(work: RoundWork) -> tuple[TaskTable, RowsOfTask]:
        epoch = work.epoch

        def rows_of(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, Rows]]:
            drawn = draw_task(batches, sampling_tables.value, settings, epoch=epoch)
            return ((task.shard, rows) for task, rows in drawn)

        return run.texts([work.slice_], work.shards), rows_of

    return draw_pairs


def _read_pairs(store: Store, work: RoundWork) -> tuple[TaskTable, RowsOfTask]:
    only = {"epoch": [work.epoch], "slice": [work.slice_], "shard": work.shards}
    return store.read_parts("pairs", PAIRS, PAIRS_BY, TRAINED_ON, only), rows_with_shard
