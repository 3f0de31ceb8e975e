"""Small disks in memory, and folders that cannot be written to. Only root can make them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def mount(folder: Path, size: str) -> None:
    """Mount an empty disk of a size such as "2m" on a folder."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)


def resize(folder: Path, size: str) -> None:
    """Change the size of a mounted disk."""
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


def unmount(folder: Path) -> None:
    """Unmount a disk, also if a dying process still has a file open."""
    subprocess.run(["umount", "--lazy", folder], check=False, capture_output=True)


def can_mount(folder: Path) -> bool:
    """Whether this process may mount a disk; many containers forbid it."""
    probe = folder / "probe"
    probe.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", probe]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
    if mounted:
        unmount(probe)
    probe.rmdir()
    return mounted


def set_read_only(folder: Path, *, to: bool) -> None:
    """Forbid or allow new files in a folder and all folders below it.

    A disk cannot be made read-only while a run has its lock file open.
    """
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    # A run may delete some of them meanwhile.
    command = ["chattr", "+i" if to else "-i", *folders]
    subprocess.run(command, check=False, capture_output=True)


def can_set_read_only(folder: Path) -> bool:
    """Whether this process may do so; file systems and containers may forbid it."""
    probe = folder / "probe"
    probe.mkdir(exist_ok=True)
    try:
        set_read_only(probe, to=True)
        (probe / "file").touch()
    except PermissionError:
        return True
    except FileNotFoundError:
        # There is no chattr.
        return False
    else:
        (probe / "file").unlink()
        return False
    finally:
        if shutil.which("chattr"):
            set_read_only(probe, to=False)
        probe.rmdir()
