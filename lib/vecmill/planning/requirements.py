"""What a run would need: memory, disk and traffic, as arithmetic over a few numbers of its text.

The factors were measured with Spark 4.3 on English text; each says what it was measured as.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from vecmill.config import Config
from vecmill.examples.buckets import PART_PAIRS
from vecmill.formatting import MIB
from vecmill.planning.corpus import Corpus
from vecmill.planning.machine import HEAP_BASE, PYTHON_BASE
from vecmill.training.blocked.driver import HELD_OUT_ROWS, strata_a_round

# Models that the driver's Python holds at its peak, when a checkpoint is read: the last round's, the
# Arrow table as it came and as it was sorted, and the new one; 5.0 were seen at 0.4 and at 0.8 GB.
_DRIVER_MODELS = 5
# Where parameters move by files it reads a checkpoint block by block, for the held-out loss alone: 248 MB
# were seen with a model of 38 MB, and 270 with one of 56 MB.
_DRIVER_MODELS_BY_FILES = 1.25
_DRIVER_BYTES_BY_FILES = 48 * MIB

# Heap that reading a checkpoint fills: of every task the part that it reads and one that waits to be
# fetched, each at most 128 MiB (spark.sql.files.maxPartitionBytes), and a multiple of their bytes.
# Seen with two tasks: 0.16 GB in 0.75 GB of heap; 0.4 GB in 2 GB and not in 1.5; 0.8 GB in 2 GB.
_PARTS_A_TASK = 2 * 128 * MIB
_HEAP_A_BYTE = 3.5

# What a training task has beside its models: Numba and its compiler, rows, Arrow's buffers. With models of
# 38 MB workers peaked at 451 to 531 MB, with 56 MB at 448 to 584.
_TASK_BYTES = 224 * MIB

# Of blocked training. What every worker looks up of a word: its places in both cuts, and how often it is
# in a pair and is noise; and the place it has in its region, while a bucket's ids are renamed.
_PASS_WORD_BYTES = 24
_RENAMING_BYTES = 4
# A pair of a bucket: its ids as they came, put together, and renamed.
_BUCKET_PAIR_BYTES = 24
# What a worker takes of a word to look up ids, 0.94 GB being seen with 5 million words; and to draw pairs:
# its sampling tables, how often it is in a pair and is noise, and a cut while it is made.
_LOOK_UP_WORD_BYTES = 150
_DRAWING_WORD_BYTES = 72
# And for each pair that is being sorted.
_SORTED_PAIR_BYTES = 40
# An id on its way to a worker, which is compressed more lightly than on disk: 2.3 bytes were seen where
# it takes 1.6 there.
_MOVED_ID_BYTES = 0.7
# The driver's tables of a word while they are made and sent, seen as 0.6 GB at 5 million words; and
# rows of the model that held-out rows name: a dozen each.
_DRIVER_WORD_BYTES = 128
_HELD_OUT_NAMES = 12

# Bytes on disk: of a token, and of a vocabulary's row (8 to 10).
_TOKEN_BYTES = 1.9
_VOCABULARY_ROW_BYTES = 10

# exports/ holds each number as 4 bytes in three files and as about 12 characters in two.
_EXPORT_NUMBER_BYTES = 3 * 4 + 2 * 12
_EXPORT_WORD_BYTES = 40

# Checkpoints that lie in the output at once: two are kept while the next is written.
_CHECKPOINTS = 3


@dataclass(frozen=True)
class Needs:
    """Bytes that a run needs, each at its peak.

    model          both tables, float32
    training_task  the Python worker of one training task: the model that came, its copy, compiler and rows;
                   or two regions, a bucket and the tables of the pass
    other_task     that of a task that merges a block of every shard; or that looks up words and draws pairs
    executor       all Python workers of one executor (of the whole machine in local mode)
    heap           the JVM that reads a checkpoint
    driver         the driver's Python
    collected      what one collect brings to the driver: the limit is spark.driver.maxResultSize
    left           in the output while a round is merged: what every shard changed, where it moves by files
    moved_round    the model out to every shard, and every shard's change back; or the model once a stratum,
                   and the pairs
    moved          over the network in all rounds
    scratch        Spark's local folders: a broadcast, a round's shuffles, or that of texts or pairs
    disk           what lies in the output at the end of training, table by table
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
        """On disk in the output, all tables together and what is left for a while."""
        return sum(self.disk.values()) + self.left


class _Training(NamedTuple):
    """What of the needs depends on the strategy."""

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


def needs(corpus: Corpus, config: Config, slots: int, *, by_files: bool = False) -> Needs:
    """The needs of a run whose executors have `slots` tasks each at once.

    `by_files` says whether tasks open the files of the output themselves.
    """
    train = config.train
    words, dim = corpus.vocabulary, train.dim
    table = 4 * words * dim
    model = 2 * table
    if train.strategy == "blocked":
        of = _blocked(corpus, config, slots)
    else:
        of = _averaging(corpus, config, slots, by_files)
    blocks = max(1, math.ceil(model / MIB))
    return Needs(
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
            "vectors": table,
            "exports": words * (_EXPORT_NUMBER_BYTES * dim + _EXPORT_WORD_BYTES),
        },
    )


def _averaging(corpus: Corpus, config: Config, slots: int, by_files: bool) -> _Training:
    train, pairs = config.train, config.pairs
    table = 4 * corpus.vocabulary * train.dim
    model = 2 * table
    rows = corpus.covered * corpus.keep_ratio * train.epochs
    slices = train.epochs * train.slices
    read = _DRIVER_MODELS * model
    if by_files:
        read = _DRIVER_BYTES_BY_FILES + round(_DRIVER_MODELS_BY_FILES * model)
    return _Training(
        task=PYTHON_BASE + 2 * model + _TASK_BYTES,
        other_task=PYTHON_BASE + model + 3 * train.shards * min(MIB, table),
        driver=PYTHON_BASE + read,
        collected=0 if by_files else model,
        left=train.shards * model if by_files and train.shards > 1 else 0,
        heap=round(HEAP_BASE + _HEAP_A_BYTE * min(model, slots * _PARTS_A_TASK)),
        # While it warms up, a slice takes a round a shard, and moves as much.
        rounds=slices + min(train.warm_up, slices) * (train.shards - 1),
        moved_round=2 * train.shards * model,
        moved=slices * 2 * train.shards * model,
        scratch=round(max(0 if by_files else (1 + train.shards) * model, 4 * corpus.covered)),
        pairs=round(rows * (1 + (pairs.window + 1) + pairs.negatives) * _id_bytes(corpus.vocabulary)),
    )


def _id_bytes(words: int) -> float:
    """What an id takes on disk in texts/ and pairs/.

    The bits of the largest difference of two ids in a block of 32, and what it takes to say how many: 1 to
    7 % above what was measured for 31,000 and 70,000 words.
    """
    return (math.log2(max(words, 2)) + 2.3) / 8


def _blocked(corpus: Corpus, config: Config, slots: int) -> _Training:
    train, pairs = config.train, config.pairs
    words, n_regions = corpus.vocabulary, train.shards
    model = 2 * 4 * words * train.dim
    # A radius uniform on 1..window has window + 1 words around it in the mean.
    epoch = corpus.covered * corpus.keep_ratio * (pairs.window + 1)
    bucket = epoch / train.slices / n_regions**2
    strata = strata_a_round(model, n_regions)
    rounds = train.epochs * train.slices * math.ceil(n_regions / strata)
    # An id takes its information: 5 % above what was measured for 5,000 to 70,000 words.
    id_bytes = max(1.0, math.log2(max(words / n_regions, 2)) / 8)
    pairs_moved = bucket * n_regions * strata * 2 * (id_bytes + _MOVED_ID_BYTES)
    moved_round = (strata + 1) * model + round(pairs_moved)
    held_out = min(HELD_OUT_ROWS * _HELD_OUT_NAMES, words) * 2 * 4 * train.dim
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
        driver=PYTHON_BASE + _DRIVER_WORD_BYTES * words + 2 * held_out,
        collected=held_out,
        left=0,
        heap=round(HEAP_BASE + _HEAP_A_BYTE * min(model, slots * 128 * MIB)),
        rounds=rounds,
        moved_round=moved_round,
        moved=rounds * moved_round,
        scratch=round(max((strata + 2) * model, 8 * epoch, 4 * corpus.covered)),
        pairs=round(train.epochs * epoch * 2 * id_bytes),
    )
