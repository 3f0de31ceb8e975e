"""Files on this machine's own file system and its mounts."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vecmill.errors import VecmillError
from vecmill.storage import atomic
from vecmill.storage.files import OutputError


def local_path(root: str) -> Path | None:
    """The path on this machine that `root` names, plainly or as "file:..."; None on other file systems."""
    # Not urlparse: in Hadoop's paths "#" and "?" are letters like any other.
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):/", root)
    if found is None:
        return Path(root)
    return Path("/" + root.partition(":")[2].lstrip("/")) if found[1] == "file" else None


class LocalFiles:
    """See `storage.files.Files`."""

    def __init__(self, root: str, folder: Path) -> None:
        self.root = root
        self.local = folder

    def path(self, name: str) -> str:
        """See Files."""
        return f"{self.root.rstrip('/')}/{name}"

    def exists(self, name: str) -> bool:
        """See Files."""
        return (self.local / name).exists()

    def names(self, name: str) -> list[str]:
        """See Files."""
        if not self.exists(name):
            return []
        with self._explained("list", name):
            return sorted(os.listdir(self.local / name))

    def size(self, name: str) -> int:
        """See Files."""
        top = self.local / name
        with self._explained("measure", name):
            if not top.is_dir():
                return top.stat().st_size
            return sum(file.stat().st_size for file in top.rglob("*") if file.is_file())

    def modified(self, name: str) -> int:
        """See Files."""
        with self._explained("look at", name):
            return (self.local / name).stat().st_mtime_ns // 1_000_000

    def create(self) -> None:
        """See Files."""
        try:
            self.local.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(self.root, error.strerror or "") from error

    def read_text(self, name: str) -> str:
        """See Files."""
        with self._explained("read", name):
            return (self.local / name).read_bytes().decode()

    def read_text_if_any(self, name: str) -> str | None:
        """See Files."""
        new = f"{name}.new"
        found = next((one for one in (name, new) if self.exists(one)), None)
        return None if found is None else self.read_text(found)

    def write_text(self, name: str, text: str) -> None:
        """See Files."""
        with self._explained("write", name):
            atomic.write_text(self.local / name, text)

    def create_text(self, name: str, text: str) -> bool:
        """See Files."""
        with self._explained("write", name):
            try:
                with (self.local / name).open("x", encoding="utf-8", newline="") as file:
                    file.write(text)
            except FileExistsError:
                return False
            return True

    def publish(self, source: str, target: str) -> None:
        """See Files."""
        self.delete(target)
        with self._explained("publish", target):
            (self.local / target).parent.mkdir(parents=True, exist_ok=True)
            (self.local / source).rename(self.local / target)

    def delete(self, name: str) -> None:
        """See Files."""
        place = self.local / name
        with self._explained("remove", name):
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)

    def put(self, local: Path, name: str) -> None:
        """See Files."""
        place = self.local / name
        with self._explained("write", name):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(local, place)

    @contextmanager
    def _explained(self, action: str, name: str) -> Iterator[None]:
        """Turn a failure of the file system into one sentence."""
        try:
            yield
        except UnicodeDecodeError as error:
            raise VecmillError(f"could not {action} {self.path(name)}: it is not UTF-8 text") from error
        except OSError as error:
            cause = error.strerror or str(error)
            raise VecmillError(f"could not {action} {self.path(name)}: {cause}") from error
