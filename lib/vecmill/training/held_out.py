"""Rows of held-out texts, by whose loss every round is judged."""

from __future__ import annotations

from vecmill.core.rows import Rows
from vecmill.examples import pairs
from vecmill.runs.run import Run, pair_settings, read_sampling_tables
from vecmill.spark.session import ONE_FILE_ONE_TASK, using

# They are kept by the driver, so there are at most so many: 3 MB at the default window.
MOST_ROWS = 1 << 16


def rows(run: Run) -> Rows | None:
    """At most MOST_ROWS rows, drawn once and the same in every run; None where no text is held out."""
    if not run.manifest.stage("texts")["held_out_words"]:
        return None
    sampling_tables = run.spark.sparkContext.broadcast(read_sampling_tables(run.folder))
    texts = run.texts([pairs.HOLDOUT_SLICE])
    try:
        with using(run.spark, ONE_FILE_ONE_TASK):
            drawn = pairs.draw(
                *texts, sampling_tables, pair_settings(run.config), epoch=pairs.HOLDOUT_EPOCH
            )
            found = drawn.select("c", "w", "negatives").limit(MOST_ROWS).toArrow()
    finally:
        sampling_tables.destroy()
    if found.num_rows == 0:
        return None
    return pairs.rows_from_arrow(found.combine_chunks().to_batches()[0])
