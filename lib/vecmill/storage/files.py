"""The files of a folder that are not tables: one interface, whichever file system holds them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

from vecmill.errors import ConfigError, VecmillError


class FileStatus(NamedTuple):
    """One file as its file system lists it; `modified` is in milliseconds since 1970."""

    path: str
    size: int
    modified: int


class Files(Protocol):
    """A folder, addressed by names relative to it, such as "model/round=3".

    root   the folder as the user names it
    local  the same on the file system of this machine; None if it lies elsewhere

    Methods raise VecmillError with one sentence if the file system fails.
    """

    @property
    def root(self) -> str:
        """The folder as the user names it."""

    @property
    def local(self) -> Path | None:
        """The folder on the file system of this machine; None if it lies elsewhere."""

    def path(self, name: str) -> str:
        """The full path of `name`, for messages and for Spark's readers and writers."""

    def exists(self, name: str) -> bool:
        """Whether `name` is a file or folder."""

    def names(self, name: str) -> list[str]:
        """The sorted names in the folder `name`; none if it does not exist."""

    def size(self, name: str) -> int:
        """Bytes of all files below `name`."""

    def modified(self, name: str) -> int:
        """When the file was last written, in milliseconds since 1970 by its file system's clock."""

    def create(self) -> None:
        """Create the folder and its parents if they are missing."""

    def read_text(self, name: str) -> str:
        """The whole of a UTF-8 file."""

    def read_text_if_any(self, name: str) -> str | None:
        """The whole of a file that `write_text` wrote; None if there is none.

        Object stores remove the old file before they put the new one in its place. A writer that was killed
        in between has left the new one beside it, whole.
        """

    def write_text(self, name: str, text: str) -> None:
        """Write the whole file beside its place, then put it there: readers see the old or the new file."""

    def create_text(self, name: str, text: str) -> bool:
        """Write the file unless it exists; False if it does."""

    def publish(self, source: str, target: str) -> None:
        """Put the folder or file `source` in the place of `target`, which is deleted first."""

    def delete(self, name: str) -> None:
        """Delete a file or a whole folder; does nothing if it does not exist."""

    def put(self, local: Path, name: str) -> None:
        """Copy a file of this machine to `name`, over what is there."""


class OutputError(ConfigError):
    """The output folder cannot be written to."""

    def __init__(self, path: str, cause: str = "") -> None:
        because = f" ({cause})" if cause else ""
        super().__init__(
            [
                f"output.path: cannot write to {path}{because}; "
                "name a folder that can be created and written to, with output.path"
            ]
        )


def prepare_output(files: Files) -> None:
    """Create the output folder if it is missing, and try it with a small file.

    Raises OutputError (exit code 2) if it cannot be created or written to.
    """
    try:
        files.create()
        files.write_text(".writable", "")
        files.delete(".writable")
    except VecmillError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(files.root, str(error)) from error
