"""The free memory and disk of this machine."""

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


def available_memory() -> int | None:
    """Bytes available to new processes within the limit of the container; None if unknown."""
    limits = [limit for limit in (_free_memory(), _left_in_container()) if limit is not None]
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
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
        if found:
            return int(found.group(1)) * KIB
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def _left_in_container() -> int | None:
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = (folder / "memory.current").read_text().strip()
        return None if limit == "max" else max(0, int(limit) - int(used))
    except (OSError, ValueError):
        return None
