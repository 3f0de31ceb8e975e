"""Drawing the buckets of blocked training from texts: pairs by the regions of their word and context."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache

import numpy as np
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame

from vecmill.core import regions
from vecmill.core.arrays import Ids
from vecmill.core.buckets import pairs_of, sorted_by_bucket
from vecmill.core.passes import Layout
from vecmill.core.rows import Rows
from vecmill.examples.pairs import PairSettings, SamplingTables, Task, draw_task
from vecmill.storage.schemas import BUCKETS
from vecmill.storage.task_table import TaskTable

# Pairs that a task sorts into buckets at once, at 24 bytes per pair. Each such part has up to one row per
# bucket, and rows stay large even with a hundred regions.
PART_PAIRS = 1 << 22

# From the number of a slice to its layout.
LayoutOf = Callable[[int], Layout]


def draw(
    texts: TaskTable,
    tables: Broadcast[SamplingTables],
    settings: PairSettings,
    layout_of: LayoutOf,
    n_regions: int,
    *,
    epoch: int,
) -> DataFrame:
    """TEXTS -> BUCKETS: the pairs of one epoch. A partition must hold one shard of one slice.

    `texts` has the columns of `pairs.DRAWN_FROM`; tasks call `layout_of` for the layout of their slice. The
    result has one partition per stratum, sorted in the order in which training reads it.
    """
    read = texts.read

    def draw_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # Training draws noise per bucket.
        rows = draw_task(read(batches), tables.value, settings._replace(negatives=0), epoch=epoch)
        yield from sorted_in_parts(rows, cache(layout_of), epoch)

    drawn = texts.partitions.mapInArrow(draw_batches, BUCKETS)
    return drawn.repartitionById(n_regions, "stratum").sortWithinPartitions(
        "epoch", "slice", "stratum", "word_region", "shard", "part"
    )


def sorted_in_parts(
    rows: Iterable[tuple[Task, Rows]],
    layout_of: LayoutOf,
    epoch: int,
    part_pairs: int = PART_PAIRS,
) -> Iterator[pa.RecordBatch]:
    """The rows of one task as BUCKETS. A part ends with the block that brings it to `part_pairs` pairs."""
    held: list[tuple[Ids, Ids]] = []
    task, count, part = Task(0, 0), 0, 0
    for task, block in rows:
        held.append(pairs_of(block))
        count += len(held[-1][0])
        if count >= part_pairs:
            yield _part(held, layout_of(task.slice_), epoch, task, part)
            held, count, part = [], 0, part + 1
    if count:
        yield _part(held, layout_of(task.slice_), epoch, task, part)


def _part(held: list[tuple[Ids, Ids]], cut: Layout, epoch: int, task: Task, part: int) -> pa.RecordBatch:
    """One row per bucket that has a pair."""
    n_regions = cut.n_regions
    words, contexts, bounds = sorted_by_bucket(
        np.concatenate([words for words, _ in held]),
        np.concatenate([contexts for _, contexts in held]),
        cut.words.of_ids(),
        cut.contexts.of_ids(),
        n_regions,
    )
    pairs = np.diff(bounds).astype(np.int32)
    bucket = np.flatnonzero(pairs).astype(np.int32)
    word_region, context_region = np.divmod(bucket, n_regions)
    offsets = pa.py_buffer((np.append(bounds[bucket], bounds[-1]) * 4).astype(np.int32))

    def binary(ids: Ids) -> pa.Array:
        return pa.BinaryArray.from_buffers(pa.binary(), len(bucket), [None, offsets, pa.py_buffer(ids)])

    columns = {
        "epoch": np.full(len(bucket), epoch, np.int32),
        "slice": np.full(len(bucket), task.slice_, np.int32),
        "stratum": regions.stratum(word_region, context_region, n_regions),
        "word_region": word_region,
        "shard": np.full(len(bucket), task.shard, np.int32),
        "part": np.full(len(bucket), part, np.int32),
        "pairs": pairs[bucket],
        "words": binary(words),
        "contexts": binary(contexts),
    }
    return pa.RecordBatch.from_pydict(columns)
