"""Reading word vectors: of a run, from Parquet, or from a file that another program wrote."""

from __future__ import annotations

import json
from pathlib import Path

from pyspark.sql import SparkSession

from vecmill.errors import InputError
from vecmill.runs.manifest import MANIFEST
from vecmill.storage.file_lists import LIST
from vecmill.storage.store import Store
from vecmill.storage.stores import as_local, is_local, open_store
from vecmill.vectors.formats import EXPORTS, Vectors, read_vectors
from vecmill.vectors.formats.npy import map_npy
from vecmill.vectors.parquet_vectors import COLUMNS, SCHEMA, from_table, read_parquet, selected_ids
from vecmill.vectors.selection import Selection, only, select

__all__ = ["Selection", "read", "read_or_map", "read_store", "select"]

NPY = EXPORTS["npy"].file_name


def read(source: str, spark: SparkSession | None = None, selection: Selection | None = None) -> Vectors:
    """The words of `source` by descending frequency with their vectors, or only those selected.

    source  the folder of a run, a folder or file of Parquet with the columns of vectors/, or a file in a
            format of `vectors.formats`
    spark   needed if the source is not on this machine

    Only the selected rows of a run are read. Raises InputError.
    """
    if not is_local(source):
        return read_store(open_store(source, spark), selection)
    path = as_local(source)
    if not path.exists():
        raise InputError(f"{path} does not exist; run 'vecmill run' first, or name a file of word vectors")
    if path.is_dir():
        holds_parts = not (path / "vectors").is_dir() and any(path.glob("*.parquet"))
        return read_parquet(path if holds_parts else path / "vectors", selection)
    if path.suffix == ".parquet":
        return read_parquet(path, selection)
    return only(read_vectors(path), selection)


def read_or_map(source: str, spark: SparkSession | None = None) -> Vectors:
    """As `read`, but vectors in an .npy file, which a finished run exports, are memory-mapped."""
    if is_local(source):
        path = as_local(source)
        if path.is_dir() and _has_exported(path, NPY):
            return map_npy(path / "exports" / NPY)
        if path.suffix == ".npy":
            return map_npy(path)
    return read(source, spark)


def read_store(store: Store, selection: Selection | None = None) -> Vectors:
    """The vectors of a run, or only those selected. Raises InputError, also if a file is missing."""
    if store.files.local is not None:
        return read_parquet(store.files.local / "vectors", selection)
    path = store.files.path("vectors")
    if store.files.exists(f"vectors/{LIST}"):
        store.check_whole("vectors")
    if selection is None:
        return from_table(store.collect("vectors", SCHEMA), path)
    ids = selected_ids(store.collect("vectors", SCHEMA, columns=COLUMNS[:2]), selection, path)
    return from_table(store.collect("vectors", SCHEMA, ids), path, ids)


def _has_exported(root: Path, name: str) -> bool:
    """Whether the run at `root` has a finished export with this file."""
    try:
        record = json.loads((root / MANIFEST).read_text(encoding="utf-8"))["stages"]["export"]
        is_recorded = record["state"] == "done" and name in list(record["files"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
    return is_recorded and (root / "exports" / name).is_file()
