"""Drawing the rows of pairs/ from texts, and converting them between Arrow and NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from vecmill.core import keyed_random, sampling, windows
from vecmill.core.arrays import Floats
from vecmill.core.rows import Rows
from vecmill.corpus.texts import HOLDOUT_SLICE
from vecmill.storage.schemas import PAIRS, arrow_schema, arrow_type
from vecmill.storage.task_table import TaskTable

# The columns of TEXTS from which rows are drawn.
DRAWN_FROM = ("slice", "shard", "ids")

# The columns of PAIRS that training reads.
TRAINED_ON = ("shard", "c", "w", "negatives")

_ARROW_PAIRS = arrow_schema(PAIRS)
_ARROW_INTS = arrow_type(PAIRS["w"].dataType)


class PairSettings(NamedTuple):
    """How rows are drawn from texts; `seed` is part of the key of every random number."""

    window: int
    negatives: int
    seed: int


class SamplingTables(NamedTuple):
    """What drawing needs from a vocabulary of V words: 16 bytes per word, sent to every worker.

    keep   (V,) float32  the probability that subsampling keeps a token of the word
    noise                the distribution of noise words
    """

    keep: Floats
    noise: sampling.AliasTable


def draw(
    texts: TaskTable, tables: Broadcast[SamplingTables], settings: PairSettings, *, epoch: int
) -> TaskTable:
    """TEXTS -> PAIRS: the rows of one epoch. A partition must hold one shard of one slice.

    Random numbers are keyed by (seed, epoch, slice, shard) and drawn in the order of the texts, so a
    partition that is computed again gives the same rows. `texts` has the columns DRAWN_FROM.
    """
    read = texts.read

    def draw_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for task, rows in draw_task(read(batches), tables.value, settings, epoch=epoch):
            yield rows_to_arrow(rows, epoch, task)

    return TaskTable(texts.partitions, draw_batches)


class Task(NamedTuple):
    """The part of an epoch that a partition holds."""

    slice_: int
    shard: int


def draw_task(
    batches: Iterator[pa.RecordBatch], tables: SamplingTables, settings: PairSettings, *, epoch: int
) -> Iterator[tuple[Task, Rows]]:
    """The rows of one partition of TEXTS as NumPy arrays, block by block; no block is empty."""
    first = next(batches, None)
    if first is None:
        return
    task = Task(first.column("slice")[0].as_py(), first.column("shard")[0].as_py())
    rng = keyed_random.generator(
        settings.seed,
        keyed_random.Purpose.PAIRS,
        epoch=epoch,
        slice_=task.slice_ - HOLDOUT_SLICE,
        shard=task.shard,
    )
    texts = (_texts(batch.column("ids")) for batch in itertools.chain([first], batches))
    tokens = windows.block_tokens(settings.negatives)
    for ids, ends in windows.blocks_of_texts(texts, tokens):
        pieces = windows.draw_rows(
            ids,
            ends,
            keep=tables.keep,
            noise=tables.noise,
            window=settings.window,
            negatives=settings.negatives,
            rng=rng,
        )
        yield from ((task, rows) for rows in pieces if len(rows.centers))


def _texts(ids: pa.ListArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    offsets = ids.offsets.to_numpy().astype(np.int64)
    return ids.flatten().to_numpy(), offsets[1:] - offsets[0]


def rows_to_arrow(rows: Rows, epoch: int, task: Task) -> pa.RecordBatch:
    """Rows as a record batch of PAIRS."""
    count, negatives = rows.negatives.shape
    constant = (pa.array(np.full(count, value, np.int32)) for value in (epoch, *task))
    fixed = np.arange(0, count * negatives + 1, max(negatives, 1), dtype=np.int32)
    if negatives == 0:
        fixed = np.zeros(count + 1, np.int32)
    return pa.RecordBatch.from_arrays(
        [
            *constant,
            pa.array(rows.centers),
            pa.ListArray.from_arrays(rows.offsets, rows.words, type=_ARROW_INTS),
            pa.ListArray.from_arrays(fixed, rows.negatives.ravel(), type=_ARROW_INTS),
        ],
        schema=_ARROW_PAIRS,
    )


def rows_from_arrow(batch: pa.RecordBatch) -> Rows:
    """A record batch with the columns c, w and negatives of PAIRS as rows, without copying."""
    words, noise = batch.column("w"), batch.column("negatives").flatten().to_numpy()
    return Rows(
        batch.column("c").to_numpy(),
        words.offsets.to_numpy(),
        words.values.to_numpy(),
        noise.reshape(batch.num_rows, len(noise) // max(batch.num_rows, 1)),
    )


def rows_with_shard(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, Rows]]:
    """Batches of TRAINED_ON, all of one shard, as its number and rows."""
    for batch in batches:
        if batch.num_rows:
            yield batch.column("shard")[0].as_py(), rows_from_arrow(batch)


def triples(pairs: DataFrame) -> DataFrame:
    """PAIRS -> TRIPLES: the triples (w, c, label), label 1 for a word and its context, 0 for noise.

    For each row: first each word with the row's context, then each word with each noise word. Noise words
    that equal the context are left out, as in training.
    """
    positive = F.transform("w", lambda w: _triple(w, F.col("c"), 1))
    noise = F.filter("negatives", lambda n: n != F.col("c"))
    negative = F.flatten(F.transform("w", lambda w: F.transform(noise, lambda n: _triple(w, n, 0))))
    return pairs.select(F.inline(F.concat(positive, negative)))


def _triple(w: Column, c: Column, label: int) -> Column:
    return F.struct(w.alias("w"), c.alias("c"), F.lit(label).alias("label"))
