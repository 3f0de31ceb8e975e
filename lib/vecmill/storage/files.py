"""The files of a folder that are not tables: one interface for every file system."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

from vecmill.errors import ConfigError, VecmillError

# What the name of a file ends with before it is renamed to its place.
NEW = ".new"

NOT_UTF8 = "it is not UTF-8 text"


class FileStatus(NamedTuple):
    """One file as its file system lists it; `modified` is in milliseconds since 1970."""

    path: str
    size: int
    modified: int


class Files(Protocol):
    """A folder, addressed by names relative to it, such as "model/round=3".

    Methods raise VecmillError with one sentence if the file system fails: see `failure`.
    """

    @property
    def root(self) -> str:
        """The folder as the user names it."""

    @property
    def local(self) -> Path | None:
        """The folder, if this machine can open its files; None if not."""

    def path(self, name: str) -> str:
        """The full path of `name` below `root`, for messages and for Spark's readers and writers."""

    def exists(self, name: str) -> bool:
        """Whether `name` is a file or folder."""

    def names(self, name: str) -> list[str]:
        """The sorted names in a folder; none if it does not exist."""

    def below(self, name: str) -> list[tuple[str, int]]:
        """Every file below the folder `name`: its path within the folder, and its bytes."""

    def size(self, name: str) -> int:
        """Bytes of a file, or of all files below a folder."""

    def modified(self, name: str) -> int:
        """When a file was last written, in milliseconds since 1970 by the clock of its file system."""

    def create(self) -> None:
        """Create the folder `root` and its parents if they are missing."""

    def read_text(self, name: str) -> str:
        """The content of a UTF-8 file."""

    def read_text_if_any(self, name: str) -> str | None:
        """The content of a file that `write_text` wrote; None if it does not exist.

        An object store deletes the old file before it renames the new one. If the writer was killed in
        between, the new file still has the name "NAME.new" and is read instead.
        """

    def write_text(self, name: str, text: str) -> None:
        """Write a UTF-8 file beside its place, then rename it: readers see the whole old or new file.

        Creates missing folders, as do `create_text`, `publish` and `put`.
        """

    def create_text(self, name: str, text: str) -> bool:
        """Write a file unless it exists; False if it does."""

    def publish(self, source: str, target: str) -> None:
        """Delete `target`, a file or folder, and rename `source` to it."""

    def delete(self, name: str) -> None:
        """Delete a file or a whole folder; does nothing if it does not exist."""

    def put(self, local: Path, name: str) -> None:
        """Copy a file of this machine to `name`, replacing a file that is there."""


def full_path(root: str, name: str) -> str:
    """The path of `name` below `root`; `root` itself if `name` is empty."""
    return f"{root.rstrip('/')}/{name}" if name else root


def failure(action: str, path: str, cause: str) -> VecmillError:
    """The error of every implementation: "could not read /run/run.json: No such file or directory"."""
    return VecmillError(f"could not {action} {path}: {cause}")


class OutputError(ConfigError):
    """The output folder cannot be written to (exit code 2)."""

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(
            [
                f"output.path: cannot write to {path} ({cause}); "
                "name a folder that can be created and written to"
            ]
        )


def prepare_output(files: Files) -> None:
    """Create the output folder if it is missing, and write and delete a small file in it.

    Raises OutputError if it cannot be created or written to.
    """
    try:
        files.create()
        files.write_text(".writable", "")
        files.delete(".writable")
    except VecmillError as error:
        raise OutputError(files.root, str(error)) from error
