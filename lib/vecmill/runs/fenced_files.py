"""Files that are changed only while the run holds their folder."""

from __future__ import annotations

from pathlib import Path

from vecmill.runs.lease import Lease
from vecmill.storage.files import Files


class FencedFiles:
    """See `storage.files.Files`. Every change first checks the lease; OutputHeldError if it is lost."""

    def __init__(self, files: Files, lease: Lease) -> None:
        self._files, self._lease = files, lease

    @property
    def root(self) -> str:
        """See Files."""
        return self._files.root

    @property
    def local(self) -> Path | None:
        """See Files."""
        return self._files.local

    def path(self, name: str) -> str:
        """See Files."""
        return self._files.path(name)

    def exists(self, name: str) -> bool:
        """See Files."""
        return self._files.exists(name)

    def names(self, name: str) -> list[str]:
        """See Files."""
        return self._files.names(name)

    def below(self, name: str) -> list[tuple[str, int]]:
        """See Files."""
        return self._files.below(name)

    def size(self, name: str) -> int:
        """See Files."""
        return self._files.size(name)

    def modified(self, name: str) -> int:
        """See Files."""
        return self._files.modified(name)

    def read_text(self, name: str) -> str:
        """See Files."""
        return self._files.read_text(name)

    def read_text_if_any(self, name: str) -> str | None:
        """See Files."""
        return self._files.read_text_if_any(name)

    def create(self) -> None:
        """See Files."""
        self._lease.check()
        self._files.create()

    def write_text(self, name: str, text: str) -> None:
        """See Files."""
        self._lease.check()
        self._files.write_text(name, text)

    def create_text(self, name: str, text: str) -> bool:
        """See Files."""
        self._lease.check()
        return self._files.create_text(name, text)

    def publish(self, source: str, target: str) -> None:
        """See Files."""
        self._lease.check()
        self._files.publish(source, target)

    def delete(self, name: str) -> None:
        """See Files."""
        self._lease.check()
        self._files.delete(name)

    def put(self, local: Path, name: str) -> None:
        """See Files."""
        self._lease.check()
        self._files.put(local, name)
