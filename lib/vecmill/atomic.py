"""Files of this machine that readers see whole: the old one or the new one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


def write_text(path: Path, text: str, mode: int | None = None) -> None:
    """Write the whole UTF-8 file beside its place, then rename it over what is there.

    Creates the folder if it is missing. `mode` is the permissions of the file, by default as the umask has
    it. Several processes may write the same file at once; the last one wins. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{uuid4().hex}.new")
    try:
        new.write_text(text, encoding="utf-8", newline="")
        if mode is not None:
            new.chmod(mode)
        os.replace(new, path)
    except OSError:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise
