"""What a run requires: memory, disk and traffic, computed from a few numbers about its text and its model.

The factors were measured with Spark 4.3 on English text; each comment says how.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vecmill.config import Config
from vecmill.core.arrays import Doubles
from vecmill.examples.buckets import PART_PAIRS
from vecmill.formatting import MIB
from vecmill.models import Size, Table
from vecmill.planning.corpus import Corpus
from vecmill.planning.machine import HEAP_BASE, PYTHON_BASE
from vecmill.training.blocked.driver import strata_per_round
from vecmill.training.held_out import MOST_ROWS

# Models that the driver's Python holds at its peak if Spark reads the checkpoint: that of the last round,
# the Arrow table as it came and as it was sorted, and the new one; 5.0 were measured at 0.4 and at 0.8 GB.
_DRIVER_MODELS = 5
# If the driver opens files, it reads a checkpoint block by block.
_DRIVER_BYTES_BY_FILES = 48 * MIB
# Copies in the driver of the rows that held-out texts name, as they are read and assembled: for 160 MB of
# such rows of a model of 800 MB the driver took 388 MB.
_HELD_OUT_COPIES = 2

# Heap that reading a checkpoint fills: for each task the part that it reads and one that waits to be
# fetched, each at most 128 MiB (spark.sql.files.maxPartitionBytes), times a factor. Two tasks read 0.16 GB
# with 0.75 GB of heap; 0.4 GB with 2 GB but not with 1.5; 0.8 GB with 2 GB.
_PARTS_PER_TASK = 2 * 128 * MIB
_HEAP_PER_BYTE = 3.5

# Memory of a training task beside its models: Numba and its compiler, rows, Arrow's buffers. Workers
# peaked at 451 to 531 MB with models of 38 MB, and at 448 to 584 MB with 56 MB.
_TASK_BYTES = 224 * MIB

# Blocked training. Per word in every worker: its places in both layouts, its frequencies in pairs and as
# noise; and its position within its region, while the ids of a bucket are renamed.
_PASS_WORD_BYTES = 24
_RENAMING_BYTES = 4
# Per pair of a bucket: its ids as they came, concatenated, and renamed.
_BUCKET_PAIR_BYTES = 24
# Per word in a worker that looks up ids (0.94 GB were measured with 5 million words), and in one that draws
# pairs: sampling tables, frequencies in pairs and as noise, and a layout while it is drawn.
_LOOK_UP_WORD_BYTES = 150
_DRAWING_WORD_BYTES = 72
# Per pair that is being sorted.
_SORTED_PAIR_BYTES = 40
# An id is compressed less on its way to a worker than on disk: 2.3 bytes were measured for 1.6 on disk.
_MOVED_ID_BYTES = 0.7
# Per word in the driver while it reads the vocabulary: 0.6 GB were measured with 5 million words.
_DRIVER_WORD_BYTES = 128
# Per word in the driver during a pass: frequencies in pairs and as noise, and a layout.
_DRIVER_PASS_WORD_BYTES = 32

# Bytes on disk: per token, and per row of the vocabulary (8 to 10).
_TOKEN_BYTES = 1.9
_VOCABULARY_ROW_BYTES = 10

# exports/ holds each number as 4 bytes in three files and as about 12 characters in two.
_EXPORT_NUMBER_BYTES = 3 * 4 + 2 * 12
_EXPORT_WORD_BYTES = 40

# Checkpoints in the output at once: two are kept while the next one is written.
_CHECKPOINTS = 3


@dataclass(frozen=True)
class Requirements:
    """Bytes that a run requires, each at its peak.

    model          all tables, float32
    training_task  the Python worker of a training task: the model that it read, its copy, compiler and
                   rows; in blocked training two regions, a bucket and the tables of the pass
    other_task     the Python worker of a task that merges a block of every shard; in blocked training, of a
                   task that looks up words or draws pairs
    executor       all Python workers of one executor (of the whole machine in local mode)
    heap           the JVM that reads a checkpoint
    driver         the driver's Python
    collected      the result of one collect, which spark.driver.maxResultSize limits
    left           in the output while a round is merged: the changes of every shard, if they are in files
    moved_round    the model to every shard and every shard's changes back; in blocked training the model
                   once per stratum, and the pairs
    moved          the same in all rounds
    scratch        Spark's local folders: a broadcast, the shuffles of a round, or those of texts or pairs
    disk           the output at the end of training, by table
    """

    model: int
    training_task: int
    other_task: int
    executor: int
    heap: int
    driver: int
    collected: int
    left: int
    rounds: int
    moved_round: int
    moved: int
    scratch: int
    disk: Mapping[str, int]

    @property
    def output(self) -> int:
        """The output on disk: all tables, and the changes of a round."""
        return sum(self.disk.values()) + self.left


class _Training(NamedTuple):
    """The part of the requirements that depends on the strategy."""

    task: int
    other_task: int
    driver: int
    collected: int
    left: int
    heap: int
    rounds: int
    moved_round: int
    moved: int
    scratch: int
    pairs: int


def tables_of(corpus: Corpus, config: Config) -> tuple[Table, ...]:
    """The tables that the model has for this vocabulary."""
    return config.build_model().tables(Size(corpus.vocabulary, config.train.dim))


def requirements(corpus: Corpus, config: Config, slots: int, *, by_files: bool = False) -> Requirements:
    """The requirements of a run whose executors run `slots` tasks at once.

    `by_files` says whether tasks open the files of the output themselves.
    """
    train, words, tables = config.train, corpus.vocabulary, tables_of(corpus, config)
    model = sum(table.nbytes for table in tables)
    if train.strategy == "blocked":
        of = _blocked(corpus, config, slots, model, by_files)
    else:
        of = _averaging(corpus, config, slots, model, max(table.nbytes for table in tables), by_files)
    blocks = max(1, math.ceil(model / MIB))
    return Requirements(
        model=model,
        training_task=of.task,
        other_task=of.other_task,
        executor=max(min(slots, train.shards) * of.task, min(slots, blocks) * of.other_task),
        heap=of.heap,
        driver=of.driver,
        collected=of.collected,
        left=of.left,
        rounds=of.rounds,
        moved_round=of.moved_round,
        moved=of.moved,
        scratch=of.scratch,
        disk={
            "tokens": round(_TOKEN_BYTES * corpus.tokens),
            "vocabulary": _VOCABULARY_ROW_BYTES * words,
            "texts": round(_id_bytes(words) * corpus.covered),
            "pairs": of.pairs if config.pairs.materialize else 0,
            "model": min(_CHECKPOINTS, of.rounds) * model,
            "vectors": 4 * words * train.dim,
            "exports": words * (_EXPORT_NUMBER_BYTES * train.dim + _EXPORT_WORD_BYTES),
        },
    )


def _averaging(
    corpus: Corpus, config: Config, slots: int, model: int, largest_table: int, by_files: bool
) -> _Training:
    train, pairs = config.train, config.pairs
    rows = corpus.covered * corpus.keep_ratio * train.epochs
    slices = train.epochs * train.slices
    driver = _DRIVER_MODELS * model
    if by_files:
        driver = _DRIVER_BYTES_BY_FILES + _HELD_OUT_COPIES * _held_out(corpus, config, model)
    return _Training(
        task=PYTHON_BASE + 2 * model + _TASK_BYTES,
        other_task=PYTHON_BASE + model + 3 * train.shards * min(MIB, largest_table),
        driver=PYTHON_BASE + driver,
        collected=0 if by_files else model,
        left=train.shards * model if by_files and train.shards > 1 else 0,
        heap=round(HEAP_BASE + _HEAP_PER_BYTE * min(model, slots * _PARTS_PER_TASK)),
        # While it warms up, a slice takes one round per shard, and moves as much.
        rounds=slices + min(train.warm_up, slices) * (train.shards - 1),
        moved_round=2 * train.shards * model,
        moved=slices * 2 * train.shards * model,
        scratch=round(max(0 if by_files else (1 + train.shards) * model, 4 * corpus.covered)),
        pairs=round(rows * (1 + (pairs.window + 1) + pairs.negatives) * _id_bytes(corpus.vocabulary)),
    )


def _id_bytes(words: int) -> float:
    """Bytes of an id on disk in texts/ and pairs/.

    The bits of the largest difference of two ids in a block of 32, and the bits that store this number: 1
    to 7 % above what was measured for 31,000 and 70,000 words.
    """
    return (math.log2(max(words, 2)) + 2.3) / 8


def _held_out(corpus: Corpus, config: Config, model: int) -> int:
    """Bytes of the rows of the model that the held-out rows name; the driver holds them.

    The expected number of distinct words among the centres and the noise words, if the counts of words fall
    as 1 / rank: 1.2 to 1.3 times what was counted in 15,000 to 65,536 rows of 70,000 words. The words of a
    window are centres of other rows.
    """
    rows = min(MOST_ROWS, config.train.holdout * corpus.covered * corpus.keep_ratio)
    ranks = np.geomspace(0.5, corpus.vocabulary + 0.5, 1000)

    def draws(count: float, exponent: float) -> Doubles:
        """How often the word of each rank is drawn."""
        weights = ranks**-exponent
        return count * weights / np.trapezoid(weights, ranks)

    named = draws(rows, 1.0) + draws(rows * config.pairs.negatives, config.pairs.noise_exponent)
    distinct = float(np.trapezoid(-np.expm1(-named), ranks))
    return round(model * min(1.0, distinct / corpus.vocabulary))


def _blocked(corpus: Corpus, config: Config, slots: int, model: int, by_files: bool) -> _Training:
    train, pairs = config.train, config.pairs
    words, n_regions = corpus.vocabulary, train.shards
    epoch = corpus.covered * corpus.keep_ratio * (pairs.window + 1)
    bucket = epoch / train.slices / n_regions**2
    strata = strata_per_round(model, n_regions)
    rounds = train.epochs * train.slices * math.ceil(n_regions / strata)
    # The information of an id: 5 % above what was measured for 5,000 to 70,000 words.
    id_bytes = max(1.0, math.log2(max(words / n_regions, 2)) / 8)
    pairs_moved = bucket * n_regions * strata * 2 * (id_bytes + _MOVED_ID_BYTES)
    moved_round = (strata + 1) * model + round(pairs_moved)
    held_out = _held_out(corpus, config, model)
    return _Training(
        task=round(
            PYTHON_BASE
            + _TASK_BYTES
            + model / n_regions
            + (_PASS_WORD_BYTES + _RENAMING_BYTES) * words
            + _BUCKET_PAIR_BYTES * bucket
        ),
        other_task=round(
            PYTHON_BASE
            + max(
                _LOOK_UP_WORD_BYTES * words,
                _DRAWING_WORD_BYTES * words
                + _SORTED_PAIR_BYTES * min(PART_PAIRS, epoch / train.slices / n_regions),
            )
        ),
        driver=PYTHON_BASE
        + max(
            _DRIVER_WORD_BYTES * words,
            _DRIVER_PASS_WORD_BYTES * words
            + _HELD_OUT_COPIES * held_out
            + (_DRIVER_BYTES_BY_FILES if by_files else 0),
        ),
        collected=0 if by_files else held_out,
        left=0,
        heap=round(HEAP_BASE + _HEAP_PER_BYTE * min(model, slots * 128 * MIB)),
        rounds=rounds,
        moved_round=moved_round,
        moved=rounds * moved_round,
        scratch=round(max((strata + 2) * model, 8 * epoch, 4 * corpus.covered)),
        pairs=round(train.epochs * epoch * 2 * id_bytes),
    )
