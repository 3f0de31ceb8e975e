"""Kernels: functions that train tables on a batch of examples, in NumPy or compiled by Numba.

A kernel takes tables, a batch and learning rates. It changes the tables in place and returns the loss in
nats, summed over the batch, each term at the parameters before its update. It raises ShapeError, with the
tables unchanged, if an argument has another shape or dtype than documented or an id is out of range. It
releases the GIL if it is compiled, and threads may train the same tables. One thread gives the same bytes
for the same arguments. All kernels of all models follow this contract, which
`tests/core/kernels/test_contract.py` checks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib.util import find_spec
from typing import NamedTuple

from vecmill.core.arrays import Floats
from vecmill.core.buckets import Bucket
from vecmill.core.rows import Rows

# Tables of parameters by name, (rows, columns) float32.
Tables = Mapping[str, Floats]
# Trains on rows with one learning rate per row. A module-level function, since pickle sends it by name.
Kernel = Callable[[Tables, Rows, Floats], float]
# Trains on consecutive steps of a bucket; one learning rate per step of the bucket.
BucketKernel = Callable[[Tables, Bucket, Floats, range], float]


class KernelChoice(NamedTuple):
    """The library of a kernel, and the reason for this choice."""

    library: str
    reason: str


def choose(wanted: str, available: Collection[str] = ("numba", "numpy")) -> KernelChoice:
    """The library for train.kernel = `wanted`; "auto" takes the fastest one that this machine can load.

    `available` are the libraries for which the model has a kernel.
    """
    if wanted != "auto":
        return KernelChoice(wanted, "as configured")
    if "numba" not in available:
        return KernelChoice("numpy", "the model has no other")
    if has_numba():
        return KernelChoice("numba", "fastest available")
    return KernelChoice("numpy", "Numba is not installed; pip install numba for five times the speed")


def has_numba() -> bool:
    """Whether Numba is installed, which compiled kernels need."""
    return find_spec("numba") is not None
