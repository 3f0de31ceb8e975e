"""The memory and disk of this machine."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from vecmill.formatting import KIB, MIB

# Without any text or model: a Python process with NumPy, pandas and PyArrow (117 MB were measured for the
# driver, 142 MB for a worker), and the heap that Spark fills for itself.
PYTHON_BASE = 150 * MIB
HEAP_BASE = 256 * MIB

_CONTAINER = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Bytes available to new processes within the limit of the container; None if unknown."""
    limits = [limit for limit in (_free_memory(), _left_in_container()) if limit is not None]
    return min(limits, default=None)


def total_memory() -> int | None:
    """Bytes of memory of this machine, or of the container; None if unknown."""
    limits = [limit for limit in (_memory_of_machine(), _container_limit()) if limit is not None]
    return min(limits, default=None)


def free_disk(path: Path) -> int | None:
    """Free bytes on the disk of `path`, which need not exist yet; None if unknown."""
    for folder in (path, *path.absolute().parents):
        try:
            return shutil.disk_usage(folder).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


def _free_memory() -> int | None:
    free = _read_meminfo("MemAvailable")
    return _memory_of_machine() if free is None else free


def _memory_of_machine() -> int | None:
    try:
        return _read_meminfo("MemTotal") or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def _read_meminfo(name: str) -> int | None:
    try:
        found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return None
    return int(found.group(1)) * KIB if found else None


def _left_in_container() -> int | None:
    limit = _container_limit()
    try:
        used = int((_CONTAINER / "memory.current").read_text())
    except (OSError, ValueError):
        return None
    return None if limit is None else max(0, limit - used)


def _container_limit() -> int | None:
    try:
        limit = (_CONTAINER / "memory.max").read_text().strip()
        return None if limit == "max" else int(limit)
    except (OSError, ValueError):
        return None
