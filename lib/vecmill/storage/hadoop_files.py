"""Files on every file system that Hadoop supports: hdfs, s3a, abfss, gs, viewfs, and file.

PySpark has no public interface to Hadoop's FileSystem, so this module calls it in Spark's JVM.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from vecmill.errors import VecmillError
from vecmill.spark.failures import java_cause
from vecmill.storage.files import NEW, NOT_UTF8, FileStatus, failure, full_path


@dataclass(frozen=True)
class HadoopFiles:
    """See `storage.files.Files`."""

    spark: SparkSession
    root: str

    local: ClassVar[None] = None

    def path(self, name: str) -> str:
        """See Files."""
        return full_path(self.root, name)

    def qualified(self, name: str) -> str:
        """The full path of `name` with its file system, such as "hdfs://host/data/run/tokens"."""
        with self._explained("find", name):
            return str(self._file_system.makeQualified(self._hadoop_path(name)).toString())

    def exists(self, name: str) -> bool:
        """See Files."""
        with self._explained("look for", name):
            return bool(self._file_system.exists(self._hadoop_path(name)))

    def names(self, name: str) -> list[str]:
        """See Files."""
        if not self.exists(name):
            return []
        with self._explained("list", name):
            entries = self._file_system.listStatus(self._hadoop_path(name))
            return sorted(str(entry.getPath().getName()) for entry in entries)

    def below(self, name: str) -> list[tuple[str, int]]:
        """See Files."""
        with self._explained("list", name):
            root = str(self._file_system.makeQualified(self._hadoop_path(name)).toString()).rstrip("/")
            statuses, found = self._file_system.listFiles(self._hadoop_path(name), True), []
            while statuses.hasNext():
                status = statuses.next()
                path = str(status.getPath().toString())
                found.append((path.removeprefix(f"{root}/"), int(status.getLen())))
            return found

    def size(self, name: str) -> int:
        """See Files."""
        with self._explained("read the size of", name):
            summary = self._file_system.getContentSummary(self._hadoop_path(name))
            return int(summary.getLength())

    def modified(self, name: str) -> int:
        """See Files."""
        with self._explained("read the time of", name):
            status = self._file_system.getFileStatus(self._hadoop_path(name))
            return int(status.getModificationTime())

    def create(self) -> None:
        """See Files."""
        with self._explained("create", ""):
            if not self._file_system.mkdirs(self._path_class(self.root)):
                raise failure("create", self.root, "its file system refused")

    def read_text(self, name: str) -> str:
        """See Files."""
        with self._explained("read", name):
            stream = self._file_system.open(self._hadoop_path(name))
            try:
                return bytes(self._java.org.apache.commons.io.IOUtils.toByteArray(stream)).decode()
            finally:
                stream.close()

    def read_text_if_any(self, name: str) -> str | None:
        """See Files."""
        return next((self.read_text(path) for path in (name, name + NEW) if self.exists(path)), None)

    def write_text(self, name: str, text: str) -> None:
        """See Files."""
        with self._explained("write", name):
            self._write(name + NEW, text, overwrite=True)
            self._rename(name + NEW, name, overwrite=True)

    def create_text(self, name: str, text: str) -> bool:
        """See Files."""
        if self.exists(name):
            return False
        try:
            with self._explained("write", name):
                self._write(name, text, overwrite=False)
        except VecmillError:
            if self.exists(name):
                return False
            raise
        return True

    def publish(self, source: str, target: str) -> None:
        """See Files."""
        self.delete(target)
        with self._explained(f"rename {self.path(source)} to", target):
            parent = self._hadoop_path(target).getParent()
            self._file_system.mkdirs(parent)
            self._rename(source, target, overwrite=False)

    def delete(self, name: str) -> None:
        """See Files."""
        with self._explained("delete", name):
            self._file_system.delete(self._hadoop_path(name), True)

    def put(self, local: Path, name: str) -> None:
        """See Files."""
        with self._explained("write", name):
            source = self._path_class("file", "", str(local.absolute()))
            self._file_system.copyFromLocalFile(False, True, source, self._hadoop_path(name))

    # Each dot of a Java name is a call into the JVM, so objects that do not change are kept.

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
        # Users may edit run.json, and a stale checksum beside it would make it unreadable.
        system.setWriteChecksum(False)
        return system

    @cached_property
    def _file_context(self) -> Any:
        """Hadoop's newer interface to the same file system, which can rename over an existing file."""
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
        stream = self._file_system.create(self._hadoop_path(name), overwrite)
        try:
            stream.write(text.encode())
        finally:
            stream.close()

    @contextmanager
    def _explained(self, action: str, name: str) -> Iterator[None]:
        """Turn a failure of the file system into one sentence."""
        try:
            yield
        except Py4JJavaError as error:
            raise failure(action, self.path(name), _cause(error)) from error
        except UnicodeDecodeError as error:
            raise failure(action, self.path(name), NOT_UTF8) from error


# How the operating system calls the causes that Hadoop reports by exceptions, by a pattern of their text.
_CAUSES = (
    (r"^AccessControlException|\(Permission denied\)", "Permission denied"),
    (r"^(FileNotFound|NoSuchFile)Exception", "No such file or directory"),
    (r"^ParentNotDirectoryException", "Not a directory"),
)


def _cause(error: Py4JJavaError) -> str:
    text = java_cause(error)
    return next((cause for pattern, cause in _CAUSES if re.search(pattern, text)), text)


def list_input(spark: SparkSession, path: str) -> list[FileStatus]:
    """See `storage.input_files.list_input`, which is to be imported from there."""
    from vecmill.storage import input_files

    return input_files.list_input(spark, path)
