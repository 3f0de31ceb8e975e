"""Memory and disk of this machine."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from vecmill.formatting import KIB, MIB

# Before any text or model: a Python process with NumPy, pandas and PyArrow (117 MB the driver's and
# 142 MB a worker's were seen), and the heap that Spark fills for itself.
PYTHON_BASE = 150 * MIB
HEAP_BASE = 256 * MIB


def available_memory() -> int | None:
    """Bytes that new processes can have, within this container's limit; None where nobody tells."""
    limits = [limit for limit in (_free_memory(), _left_in_container()) if limit is not None]
    return min(limits, default=None)


def free_disk(path: Path) -> int | None:
    """Bytes free where `path` is or would be made; None where that cannot be told."""
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
