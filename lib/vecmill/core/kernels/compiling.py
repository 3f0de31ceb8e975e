"""How kernels are compiled and cached."""

from __future__ import annotations

import os
import pkgutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core import types

# What kernels take, in the signatures that they are compiled for.
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


# Into the function that calls it: a process that compiled a kernel ran it at half the speed of one that
# loaded it from Numba's cache while its helpers were functions of their own.
inlined = numba.njit(forceinline=True, **_OPTIONS)


def compiled(signature: Any) -> Any:
    """Compile a function now, or load what an earlier process compiled, where it can be kept.

    Numba keeps it in the package's folder or in the home, and compiles again once the function's own file
    is another one; who changes this file, `core.tiles` or `core.registers` has to remove core/__pycache__.
    Of a wheel that Spark sent to an executor it is kept beside the wheel.
    """

    def decorate(function: Any) -> Any:
        _place_beside_archive(function)
        try:
            return numba.njit(signature, cache=True, **_OPTIONS)(function)
        except RuntimeError:
            # "no locator available": there is no place to write to, and each process compiles.
            return numba.njit(signature, **_OPTIONS)(function)

    return decorate


def _place_beside_archive(function: Any) -> None:
    """Let a function of a module in an archive seem to be of a file beside it, since Numba wants a file."""
    path = Path(function.__code__.co_filename)
    archive = next((parent for parent in path.parents if parent.is_file()), None)
    if archive is None:
        return
    with suppress(OSError):
        source = archive.with_name(f"{archive.name}-compiled") / path.name
        if not source.exists():
            source.parent.mkdir(exist_ok=True)
            # Several workers may do so at once, and none may read half of it.
            written = source.with_suffix(f".{os.getpid()}")
            written.write_bytes(pkgutil.get_data(function.__module__, path.name) or b"")
            written.replace(source)
        function.__code__ = function.__code__.replace(co_filename=str(source))
