"""Disks in memory, which can be small and read-only. Only root can mount them."""

from __future__ import annotations

import subprocess
from pathlib import Path


def mount(folder: Path, size: str) -> None:
    """Mount an empty disk of a size such as "2m" on a folder."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)


def change(folder: Path, option: str) -> None:
    """Change a mounted disk: "ro", "rw" or "size=8m"."""
    subprocess.run(["mount", "-o", f"remount,{option}", folder], check=True)


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
