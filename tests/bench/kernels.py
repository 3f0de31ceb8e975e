"""What the kernels cost for each dimension and vocabulary, in CPU and in wall time, as a table.

    python -m tests.bench.kernels --dim 50 100 200 300 --vocabulary 10000 100000 1000000

The words are synthetic (`tests.bench.text`), and drawing their rows is not part of the figure. Each figure
is the least of some repeats, since what else the machine does can only add to it; all settings take turns.
For one core set OPENBLAS_NUM_THREADS=1 (or your BLAS's own variable) before the start.
"""

from __future__ import annotations

import argparse
import itertools
import time
from typing import NamedTuple

import numpy as np
from tests.bench import text

from vecmill.core import kernels
from vecmill.core.rows import Rows, take
from vecmill.core.sgns import initialise
from vecmill.stages.train import BATCH_ROWS

_RATE = 0.025


class Cost(NamedTuple):
    """Microseconds a word of the corpus."""

    cpu: float
    wall: float


def cost(kernel: kernels.Kernel, rows: Rows, vocabulary: int, dim: int, words: int) -> Cost:
    """One pass over all rows, in batches as a task has them."""
    W, C = initialise(vocabulary, dim, np.random.default_rng(0))
    tables = {"W": W, "C": C}
    rates = np.full(BATCH_ROWS, _RATE, np.float32)
    kernel(tables, take(rows, 0, 1), rates[:1])
    cpu, wall = time.process_time(), time.perf_counter()
    for begin in range(0, len(rows.centers), BATCH_ROWS):
        batch = take(rows, begin, min(begin + BATCH_ROWS, len(rows.centers)))
        kernel(tables, batch, rates[: len(batch.centers)])
    spent = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(*(seconds / words * 1e6 for seconds in spent))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kernel", nargs="+", default=["numba", "numpy"])
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="of the kernel numba")
    parser.add_argument("--dim", type=int, nargs="+", default=[100])
    parser.add_argument("--vocabulary", type=int, nargs="+", default=[100_000])
    parser.add_argument("--words", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    settings = [
        (name, threads, dim)
        for name, threads, dim in itertools.product(arguments.kernel, arguments.threads, arguments.dim)
        if threads == 1 or name == "numba"
    ]
    print("| vocabulary | kernel | threads | dim | CPU, µs a word | wall, µs a word |")
    print("|---|---|---|---|---|---|")
    for vocabulary in arguments.vocabulary:
        rows = text.rows(text.text(arguments.words, vocabulary, seed=1), seed=2)
        best = dict.fromkeys(settings, Cost(np.inf, np.inf))
        for _, setting in itertools.product(range(arguments.repeats), settings):
            name, threads, dim = setting
            found = cost(kernels.kernel(name, threads), rows, vocabulary, dim, arguments.words)
            best[setting] = Cost(*map(min, best[setting], found))
        for (name, threads, dim), least in best.items():
            figures = f"{least.cpu:.2f} | {least.wall:.2f}"
            print(f"| {vocabulary:,} | {name} | {threads} | {dim} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
