"""Files on the file systems of this machine: its disks and mounts."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vecmill import atomic
from vecmill.storage.files import NEW, NOT_UTF8, failure, full_path


def local_path(root: str) -> Path | None:
    """The path on this machine that `root` names, plain or as "file:..."; None for other file systems."""
    # Not urlparse: in Hadoop's paths "#" and "?" are ordinary characters.
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
        return full_path(self.root, name)

    def exists(self, name: str) -> bool:
        """See Files."""
        with self._explained("look for", name):
            return (self.local / name).exists()

    def names(self, name: str) -> list[str]:
        """See Files."""
        if not self.exists(name):
            return []
        with self._explained("list", name):
            return sorted(os.listdir(self.local / name))

    def below(self, name: str) -> list[tuple[str, int]]:
        """See Files."""
        folder = self.local / name
        with self._explained("list", name):
            found = (path for path in folder.rglob("*") if path.is_file())
            return [(path.relative_to(folder).as_posix(), path.stat().st_size) for path in found]

    def size(self, name: str) -> int:
        """See Files."""
        top = self.local / name
        with self._explained("read the size of", name):
            if not top.is_dir():
                return top.stat().st_size
            return sum(file.stat().st_size for file in top.rglob("*") if file.is_file())

    def modified(self, name: str) -> int:
        """See Files."""
        with self._explained("read the time of", name):
            return (self.local / name).stat().st_mtime_ns // 1_000_000

    def create(self) -> None:
        """See Files."""
        with self._explained("create", ""):
            self.local.mkdir(parents=True, exist_ok=True)

    def read_text(self, name: str) -> str:
        """See Files."""
        with self._explained("read", name):
            return (self.local / name).read_bytes().decode()

    def read_text_if_any(self, name: str) -> str | None:
        """See Files."""
        return next((self.read_text(path) for path in (name, name + NEW) if self.exists(path)), None)

    def write_text(self, name: str, text: str) -> None:
        """See Files."""
        with self._explained("write", name):
            atomic.write_text(self.local / name, text)

    def create_text(self, name: str, text: str) -> bool:
        """See Files."""
        with self._explained("write", name):
            path = self.local / name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with path.open("x", encoding="utf-8", newline="") as file:
                    file.write(text)
            except FileExistsError:
                return False
            return True

    def publish(self, source: str, target: str) -> None:
        """See Files."""
        self.delete(target)
        with self._explained(f"rename {self.path(source)} to", target):
            (self.local / target).parent.mkdir(parents=True, exist_ok=True)
            (self.local / source).rename(self.local / target)

    def delete(self, name: str) -> None:
        """See Files."""
        path = self.local / name
        with self._explained("delete", name):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def put(self, local: Path, name: str) -> None:
        """See Files."""
        path = self.local / name
        with self._explained("write", name):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(local, path)

    @contextmanager
    def _explained(self, action: str, name: str) -> Iterator[None]:
        """Turn a failure of the file system into one sentence."""
        try:
            yield
        except UnicodeDecodeError as error:
            raise failure(action, self.path(name), NOT_UTF8) from error
        except OSError as error:
            raise failure(action, self.path(name), error.strerror or str(error)) from error
