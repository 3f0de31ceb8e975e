"""Where Numba keeps the machine code of kernels between processes.

Numba compiles a cached function again if the file of that function changes. It does not look at the files
of functions that it inlined and of constants that it copied. So a kernel appears to come from a file in a
folder whose name is a digest of every source that its machine code is made of. Numba keeps the machine code
beside that file, or under NUMBA_CACHE_DIR by the path of that file. So an edit of any source leads to
another place, in a wheel too. A cache locator of our own would do the same with classes that are private
to Numba.
"""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import resolve_name
from pathlib import Path
from types import FunctionType

import llvmlite
import numba

# Versions of one kernel that stay in a folder; the least recently used ones are removed.
_VERSIONS_KEPT = 8


def move_to_cache(function: FunctionType) -> bool:
    """Make a function appear to come from the folder that caches its machine code.

    Returns False if its sources cannot be read or if no folder can be written.
    """
    sources = sources_of(function.__module__)
    if not sources:
        return False
    path = Path(function.__code__.co_filename)
    for parent in _parents(path):
        folder = parent / f"{path.stem}-{_digest(sources)}"
        with suppress(OSError):
            # Not *.py, so that no search for the package's modules finds a copy.
            copy = _written(folder / f"{path.stem}.source", sources[function.__module__])
            function.__code__ = function.__code__.replace(co_filename=str(copy))
            _remove_old(parent, path.stem)
            return True
    return False


def sources_of(module: str) -> dict[str, str]:
    """The sources, by name, of a module and of what it imports from its package and from this one.

    Imports are followed from module to module, as far as they stand at the top level. Empty if a source is
    missing.
    """
    packages = {module.partition(".")[0], __name__.partition(".")[0]}
    sources: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        source = _source(name)
        if source is None:
            return {}
        sources[name] = source
        imported = _imports(source, sys.modules[name].__package__ or "")
        waiting += [other for other in imported if other.partition(".")[0] in packages]
    return sources


def _source(module: str) -> str | None:
    with suppress(ImportError, AttributeError):
        source: str | None = sys.modules[module].__spec__.loader.get_source(module)  # type: ignore[union-attr]
        return source
    return None


def _imports(source: str, package: str) -> Iterator[str]:
    """The modules that the source of a module of a package imports at its top level."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in sys.modules else base


def _digest(sources: dict[str, str]) -> str:
    """A digest of sources and of the compilers; Numba itself tells processors apart."""
    parts = [sys.version, numba.__version__, llvmlite.__version__]
    parts += [part for item in sorted(sources.items()) for part in item]
    lengths_and_parts = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(lengths_and_parts.encode()).hexdigest()[:16]


def _parents(path: Path) -> Iterator[Path]:
    """Folders that may take the caches of a module's functions, best first."""
    if folder := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(folder) / "vecmill"
    # Spark sends the package to executors as an archive. Beside it lies the executor's working directory.
    archive = next((parent for parent in path.parents if parent.is_file()), None)
    yield archive.with_name(f"{archive.name}-compiled") if archive else path.parent / "__pycache__"
    with suppress(RuntimeError):  # There is no home.
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vecmill"


def _written(path: Path, source: str) -> Path:
    """The path, at which the source is written unless it is there. Raises OSError."""
    if path.exists():
        with suppress(OSError):
            # The time of the last use, by which old versions are removed.
            os.utime(path.parent)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    # Several processes may write at once, and none may read half a file.
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(source, encoding="utf-8")
    part.replace(path)
    return path


def _remove_old(parent: Path, module: str) -> None:
    def last_used(folder: Path) -> float:
        with suppress(OSError):
            return folder.stat().st_mtime
        return 0.0

    versions = sorted(parent.glob(f"{module}-*"), key=last_used, reverse=True)
    for folder in versions[_VERSIONS_KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
