"""The programs that train on a batch of rows, under the names that a configuration gives them.

A kernel changes its tables in place and returns the summed loss. All follow one contract, so that the
loop of rounds need not know which model it trains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vecmill.core import sgns, sgns_buckets
from vecmill.core.buckets import Bucket
from vecmill.core.rows import Rows

Floats = npt.NDArray[np.float32]
Tables = Mapping[str, Floats]
Kernel = Callable[[Tables, Rows, Floats], float]
BucketKernel = Callable[[Tables, Bucket, Floats], float]


class Choice(NamedTuple):
    """A kernel by its name, and why it is this one."""

    name: str
    reason: str


def choose(wanted: str) -> Choice:
    """The kernel that `wanted` stands for on this machine: "auto" is the quickest that can be loaded."""
    if wanted != "auto":
        return Choice(wanted, "as configured")
    if has_numba():
        return Choice("numba", "the quickest, and Numba is installed")
    return Choice("numpy", "Numba is not installed; pip install 'vecmill[fast]' makes training quicker")


def has_numba() -> bool:
    """Whether the compiled kernel can be loaded."""
    return find_spec("numba") is not None


def kernel(name: str) -> Kernel:
    """The kernel `name`, a function that can be sent to workers."""
    return _sgns_numba if name == "numba" else _sgns_numpy


def bucket_kernel(name: str, threads: int = 1) -> BucketKernel:
    """The same for the buckets of blocked training; only "numba" has more threads than one.

    A worker has one bucket at a time, so threads share it, while those of rows take a batch each.
    """
    return partial(_buckets_numba, threads=threads) if name == "numba" else _buckets_numpy


def _sgns_numpy(tables: Tables, rows: Rows, learning_rates: Floats) -> float:
    return sgns.update(tables["W"], tables["C"], rows, learning_rates)


def _sgns_numba(tables: Tables, rows: Rows, learning_rates: Floats) -> float:
    # Here and not above: loading it compiles, and not everybody has it.
    from vecmill.core import sgns_compiled

    return sgns_compiled.update(tables["W"], tables["C"], rows, learning_rates)


def _buckets_numpy(tables: Tables, bucket: Bucket, learning_rates: Floats) -> float:
    return sgns_buckets.update(tables["W"], tables["C"], bucket, learning_rates)


def _buckets_numba(tables: Tables, bucket: Bucket, learning_rates: Floats, *, threads: int) -> float:
    from vecmill.core import sgns_buckets_compiled

    return sgns_buckets_compiled.update(tables["W"], tables["C"], bucket, learning_rates, threads=threads)
