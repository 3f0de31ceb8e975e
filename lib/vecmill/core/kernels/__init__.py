"""The programs that change parameters, by library: in NumPy, and compiled by Numba.

A kernel takes tables, a batch of examples and learning rates, changes the tables in place and returns the
summed loss in nats. All kernels of all models follow this contract.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib.util import find_spec
from typing import NamedTuple

from vecmill.core.arrays import Floats
from vecmill.core.buckets import Bucket
from vecmill.core.rows import Rows

# By name, (rows, columns) float32.
Tables = Mapping[str, Floats]
# One learning rate per row. Module-level functions, because tasks receive them by name.
Kernel = Callable[[Tables, Rows, Floats], float]
# One learning rate per step of the bucket; trains a range of its steps.
BucketKernel = Callable[[Tables, Bucket, Floats, range], float]


class KernelChoice(NamedTuple):
    """The library of a kernel, and the reason for taking it."""

    library: str
    reason: str


def choose(wanted: str, available: Collection[str] = ("numba", "numpy")) -> KernelChoice:
    """The library that train.kernel = `wanted` means here; "auto" is the fastest that can be loaded.

    `available` are the libraries that the model has a kernel for.
    """
    if wanted != "auto":
        return KernelChoice(wanted, "as configured")
    if "numba" not in available:
        return KernelChoice("numpy", "the model has no other")
    if has_numba():
        return KernelChoice("numba", "fastest available")
    return KernelChoice("numpy", "Numba is not installed; pip install numba for five times the speed")


def has_numba() -> bool:
    """Whether compiled kernels can be loaded."""
    return find_spec("numba") is not None
