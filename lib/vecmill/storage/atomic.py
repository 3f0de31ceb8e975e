"""Files of this machine that readers see whole: the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write the whole UTF-8 file beside its place, then rename it over what is there. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = beside(path)
    new.write_text(text, encoding="utf-8", newline="")
    os.replace(new, path)


def beside(path: Path) -> Path:
    """Where the new version of a file is written before it is renamed."""
    return path.with_name(f"{path.name}.new")
