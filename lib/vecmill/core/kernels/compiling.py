"""How kernels are compiled by Numba."""

from __future__ import annotations

from typing import Any

import numba
from numba.core import types

from vecmill.core.kernels.code_cache import move_to_cache

# Types of the arguments of kernels, for the signatures that they are compiled for.
TABLE = types.Array(types.float32, 2, "C")
RATES = types.Array(types.float32, 1, "C", readonly=True)
IDS = types.Array(types.int32, 1, "C", readonly=True)
IDS_BY_ROW = types.Array(types.int32, 2, "C", readonly=True)

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "boundscheck": False,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}


# Compile a function into the functions that call it. If helpers are functions of their own, a process that
# compiles a kernel runs it at half the speed of a process that loads it from the cache.
inlined = numba.njit(forceinline=True, **_OPTIONS)


def compiled(signature: Any) -> Any:
    """Compile a function now, or load the machine code that an earlier process compiled.

    If no folder can be written, every process compiles. For the place of the machine code, and for what
    makes a process compile anew, see `core.kernels.code_cache`.
    """

    def decorate(function: Any) -> Any:
        if move_to_cache(function):
            try:
                return numba.njit(signature, cache=True, **_OPTIONS)(function)
            except (OSError, RuntimeError):
                # The disk is full, or Numba finds no folder for its cache ("no locator available").
                pass
        return numba.njit(signature, **_OPTIONS)(function)

    return decorate
