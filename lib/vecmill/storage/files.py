"""Files that are not tables, on whatever file system Hadoop knows: file, hdfs, s3a, abfss, viewfs.

The only module that reaches into Spark's JVM; PySpark has no public way to Hadoop's FileSystem.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from vecmill.errors import ConfigError, InputError, VecmillError


class FileStatus(NamedTuple):
    """One file as its file system lists it; `modified` is in milliseconds since 1970."""

    path: str
    size: int
    modified: int


@dataclass(frozen=True)
class Folder:
    """A folder on any Hadoop file system, addressed by names relative to it, such as "model/round=3"."""

    spark: SparkSession
    root: str

    def path(self, name: str) -> str:
        """The full path of `name`, for Spark's readers and writers."""
        return f"{self.root.rstrip('/')}/{name}"

    def qualified(self, name: str) -> str:
        """The full path of `name` with its file system, such as "file:/data/run/tokens"."""
        return str(self._file_system.makeQualified(self._hadoop_path(name)).toString())

    def exists(self, name: str) -> bool:
        """Whether there is a file or folder `name`."""
        with self._told(f"look for {self.path(name)}"):
            return bool(self._file_system.exists(self._hadoop_path(name)))

    def names(self, name: str) -> list[str]:
        """The names of what lies in the folder `name`, sorted; none where it does not exist."""
        if not self.exists(name):
            return []
        with self._told(f"list {self.path(name)}"):
            entries = self._file_system.listStatus(self._hadoop_path(name))
            return sorted(str(entry.getPath().getName()) for entry in entries)

    def size(self, name: str) -> int:
        """Bytes of all files below `name`."""
        with self._told(f"measure {self.path(name)}"):
            summary = self._file_system.getContentSummary(self._hadoop_path(name))
            return int(summary.getLength())

    def modified(self, name: str) -> int:
        """When the file was last written, in milliseconds since 1970 by its file system's clock."""
        with self._told(f"look at {self.path(name)}"):
            status = self._file_system.getFileStatus(self._hadoop_path(name))
            return int(status.getModificationTime())

    def create(self) -> None:
        """Make the folder and those above it where they are missing."""
        with self._told(f"make {self.root}"):
            if not self._file_system.mkdirs(self._path_class(self.root)):
                raise OutputError(self.root)

    def read_text(self, name: str) -> str:
        """The whole of a UTF-8 file."""
        with self._told(f"read {self.path(name)}"):
            stream = self._file_system.open(self._hadoop_path(name))
            try:
                return str(
                    self._java.org.apache.commons.io.IOUtils.toString(
                        stream, self._java.java.nio.charset.StandardCharsets.UTF_8
                    )
                )
            finally:
                stream.close()

    def read_text_if_any(self, name: str) -> str | None:
        """The whole of a file that `write_text` wrote; None where there is none.

        Object stores remove the old file before they put the new one in its place. A writer that was
        killed in between has left the new one beside it, whole.
        """
        found = next((one for one in (name, _beside(name)) if self.exists(one)), None)
        return None if found is None else self.read_text(found)

    def write_text(self, name: str, text: str) -> None:
        """Write the whole file beside its place, then put it there: a reader sees the old or the new."""
        self._write(_beside(name), text, overwrite=True)
        with self._told(f"write {self.path(name)}"):
            here, there = (local_path(self.qualified(one)) for one in (_beside(name), name))
            if here and there:
                # Hadoop's own local file system would remove the old file first.
                here.replace(there)
            else:
                self._rename(_beside(name), name, overwrite=True)

    def create_text(self, name: str, text: str) -> bool:
        """Write the file only where there is none; False where there is."""
        if self.exists(name):
            return False
        try:
            self._write(name, text, overwrite=False)
        except VecmillError:
            if self.exists(name):
                return False
            raise
        return True

    def publish(self, source: str, target: str) -> None:
        """Put the folder or file `source` in the place of `target`, which goes first."""
        self.delete(target)
        with self._told(f"publish {self.path(target)}"):
            parent = self._hadoop_path(target).getParent()
            self._file_system.mkdirs(parent)
            self._rename(source, target, overwrite=False)

    def delete(self, name: str) -> None:
        """Remove a file or a whole folder; nothing happens where there is none."""
        with self._told(f"remove {self.path(name)}"):
            self._file_system.delete(self._hadoop_path(name), True)

    def put(self, local: Path, name: str) -> None:
        """Copy a local file to `name`, over what was there."""
        with self._told(f"write {self.path(name)}"):
            source = self._path_class("file", "", str(local.absolute()))
            self._file_system.copyFromLocalFile(False, True, source, self._hadoop_path(name))

    # Each dot of a Java name is a question to the JVM, so what stays the same is asked for once.

    @cached_property
    def _java(self) -> Any:
        return self.spark._jvm

    @cached_property
    def _hadoop(self) -> Any:
        return self._java.org.apache.hadoop.fs

    @cached_property
    def _path_class(self) -> Any:
        return self._hadoop.Path

    @cached_property
    def _configuration(self) -> Any:
        return self.spark.sparkContext._jsc.hadoopConfiguration()

    @cached_property
    def _file_system(self) -> Any:
        system = self._path_class(self.root).getFileSystem(self._configuration)
        # A person may open run.json in an editor; a checksum beside it would then call it corrupt.
        system.setWriteChecksum(False)
        return system

    @cached_property
    def _file_context(self) -> Any:
        """Hadoop's other interface to the same file system: it can rename over what is there."""
        root = self._file_system.makeQualified(self._path_class(self.root))
        return self._hadoop.FileContext.getFileContext(root.toUri(), self._configuration)

    def _hadoop_path(self, name: str) -> Any:
        return self._path_class(self.path(name))

    def _rename(self, source: str, target: str, *, overwrite: bool) -> None:
        kind = self._hadoop.Options.Rename
        gateway = self.spark.sparkContext._gateway
        assert gateway is not None
        options = gateway.new_array(kind, 1)
        options[0] = kind.OVERWRITE if overwrite else kind.NONE
        source_path, target_path = (
            self._file_system.makeQualified(self._hadoop_path(name)) for name in (source, target)
        )
        self._file_context.rename(source_path, target_path, options)

    def _write(self, name: str, text: str, *, overwrite: bool) -> None:
        with self._told(f"write {self.path(name)}"):
            stream = self._file_system.create(self._hadoop_path(name), overwrite)
            try:
                stream.write(text.encode())
            finally:
                stream.close()

    @contextmanager
    def _told(self, action: str) -> Iterator[None]:
        """Turn a fault of the file system into one sentence."""
        try:
            yield
        except Py4JJavaError as error:
            raise VecmillError(f"could not {action}: {java_cause(error)}") from error
        except OSError as error:
            raise VecmillError(f"could not {action}: {error.strerror}") from error


def _beside(name: str) -> str:
    return f"{name}.new"


def local_path(qualified: str) -> Path | None:
    """The path on the machine's own file system that "file:..." names; None for any other."""
    # Not urlparse: in Hadoop's paths "#" and "?" are letters like any other.
    scheme, _, rest = qualified.partition(":")
    return Path("/" + rest.lstrip("/")) if scheme == "file" else None


class OutputError(ConfigError):
    """The output folder cannot be written to."""

    def __init__(self, path: str, cause: str = "") -> None:
        because = f" ({cause})" if cause else ""
        super().__init__(
            [
                f"output.path: cannot write to {path}{because}; "
                "name a folder that can be made and written to, with output.path"
            ]
        )


def java_cause(error: Py4JJavaError) -> str:
    """The innermost cause of a Java exception, on one line."""
    cause = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    name = str(cause.getClass().getSimpleName())
    message = str(cause.getMessage() or "").strip()
    return f"{name}: {message.splitlines()[0]}" if message else name


def open_output(spark: SparkSession, path: str) -> Folder:
    """The output folder, made where it is missing and tried with a small file.

    Raises OutputError (exit code 2) where it cannot be made or written to.
    """
    folder = Folder(spark, path)
    try:
        folder.create()
        folder._write(".writable", "", overwrite=True)
        folder.delete(".writable")
    except VecmillError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(path, str(error)) from error
    return folder


def list_input(spark: SparkSession, path: str) -> list[FileStatus]:
    """The files that Spark would read at `path`: a file, a folder with all below it, or a glob.

    Hidden names (beginning with "." or "_") are left out, as Spark leaves them out. The driver holds
    one entry a file.

    Raises InputError where there is no such path or no file in it.
    """
    folder = Folder(spark, path)
    hadoop = folder._java.org.apache.hadoop.fs
    try:
        system = hadoop.Path(path).getFileSystem(folder._configuration)
        matches = system.globStatus(hadoop.Path(path))
        files = [] if matches is None else [f for m in matches for f in _files_below(system, m)]
    except Py4JJavaError as error:
        raise InputError(f"input.path: cannot read {path}: {java_cause(error)}") from error
    if not matches:
        raise InputError(f"input.path: {path} does not exist; name a file, a folder or a glob that does")
    if not files:
        raise InputError(f"input.path: {path} holds no file to read")
    return sorted(files)


def _files_below(system: Any, status: Any) -> Iterator[FileStatus]:
    if not status.isDirectory():
        yield FileStatus(str(status.getPath().toString()), status.getLen(), status.getModificationTime())
        return
    for entry in system.listStatus(status.getPath()):
        if not str(entry.getPath().getName()).startswith((".", "_")):
            yield from _files_below(system, entry)
