"""What the kernels cost for each dimension and vocabulary, in CPU and in wall time, as a table.

    python -m tests.bench.kernels --dim 50 100 200 300 --vocabulary 10000 100000 1000000
    python -m tests.bench.kernels --kernel numba buckets-numba --regions 32

The words are synthetic (`tests.bench.text`), and drawing their rows or buckets is not part of the figure.
Each figure is the least of some repeats, since what else the machine does can only add to it; all settings
take turns. For one core set OPENBLAS_NUM_THREADS=1 (or your BLAS's own variable) before the start.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from tests.bench import text

from vecmill.core import kernels
from vecmill.core.buckets import Bucket
from vecmill.core.kernels.sgns_numpy import initialise
from vecmill.core.rows import Rows, take
from vecmill.storage.arrow import side_by_side
from vecmill.training.averaging.worker import BATCH_ROWS

_RATE = 0.025

# What comes before the name of a kernel that trains buckets.
_BUCKETS = "buckets-"


class Cost(NamedTuple):
    """Microseconds a word of the corpus."""

    cpu: float
    wall: float


class Batch(NamedTuple):
    """What a kernel is called with: rows of W, rows of C, and what to train them on in so many steps."""

    words: slice
    contexts: slice
    work: Rows | Bucket
    steps: int


def batches_of(name: str, of: text.Text, n_regions: int) -> list[Batch]:
    """All rows, in batches as a task has them; or all buckets of a pass, one after another."""
    if name.startswith(_BUCKETS):
        return [Batch(*part, len(part.bucket.noise)) for part in text.buckets(of, n_regions, seed=2)]
    rows, everything = text.rows(of, seed=2), slice(None)
    begins = range(0, len(rows.centers), BATCH_ROWS)
    batches = [take(rows, begin, min(begin + BATCH_ROWS, len(rows.centers))) for begin in begins]
    return [Batch(everything, everything, batch, len(batch.centers)) for batch in batches]


def cost(name: str, threads: int, batches: list[Batch], vocabulary: int, dim: int, words: int) -> Cost:
    """One pass over all batches, as a task goes over them."""
    W, C = initialise(vocabulary, dim, np.random.default_rng(0))
    if name.startswith(_BUCKETS):
        kernel: Callable[..., float] = kernels.bucket_kernel(name.removeprefix(_BUCKETS), threads)
        batches_at_once = 1
    else:
        kernel, batches_at_once = kernels.kernel(name), threads

    def train(batch: Batch, rate: float = _RATE) -> None:
        tables = {"W": W[batch.words], "C": C[batch.contexts]}
        kernel(tables, batch.work, np.full(batch.steps, rate, np.float32))

    train(batches[0], 0.0)
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in side_by_side(train, iter(batches), batches_at_once):
        pass
    spent = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(*(seconds / words * 1e6 for seconds in spent))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = ["numba", "numpy", f"{_BUCKETS}numba", f"{_BUCKETS}numpy"]
    parser.add_argument("--kernel", nargs="+", default=names[:2], choices=names)
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="of the compiled kernels")
    parser.add_argument("--dim", type=int, nargs="+", default=[100])
    parser.add_argument("--vocabulary", type=int, nargs="+", default=[100_000])
    parser.add_argument("--regions", type=int, default=8, help="of each table, for kernels of buckets")
    parser.add_argument("--words", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    settings = [
        (name, threads, dim)
        for name, threads, dim in itertools.product(arguments.kernel, arguments.threads, arguments.dim)
        if threads == 1 or name.endswith("numba")
    ]
    print("| vocabulary | kernel | threads | dim | CPU, µs a word | wall, µs a word |")
    print("|---|---|---|---|---|---|")
    for vocabulary in arguments.vocabulary:
        of = text.text(arguments.words, vocabulary, seed=1)
        batches = {name: batches_of(name, of, arguments.regions) for name in arguments.kernel}
        best = dict.fromkeys(settings, Cost(np.inf, np.inf))
        for _, setting in itertools.product(range(arguments.repeats), settings):
            name, threads, dim = setting
            found = cost(name, threads, batches[name], vocabulary, dim, arguments.words)
            best[setting] = Cost(*map(min, best[setting], found))
        for (name, threads, dim), least in best.items():
            figures = f"{least.cpu:.2f} | {least.wall:.2f}"
            print(f"| {vocabulary:,} | {name} | {threads} | {dim} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
