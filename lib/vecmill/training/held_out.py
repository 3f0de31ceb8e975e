"""Rows of held-out texts, whose loss every round reports: the same rows under every strategy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vecmill.core.arrays import Ids
from vecmill.core.kernels import Tables
from vecmill.core.rows import Rows
from vecmill.corpus.texts import HOLDOUT_EPOCH, HOLDOUT_SLICE
from vecmill.examples import pairs
from vecmill.models import Model
from vecmill.runs.run import Run, pair_settings, read_sampling_tables
from vecmill.spark.session import ONE_FILE_ONE_TASK, using
from vecmill.storage.checkpoints import Checkpoint
from vecmill.storage.schemas import PAIRS

# The driver holds these rows, 3 MB at the default window, and the rows of the model that they name.
MOST_ROWS = 1 << 16

# What a strategy holds before it has read a checkpoint.
NOTHING = Checkpoint({}, np.zeros((0, 0)))


@dataclass(frozen=True)
class HeldOut:
    """Rows that are not trained on.

    ids   (n,) rising: the distinct words of the rows
    rows  the rows, with the position in `ids` in place of each word
    """

    ids: Ids
    rows: Rows

    def loss(self, model: Model, tables: Tables) -> float:
        """Nats per pair; `tables` have only the rows `ids`."""
        pairs_of_rows = int(self.rows.offsets[-1] - self.rows.offsets[0])
        return model.held_out_loss(tables, self.rows) / pairs_of_rows


def held_out(run: Run) -> HeldOut | None:
    """At most MOST_ROWS rows, the same in every run of one seed; None if no text is held out."""
    if not run.manifest.stage("texts")["held_out_words"]:
        return None
    sampling_tables = run.spark.sparkContext.broadcast(read_sampling_tables(run.store))
    try:
        with using(run.spark, ONE_FILE_ONE_TASK):
            texts = run.texts([HOLDOUT_SLICE])
            drawn = pairs.draw(texts, sampling_tables, pair_settings(run.config), epoch=HOLDOUT_EPOCH)
            found = drawn.partitions.mapInArrow(drawn.read, PAIRS)
            table = found.select("c", "w", "negatives").limit(MOST_ROWS).toArrow()
    finally:
        sampling_tables.destroy()
    if table.num_rows == 0:
        return None
    return compact(pairs.rows_from_arrow(table.combine_chunks().to_batches()[0]))


def compact(rows: Rows) -> HeldOut:
    """The rows with their distinct words numbered in the order of their ids."""
    ids = np.unique(np.concatenate([rows.centers, rows.words, rows.negatives.ravel()]))

    def positions(of: Ids) -> Ids:
        return np.searchsorted(ids, of).astype(np.int32)

    renamed = Rows(positions(rows.centers), rows.offsets, positions(rows.words), positions(rows.negatives))
    return HeldOut(ids, renamed)
