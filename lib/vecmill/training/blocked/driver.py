"""Blocked training: every worker trains regions that no other worker trains, so nothing is merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from vecmill.core import passes
from vecmill.core.arrays import Doubles
from vecmill.core.passes import Expected, Pass
from vecmill.core.schedule import Pace
from vecmill.errors import InputError
from vecmill.models import Model, Size, Table
from vecmill.runs.run import Run, vocabulary_columns
from vecmill.spark.session import LARGE_ROWS, using
from vecmill.storage import checkpoints
from vecmill.storage.schemas import BLOCKS, BUCKETS, BUCKETS_BY
from vecmill.training import rounds
from vecmill.training.blocked import worker
from vecmill.training.held_out import NOTHING, HeldOut
from vecmill.training.rounds import RoundWork

# The most strata between two checkpoints, which a kill loses. All shuffles of a round, each as large as the
# model, stay on the disks of the executors until it ends; together they have at most _SHUFFLE_BYTES.
STRATA_PER_ROUND = 8
_SHUFFLE_BYTES = 16 << 30


class Blocked:
    """A round is some strata of a pass.

    The driver holds the held-out rows, the rows of the model that they name, and tables of the vocabulary:
    0.6 GB at their peak for 5 million words.
    """

    def __init__(self, run: Run, held_out: HeldOut | None) -> None:
        self._run, self._held_out = run, held_out
        settings = run.config.train
        self._expected = read_expected(run)
        self._model = run.model
        self._kernel = self._model.bucket_kernels[run.config.kernel.library]
        self._words, self._contexts = tables_by_region(self._model, run.size_of_model())
        self._after = NOTHING
        self._round = 0
        self._pairs = _pairs_of_passes(run)
        self.schedule: Sequence[RoundWork] = rounds.rounds_of_strata(
            run.words_of,
            settings.epochs,
            settings.shards,
            strata_per_round(self._model_bytes, settings.shards),
        )

    def resume(self, number: int) -> None:
        """Start from the checkpoint of round `number`, or from fresh tables if it is 0."""
        self._round = number

    def train(self, number: int, work: RoundWork, pace: Pace) -> Doubles:
        """Train the strata of a round and publish the model."""
        run, settings = self._run, self._run.config.train
        task = worker.StrataTask(
            kernel=self._kernel,
            words=self._words.name,
            contexts=self._contexts.name,
            dim=settings.dim,
            threads=settings.threads,
            strata=work.strata,
            pace=pace,
        )
        # The driver does not hold the rows of two rounds at once.
        self._after = NOTHING
        broadcast = run.spark.sparkContext.broadcast(self._pass(work))
        try:
            with using(run.spark, LARGE_ROWS):
                result = worker.train_strata(self._blocks(), self._buckets(work), broadcast, task)
                checkpoints.write_frame(result, run.store, number)
        finally:
            broadcast.destroy()
        self._round = number
        ids = np.zeros(0, np.int32) if self._held_out is None else self._held_out.ids
        with using(run.spark, LARGE_ROWS):
            self._after = checkpoints.read_rows(run.store, number, ids)
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
    def _model_bytes(self) -> int:
        return self._words.nbytes + self._contexts.nbytes

    def _pass(self, work: RoundWork) -> Pass:
        settings, negatives = self._run.config.train, self._run.config.pairs.negatives
        layout = passes.layout(
            self._expected,
            settings.shards,
            negatives,
            seed=settings.seed,
            epoch=work.epoch,
            slice_=work.slice_,
        )
        n_pairs = self._pairs.get((work.epoch, work.slice_), 0)
        return Pass(settings.seed, work.epoch, work.slice_, negatives, layout, self._expected, n_pairs)

    def _blocks(self) -> DataFrame:
        """BLOCKS after the last round."""
        if self._round:
            return self._run.store.frame(checkpoints.name(self._round), BLOCKS)
        tables = (self._words, self._contexts)
        return worker.start_blocks(self._run.spark, tables, self._run.config.train.seed)

    def _buckets(self, work: RoundWork) -> Callable[[int], DataFrame]:
        """The rows of BUCKETS by stratum; there is no folder for a stratum without pairs."""
        run = self._run
        schema = StructType([field for field in BUCKETS if field.name not in BUCKETS_BY])

        def of_stratum(stratum: int) -> DataFrame:
            path = f"pairs/epoch={work.epoch}/slice={work.slice_}/stratum={stratum}"
            if not run.files.exists(path):
                return run.spark.createDataFrame([], schema)
            return run.spark.read.schema(schema).parquet(run.files.path(path))

        return of_stratum


def tables_by_region(model: Model, size: Size) -> tuple[Table, Table]:
    """The table of a model that is cut by words, and the table that is cut by contexts."""
    tables = {table.region: table for table in model.tables(size)}
    return tables["words"], tables["contexts"]


def bytes_moved(work: RoundWork, model_bytes: int) -> int:
    """Bytes of parameters in a round: the model once per stratum, and to and from the checkpoint."""
    return (len(work.strata) + 1) * model_bytes


def strata_per_round(model_bytes: int, n_regions: int) -> int:
    """How many strata are trained between two checkpoints."""
    return max(1, min(STRATA_PER_ROUND, n_regions, _SHUFFLE_BYTES // max(model_bytes, 1)))


def read_expected(run: Run) -> Expected:
    """The frequencies of words in pairs and as noise, from the vocabulary: 16 bytes per word.

    Raises InputError if there are fewer words than regions.
    """
    names = "count", "keep_probability", "noise_probability"
    columns = vocabulary_columns(run.store, *names)
    words, shards = len(columns["count"]), run.config.train.shards
    if words < shards:
        raise InputError(
            f"train.shards = {shards} cuts a vocabulary of {words:,} words into more regions than it has "
            "words; lower it, or lower vocabulary.min_count"
        )
    return passes.expected(*(columns[name].to_numpy() for name in names))


def _pairs_of_passes(run: Run) -> dict[tuple[int, int], int]:
    """How many pairs were drawn, by epoch and slice; slices without pairs are left out."""
    buckets = run.spark.read.schema(BUCKETS).parquet(run.files.path("pairs"))
    sums = buckets.groupBy("epoch", "slice").agg(F.sum("pairs").alias("pairs")).collect()
    return {(row["epoch"], row["slice"]): row["pairs"] for row in sums}
