"""The cost of kernels per dimension and vocabulary, in CPU and wall time, as a table.

    python -m tests.bench.kernels --dim 50 100 200 300 --vocabulary 10000 100000 1000000
    python -m tests.bench.kernels --kernel numba buckets-numba --regions 32

The text is synthetic (`tests.bench.text`). Drawing its rows or buckets is not part of the cost. Each figure
is the least of some repeats, since other programs on the machine can only add to it. All settings take
turns. For one core set OPENBLAS_NUM_THREADS=1 (or the variable of your BLAS) before the start.
"""

from __future__ import annotations

import argparse
import itertools
import time
from typing import NamedTuple

import numpy as np
from tests.bench import text

from vecmill import models
from vecmill.core.arrays import Floats
from vecmill.core.buckets import Bucket
from vecmill.core.rows import Rows, take
from vecmill.core.shards import BATCH_ROWS, train_bucket
from vecmill.core.threads import map_in_threads
from vecmill.models import Size

_MODEL = models.build("sgns", {})
_RATE = 0.025

# The prefix of the names of kernels that train buckets.
_BUCKETS = "buckets-"


class Cost(NamedTuple):
    """Microseconds per word of the corpus."""

    cpu: float
    wall: float


class Batch(NamedTuple):
    """The arguments of a kernel: rows of W, rows of C, and rows or a bucket with its number of rates."""

    words: slice
    contexts: slice
    work: Rows | Bucket
    rates: int


def batches_of(name: str, of: text.Text, n_regions: int) -> list[Batch]:
    """All rows in batches as large as a worker's, or all buckets of a pass."""
    if name.startswith(_BUCKETS):
        return [Batch(*part, len(part.bucket.noise)) for part in text.buckets(of, n_regions, seed=2)]
    rows, everything = text.rows(of, seed=2), slice(None)
    begins = range(0, len(rows.centers), BATCH_ROWS)
    batches = [take(rows, begin, min(begin + BATCH_ROWS, len(rows.centers))) for begin in begins]
    return [Batch(everything, everything, batch, len(batch.centers)) for batch in batches]


def train(name: str, tables: dict[str, Floats], batch: Batch, threads: int, rate: float = _RATE) -> None:
    """Train on one batch. A bucket is shared by `threads` threads; rows are trained by one thread."""
    own = {"W": tables["W"][batch.words], "C": tables["C"][batch.contexts]}
    rates = np.full(batch.rates, rate, np.float32)
    if isinstance(batch.work, Bucket):
        train_bucket(own, batch.work, _MODEL.bucket_kernels[name.removeprefix(_BUCKETS)], rates, threads)
    else:
        _MODEL.kernels[name](own, batch.work, rates)


def cost(name: str, threads: int, batches: list[Batch], vocabulary: int, dim: int, words: int) -> Cost:
    """The cost of one pass over all batches; `threads` batches of rows, or one bucket, at a time."""
    tables = _MODEL.start(Size(vocabulary, dim), seed=0)
    train(name, tables, batches[0], threads, rate=0.0)
    cpu, wall = time.process_time(), time.perf_counter()
    if name.startswith(_BUCKETS):
        for batch in batches:
            train(name, tables, batch, threads)
    else:
        for _ in map_in_threads(lambda batch: train(name, tables, batch, threads), batches, threads):
            pass
    spent = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(*(seconds / words * 1e6 for seconds in spent))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [*_MODEL.kernels, *(f"{_BUCKETS}{library}" for library in _MODEL.bucket_kernels)]
    parser.add_argument("--kernel", nargs="+", default=list(_MODEL.kernels), choices=names)
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="of the compiled kernels")
    parser.add_argument("--dim", type=int, nargs="+", default=[100])
    parser.add_argument("--vocabulary", type=int, nargs="+", default=[100_000])
    parser.add_argument("--regions", type=int, default=8, help="per table, for kernels of buckets")
    parser.add_argument("--words", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    settings = [
        (name, threads, dim)
        for name, threads, dim in itertools.product(arguments.kernel, arguments.threads, arguments.dim)
        if threads == 1 or name.endswith("numba")
    ]
    print("| vocabulary | kernel | threads | dim | CPU, µs per word | wall, µs per word |")
    print("|---|---|---|---|---|---|")
    for vocabulary in arguments.vocabulary:
        of = text.text(arguments.words, vocabulary, seed=1)
        batches = {name: batches_of(name, of, arguments.regions) for name in arguments.kernel}
        best = dict.fromkeys(settings, Cost(np.inf, np.inf))
        for _, setting in itertools.product(range(arguments.repeats), settings):
            name, threads, dim = setting
            measured = cost(name, threads, batches[name], vocabulary, dim, arguments.words)
            best[setting] = Cost(*map(min, best[setting], measured))
        for (name, threads, dim), least in best.items():
            figures = f"{least.cpu:.2f} | {least.wall:.2f}"
            print(f"| {vocabulary:,} | {name} | {threads} | {dim} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
