"""The inner loops of a worker: training tables on the rows of a shard, or on a bucket."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Floats
from vecmill.core.buckets import Bucket
from vecmill.core.kernels import BucketKernel, Kernel, Tables
from vecmill.core.rows import Rows, regroup
from vecmill.core.schedule import Pace
from vecmill.core.threads import map_in_threads, split

# Rows handed to the kernel at once; a multiple of every kernel's step, so that the result does not depend
# on how the rows were batched before.
BATCH_ROWS = 1 << 14


class Metrics(NamedTuple):
    """What a worker did in a round; sums over workers have the same form.

    pairs        of a word and its context, trained
    loss         nats, of these pairs and their noise
    cpu_seconds  of the worker's process
    """

    pairs: float
    loss: float
    cpu_seconds: float


def train_rows(
    tables: Tables, rows: Iterable[Rows], kernel: Kernel, pace: Pace, expected_rows: float, threads: int
) -> Metrics:
    """Train `tables` in place on the rows of one shard.

    The rate falls with the share of `expected_rows` that is done. `threads` batches are trained at once and
    share the tables without locks. With one thread the same rows give the same bytes, however batched.
    """
    expected = max(expected_rows, 1.0)

    def train(numbered: tuple[int, Rows]) -> Metrics:
        number, batch = numbered
        positions = number * BATCH_ROWS + np.arange(len(batch.centers))
        rates = pace.rates(np.minimum(positions / expected, 1.0))
        pairs = int(batch.offsets[-1] - batch.offsets[0])
        return Metrics(pairs, kernel(tables, batch, rates), 0)

    done = Metrics(0, 0, 0)
    for of_batch in map_in_threads(train, enumerate(regroup(rows, BATCH_ROWS)), threads):
        done = Metrics(*map(sum, zip(done, of_batch, strict=True)))
    return done


def train_bucket(
    tables: Tables, bucket: Bucket, kernel: BucketKernel, rates: Floats, threads: int
) -> Metrics:
    """Train `tables` in place on a bucket, with one rate per step; threads share the steps."""
    if not len(bucket.noise):
        return Metrics(0, 0, 0)
    if threads == 1:
        loss = kernel(tables, bucket, rates, range(len(rates)))
    else:
        work = partial(kernel, tables, bucket, rates)
        loss = sum(map_in_threads(work, split(len(rates), threads), threads))
    return Metrics(len(bucket.words), loss, 0)
