"""Files on whatever file system Hadoop knows: hdfs, s3a, abfss, gs, viewfs, and file too.

Together with `spark.session` the only module that reaches into Spark's JVM: PySpark has no public way to
Hadoop's FileSystem.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from vecmill.errors import InputError, VecmillError
from vecmill.spark.failures import java_cause
from vecmill.storage.files import FileStatus, OutputError


@dataclass(frozen=True)
class HadoopFiles:
    """See `storage.files.Files`."""

    spark: SparkSession
    root: str

    local: ClassVar[None] = None

    def path(self, name: str) -> str:
        """See Files."""
        return f"{self.root.rstrip('/')}/{name}"

    def qualified(self, name: str) -> str:
        """The full path of `name` with its file system, such as "hdfs://host/data/run/tokens"."""
        with self._explained(f"find {self.path(name)}"):
            return str(self._file_system.makeQualified(self._hadoop_path(name)).toString())

    def exists(self, name: str) -> bool:
        """See Files."""
        with self._explained(f"look for {self.path(name)}"):
            return bool(self._file_system.exists(self._hadoop_path(name)))

    def names(self, name: str) -> list[str]:
        """See Files."""
        if not self.exists(name):
            return []
        with self._explained(f"list {self.path(name)}"):
            entries = self._file_system.listStatus(self._hadoop_path(name))
            return sorted(str(entry.getPath().getName()) for entry in entries)

    def size(self, name: str) -> int:
        """See Files."""
        with self._explained(f"measure {self.path(name)}"):
            summary = self._file_system.getContentSummary(self._hadoop_path(name))
            return int(summary.getLength())

    def modified(self, name: str) -> int:
        """See Files."""
        with self._explained(f"look at {self.path(name)}"):
            status = self._file_system.getFileStatus(self._hadoop_path(name))
            return int(status.getModificationTime())

    def create(self) -> None:
        """See Files."""
        with self._explained(f"make {self.root}"):
            if not self._file_system.mkdirs(self._path_class(self.root)):
                raise OutputError(self.root)

    def read_text(self, name: str) -> str:
        """See Files."""
        with self._explained(f"read {self.path(name)}"):
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
        """See Files."""
        found = next((one for one in (name, _beside(name)) if self.exists(one)), None)
        return None if found is None else self.read_text(found)

    def write_text(self, name: str, text: str) -> None:
        """See Files."""
        self._write(_beside(name), text, overwrite=True)
        with self._explained(f"write {self.path(name)}"):
            self._rename(_beside(name), name, overwrite=True)

    def create_text(self, name: str, text: str) -> bool:
        """See Files."""
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
        """See Files."""
        self.delete(target)
        with self._explained(f"publish {self.path(target)}"):
            parent = self._hadoop_path(target).getParent()
            self._file_system.mkdirs(parent)
            self._rename(source, target, overwrite=False)

    def delete(self, name: str) -> None:
        """See Files."""
        with self._explained(f"remove {self.path(name)}"):
            self._file_system.delete(self._hadoop_path(name), True)

    def put(self, local: Path, name: str) -> None:
        """See Files."""
        with self._explained(f"write {self.path(name)}"):
            source = self._path_class("file", "", str(local.absolute()))
            self._file_system.copyFromLocalFile(False, True, source, self._hadoop_path(name))

    # Each dot of a Java name is a call into the JVM, so what stays the same is kept.

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
        # Users may edit run.json; a checksum beside it would then call it corrupt.
        system.setWriteChecksum(False)
        return system

    @cached_property
    def _file_context(self) -> Any:
        """Hadoop's other interface to the same file system, which can rename over an existing file."""
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
        with self._explained(f"write {self.path(name)}"):
            stream = self._file_system.create(self._hadoop_path(name), overwrite)
            try:
                stream.write(text.encode())
            finally:
                stream.close()

    @contextmanager
    def _explained(self, action: str) -> Iterator[None]:
        """Turn a failure of the file system into one sentence."""
        try:
            yield
        except Py4JJavaError as error:
            raise VecmillError(f"could not {action}: {java_cause(error)}") from error
        except OSError as error:
            raise VecmillError(f"could not {action}: {error.strerror}") from error


def _beside(name: str) -> str:
    return f"{name}.new"


def list_input(spark: SparkSession, path: str) -> list[FileStatus]:
    """The files that Spark would read at `path`: a file, a folder with everything below it, or a glob.

    Hidden names (beginning with "." or "_") are left out, as Spark leaves them out. The driver holds
    one entry per file.

    Raises InputError if the path does not exist or holds no file.
    """
    files = HadoopFiles(spark, path)
    hadoop = files._java.org.apache.hadoop.fs
    try:
        system = hadoop.Path(path).getFileSystem(files._configuration)
        matches = system.globStatus(hadoop.Path(path))
        found = [] if matches is None else [f for m in matches for f in _files_below(system, m)]
    except Py4JJavaError as error:
        raise InputError(f"input.path: cannot read {path}: {java_cause(error)}") from error
    if not matches:
        raise InputError(f"input.path: {path} does not exist; name a file, a folder or a glob that does")
    if not found:
        raise InputError(f"input.path: {path} holds no file to read")
    return sorted(found)


def _files_below(system: Any, status: Any) -> Iterator[FileStatus]:
    if not status.isDirectory():
        yield FileStatus(str(status.getPath().toString()), status.getLen(), status.getModificationTime())
        return
    for entry in system.listStatus(status.getPath()):
        if not str(entry.getPath().getName()).startswith((".", "_")):
            yield from _files_below(system, entry)
