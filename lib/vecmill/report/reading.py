"""A run directory as a report reads it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyspark.sql import SparkSession

from vecmill import atomic
from vecmill.errors import ConfigError, InputError, VecmillError
from vecmill.storage.schemas import VECTORS, VOCABULARY
from vecmill.storage.store import Store
from vecmill.storage.stores import open_store
from vecmill.vectors import sources
from vecmill.vectors.word_vectors import WordVectors

_SCHEMAS = {"vocabulary": VOCABULARY, "vectors": VECTORS}


class RunFiles:
    """The files and tables of one run."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.root = store.files.root

    def text(self, name: str) -> str | None:
        """The whole of a file; None if it is missing. Raises InputError if it cannot be read."""
        try:
            return self._store.files.read_text_if_any(name)
        except VecmillError as error:
            raise InputError(str(error)) from error

    def table(self, name: str, columns: list[str]) -> pa.Table | None:
        """These columns of a published table in the order of the ids; None if it is missing."""
        if not self._store.files.exists(name):
            return None
        try:
            return self._store.collect(name, _SCHEMAS[name], columns=columns).sort_by("id").combine_chunks()
        except (OSError, pa.ArrowException) as error:
            where = self._store.files.path(name)
            raise InputError(f"{where} cannot be read: {error}; run the stage {name} again") from error

    def vectors(self) -> WordVectors:
        """The published vectors."""
        words, vectors = sources.read_store(self._store)
        return WordVectors(words, vectors)

    def write(self, name: str, text: str) -> str:
        """Write the whole of a file in the run directory; its path."""
        try:
            self._store.files.write_text(name, text)
        except VecmillError as error:
            raise ConfigError([f"{error}; name another place for it"]) from error
        local = self._store.files.local
        return self._store.files.path(name) if local is None else str(local / name)


def opened(root: str, spark: SparkSession | None) -> RunFiles:
    """The run at `root`; `spark` is needed if that is not on this machine."""
    return RunFiles(open_store(root, spark))


def write_local(path: Path, text: str) -> str:
    """Write a file of this machine whole; its path. Raises ConfigError if it cannot be written."""
    try:
        atomic.write_text(path, text)
    except OSError as error:
        raise ConfigError([f"cannot write {path}: {error.strerror}; name another place for it"]) from None
    return str(path)
