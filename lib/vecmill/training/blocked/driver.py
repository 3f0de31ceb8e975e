"""Every worker trains regions that are its alone; nothing is merged, and nobody holds the whole model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from vecmill.core import kernels
from vecmill.core.kernels import sgns_numpy
from vecmill.core.rows import Ids, Rows, take
from vecmill.errors import InputError
from vecmill.examples.buckets import Expected, expected, layout
from vecmill.runs.run import Run, vocabulary_columns
from vecmill.spark.session import LARGE_ROWS, using
from vecmill.storage import checkpoints
from vecmill.storage.checkpoints import MetricsTable
from vecmill.storage.schemas import BLOCKS, BUCKETS
from vecmill.training import rounds
from vecmill.training.blocked import worker
from vecmill.training.rounds import Part, Span

# Strata between two checkpoints, at most: what a kill loses. All shuffles of a round, each as large as the
# model, lie on the disks of the executors until it ends, together at most so many bytes.
STRATA_A_ROUND = 8
_SHUFFLE_BYTES = 16 << 30

# Rows of the model that the driver holds for the held-out loss are those that some rows of pairs name:
# at most a dozen each at the default window.
HELD_OUT_ROWS = 1 << 12


class Blocked:
    """A round is some strata of a pass.

    The driver holds the held-out rows, those rows of the model that they name, and its tables of the
    vocabulary: 0.6 GB at their peak for 5 million words.
    """

    def __init__(self, run: Run, held_out: Rows | None) -> None:
        self._run = run
        settings = run.config.train
        self._expected = read_expected(run)
        self._held_out = None if held_out is None else _first(held_out, HELD_OUT_ROWS)
        self._after = checkpoints.Checkpoint({}, np.zeros((0, 0)))
        self._round = 0
        self._kernel = kernels.bucket_kernel(kernels.choose(settings.kernel).name, settings.threads)
        self._pairs = _pairs_of_passes(run)
        self.parts: Sequence[Part] = rounds.parts_of_strata(
            run.words_of,
            settings.epochs,
            settings.shards,
            strata_a_round(self._model_bytes, settings.shards),
        )

    def resume(self, number: int) -> None:
        """Go on from the checkpoint of round `number`, or from fresh tables where it is 0."""
        self._round = number

    def train(self, number: int, part: Part, span: Span) -> MetricsTable:
        """Train the strata of a part and publish the model."""
        run, settings = self._run, self._run.config.train
        task = worker.Strata(
            kernel=self._kernel,
            dim=settings.dim,
            negatives=run.config.pairs.negatives,
            seed=settings.seed,
            epoch=part.epoch,
            slice_=part.slice_,
            pairs=self._pairs.get((part.epoch, part.slice_), 0),
            strata=part.strata,
            begin=span.begin,
            end=span.end,
            learning_rate=settings.learning_rate,
            min_learning_rate=settings.min_learning_rate,
        )
        cut = layout(
            self._expected,
            settings.shards,
            task.negatives,
            seed=task.seed,
            epoch=part.epoch,
            slice_=part.slice_,
        )
        broadcast = run.spark.sparkContext.broadcast(worker.Pass(cut, self._expected))
        try:
            with using(run.spark, LARGE_ROWS):
                result = worker.train_strata(self._model(), self._buckets(part), broadcast, task)
                checkpoints.write(result, run.folder, number)
        finally:
            broadcast.destroy()
        self._round = number
        self._after = self._look()
        return self._after.metrics

    def held_out_loss(self) -> float | None:
        """Nats a pair of the held-out texts after the last round; None where there are none."""
        rows = self._held_out
        if rows is None:
            return None
        known = _ids(rows)
        places = (np.searchsorted(known, ids).astype(np.int32) for ids in (rows.centers, rows.words))
        centers, words = places
        negatives = np.searchsorted(known, rows.negatives).astype(np.int32)
        tables = self._after.parameters
        renamed = Rows(centers, rows.offsets, words, negatives)
        return sgns_numpy.loss(tables["W"], tables["C"], renamed) / len(rows.words)

    def bytes_moved(self, part: Part) -> int:
        """The model from worker to worker in every stratum, and to and from the checkpoint."""
        return (len(part.strata) + 1) * self._model_bytes

    @property
    def _model_bytes(self) -> int:
        return 2 * 4 * len(self._expected.pairs) * self._run.config.train.dim

    def _model(self) -> DataFrame:
        """BLOCKS as the last round left them."""
        if self._round:
            return self._run.table(checkpoints.name(self._round), BLOCKS)
        settings = self._run.config.train
        return worker.initial_blocks(
            self._run.spark, len(self._expected.pairs), settings.dim, settings.seed
        )

    def _buckets(self, part: Part) -> Callable[[int], DataFrame]:
        """The rows of BUCKETS of each stratum; a stratum without any was not written."""
        run = self._run
        in_path = ("epoch", "slice", "stratum")
        schema = StructType([field for field in BUCKETS if field.name not in in_path])

        def of_stratum(stratum: int) -> DataFrame:
            path = f"pairs/epoch={part.epoch}/slice={part.slice_}/stratum={stratum}"
            if not run.folder.exists(path):
                return run.spark.createDataFrame([], schema)
            return run.spark.read.schema(schema).parquet(run.folder.path(path))

        return of_stratum

    def _look(self) -> checkpoints.Checkpoint:
        """What the driver needs of the last checkpoint: METRICS, and the rows of the held-out loss."""
        spark, dim = self._run.spark, self._run.config.train.dim
        wanted = np.zeros(0, np.int32) if self._held_out is None else _ids(self._held_out)
        broadcast = spark.sparkContext.broadcast(wanted)
        try:
            with using(spark, LARGE_ROWS):
                rows = worker.rows_of(self._model(), broadcast, dim).toArrow()
        finally:
            broadcast.destroy()
        return checkpoints.assemble(rows)


def strata_a_round(model_bytes: int, n_regions: int) -> int:
    """How many strata are trained between two checkpoints."""
    return max(1, min(STRATA_A_ROUND, n_regions, _SHUFFLE_BYTES // max(model_bytes, 1)))


def _first(rows: Rows, count: int) -> Rows:
    """The first `count` rows, without the words of the others."""
    few = take(rows, 0, min(len(rows.centers), count))
    return few._replace(words=few.words[: few.offsets[-1]])


def _ids(rows: Rows) -> Ids:
    return np.unique(np.concatenate([rows.centers, rows.words, rows.negatives.ravel()]))


def read_expected(run: Run) -> Expected:
    """How often each word is in a pair and is noise, from the vocabulary: 16 bytes a word.

    Raises InputError where there are fewer words than regions.
    """
    names = "count", "keep_probability", "noise_probability"
    columns = vocabulary_columns(run.folder, *names)
    words, shards = len(columns["count"]), run.config.train.shards
    if words < shards:
        raise InputError(
            f"train.shards = {shards} cuts a vocabulary of {words:,} words into more regions than it has "
            "words; lower it, or lower vocabulary.min_count"
        )
    return expected(*(columns[name].to_numpy() for name in names))


def _pairs_of_passes(run: Run) -> dict[tuple[int, int], int]:
    """How many pairs were drawn, by epoch and slice; those without any are out."""
    buckets = run.spark.read.schema(BUCKETS).parquet(run.folder.path("pairs"))
    sums = buckets.groupBy("epoch", "slice").agg(F.sum("pairs").alias("pairs")).collect()
    return {(row["epoch"], row["slice"]): row["pairs"] for row in sums}
