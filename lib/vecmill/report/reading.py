"""A run directory as a report reads it: on this machine without Spark, elsewhere through it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from vecmill.errors import ConfigError, InputError
from vecmill.runs.directory import MANIFEST
from vecmill.storage.files import Folder, local_path
from vecmill.vectors.sources import is_local, local
from vecmill.vectors.word_vectors import WordVectors, read_run


class RunFiles(Protocol):
    """The files and tables of one run."""

    root: str

    def text(self, name: str) -> str | None:
        """The whole of a file, None where it is missing."""

    def table(self, name: str, columns: list[str]) -> pa.Table | None:
        """These columns of a published table in the order of the ids, None where it is missing."""

    def vectors(self) -> WordVectors:
        """The published vectors."""

    def write(self, name: str, text: str) -> str:
        """Write the whole of a file in the run directory; where it is now."""


class LocalRun:
    """A run on this machine."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._path = local(root)

    def text(self, name: str) -> str | None:
        """See RunFiles."""
        path = self._path / name
        try:
            return path.read_text(encoding="utf-8") if path.exists() else None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read: {error}") from error

    def table(self, name: str, columns: list[str]) -> pa.Table | None:
        """See RunFiles."""
        path = self._path / name
        if not path.exists():
            return None
        try:
            return pq.read_table(path, columns=columns).sort_by("id").combine_chunks()
        except (OSError, KeyError, pa.ArrowException) as error:
            raise InputError(f"{path} cannot be read: {error}; run the stage {name} again") from error

    def vectors(self) -> WordVectors:
        """See RunFiles."""
        return read_run(self.root)

    def write(self, name: str, text: str) -> str:
        """See RunFiles."""
        return write_local(self._path / name, text)


class SparkRun:
    """A run on any file system that Spark knows."""

    def __init__(self, folder: Folder) -> None:
        self.root = folder.root
        self._folder = folder

    def text(self, name: str) -> str | None:
        """See RunFiles."""
        return self._folder.read_text_if_any(name)

    def table(self, name: str, columns: list[str]) -> pa.Table | None:
        """See RunFiles."""
        if not self._folder.exists(name):
            return None
        table = self._folder.spark.read.parquet(self._folder.path(name)).select(*columns)
        return table.toArrow().sort_by("id").combine_chunks()

    def vectors(self) -> WordVectors:
        """See RunFiles."""
        return read_run(self.root, self._folder.spark)

    def write(self, name: str, text: str) -> str:
        """See RunFiles."""
        self._folder.write_text(name, text)
        return self._folder.path(name)


def opened(root: str, spark: SparkSession | None) -> RunFiles:
    """The run at `root`; `spark` is needed where that is not on this machine."""
    if spark is None:
        if not is_local(root):
            raise ConfigError([f"{root} is not on this machine; give the Spark session that reads it"])
        return LocalRun(root)
    folder = Folder(spark, root)
    here = local_path(folder.qualified(MANIFEST))
    return SparkRun(folder) if here is None else LocalRun(str(here.parent))


def write_local(path: Path, text: str) -> str:
    """Write a file beside its place and put it there once it is whole; where it is now.

    Raises ConfigError where it cannot be written.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, path)
    except OSError as error:
        raise ConfigError([f"cannot write {path}: {error.strerror}; name another place for it"]) from None
    return str(path)
