"""The stage pairs: texts/ to the pairs of every epoch, in the form in which the strategy reads them."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from vecmill.config import Config
from vecmill.core import passes
from vecmill.errors import InputError
from vecmill.examples import buckets, pairs
from vecmill.examples.pairs import SamplingTables
from vecmill.pipeline.stage import Stage, pick
from vecmill.runs.run import Run, pair_settings, read_sampling_tables
from vecmill.spark.session import ONE_FILE_ONE_TASK, using
from vecmill.storage.schemas import BUCKETS, BUCKETS_BY, PAIRS, PAIRS_BY
from vecmill.training.blocked.driver import read_expected
from vecmill.training.strategies import STRATEGIES


def _run(run: Run) -> Mapping[str, Any]:
    """Write the pairs of every epoch that is missing; an epoch is kept once it is published."""
    record = run.manifest.stage("pairs")
    drawn = {int(epoch): rows for epoch, rows in record.get("rows_of_epoch", {}).items()}
    if not drawn:
        run.files.delete("pairs")
    missing = [epoch for epoch in _epochs(run.config) if epoch not in drawn]
    if missing:
        _draw_missing(run, missing, drawn)
    return {"rows": sum(drawn.values()), "bytes": run.files.size("pairs") if drawn else 0}


def _draw_missing(run: Run, missing: list[int], drawn: dict[int, int]) -> None:
    """Draw the epochs `missing`, and add their rows to `drawn` and to run.json."""
    sampling_tables = run.spark.sparkContext.broadcast(read_sampling_tables(run.store))
    slots = run.spark.sparkContext.defaultParallelism
    together = max(1, slots // len(run.words_of))
    try:
        with using(run.spark, ONE_FILE_ONE_TASK):
            for begin in range(0, len(missing), together):
                epochs = missing[begin : begin + together]
                drawn.update(_draw_epochs(run, epochs, sampling_tables))
                run.manifest.update(
                    "pairs", epochs=sorted(drawn), rows_of_epoch={str(e): drawn[e] for e in drawn}
                )
                run.say("pairs", f"epoch {epochs[-1]}/{run.config.train.epochs} drawn")
    finally:
        sampling_tables.destroy()


def _epochs(config: Config) -> range:
    """The epochs whose pairs are written."""
    return range(1, config.train.epochs + 1 if config.pairs.materialize else 1)


def _draw_epochs(run: Run, epochs: list[int], tables: Broadcast[SamplingTables]) -> dict[int, int]:
    """Draw and publish several epochs in one job, so that a single shard keeps more than one core busy."""
    rows = _WRITERS[STRATEGIES[run.config.train.strategy].examples](run, epochs, tables)
    for epoch in epochs:
        if not rows.get(epoch):
            raise InputError(
                f"epoch {epoch} has no pairs: subsampling left no document with two words; "
                "raise pairs.subsample (0 keeps every word), or give more text"
            )
        run.store.publish(f"{run.store.staging}/pairs/epoch={epoch}", f"pairs/epoch={epoch}")
    return rows


def _write_rows(run: Run, epochs: list[int], tables: Broadcast[SamplingTables]) -> dict[int, int]:
    """Write one file for each epoch, slice and shard; the rows of each epoch."""
    texts, settings = run.texts(), pair_settings(run.config)
    drawn = [pairs.draw(texts, tables, settings, epoch=epoch) for epoch in epochs]
    rows: Counter[int] = Counter()
    for part in run.store.stage(drawn, "pairs", PAIRS, PAIRS_BY).parts:
        rows[part.values[0]] += part.rows
    return dict(rows)


def _write_buckets(run: Run, epochs: list[int], tables: Broadcast[SamplingTables]) -> dict[int, int]:
    """Write one file for each epoch, slice and stratum; the pairs of each epoch.

    The driver holds 16 bytes per word; each task computes the layout of its own slice.
    """
    texts, settings, n_regions = run.texts(), pair_settings(run.config), run.config.train.shards
    expected = run.spark.sparkContext.broadcast(read_expected(run))

    def layout_in(epoch: int) -> buckets.LayoutOf:
        return lambda slice_: passes.layout(
            expected.value, n_regions, settings.negatives, seed=settings.seed, epoch=epoch, slice_=slice_
        )

    try:
        drawn = [
            buckets.draw(texts, tables, settings, layout_in(epoch), n_regions, epoch=epoch)
            for epoch in epochs
        ]
        frame = functools.reduce(DataFrame.unionByName, drawn)
        staged = run.store.stage_frame(frame, "pairs", BUCKETS_BY)
    finally:
        expected.destroy()
    back = run.spark.read.schema(BUCKETS).parquet(run.files.path(staged))
    sums = back.groupBy("epoch").agg(F.sum("pairs").alias("pairs")).collect()
    return {row["epoch"]: row["pairs"] for row in sums}


_WRITERS = {"rows": _write_rows, "buckets": _write_buckets}


STAGE = Stage(
    "pairs",
    ("pairs",),
    reads=("vocabulary", "texts"),
    settings=lambda c: pick(c.pairs, "window", "negatives") | pick(c.train, "strategy"),
    work=_run,
    outputs=lambda record: [f"pairs/epoch={epoch}" for epoch in record.get("epochs", ())],
    is_complete=lambda c, record: set(_epochs(c)) <= set(record.get("epochs", ())),
)
