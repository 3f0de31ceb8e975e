"""Reading word vectors: of a run, from Parquet, or from a file that another program wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from vecmill.core.arrays import Ids
from vecmill.errors import InputError
from vecmill.runs.manifest import MANIFEST
from vecmill.storage.arrow_store import read_table
from vecmill.storage.schemas import VECTORS
from vecmill.storage.store import Store
from vecmill.storage.stores import as_local, is_local, open_store
from vecmill.vectors.formats import EXPORTS, Vectors, read_vectors
from vecmill.vectors.formats.npy import map_npy
from vecmill.vectors.formats.streams import checked_vectors

COLUMNS = ["id", "word", "vector"]
NPY = EXPORTS["npy"].file_name

_SCHEMA = StructType([VECTORS[name] for name in COLUMNS])


class Wanted(NamedTuple):
    """The words whose vectors are needed, so that no others are read.

    most_frequent  the number of most frequent words that are needed
    folded         further words, in upper case if case is ignored
    ignore_case    whether `folded` stands for every spelling
    """

    most_frequent: int
    folded: frozenset[str]
    ignore_case: bool

    def has(self, id_: int, word: str) -> bool:
        """Whether a word is needed; `id_` is its rank by descending frequency, from 0."""
        return id_ < self.most_frequent or (word.upper() if self.ignore_case else word) in self.folded


def wanted_of(most_frequent: int, words: Iterable[str], *, ignore_case: bool) -> Wanted:
    """The `most_frequent` words, and `words`."""
    folded = frozenset(word.upper() if ignore_case else word for word in words)
    return Wanted(most_frequent, folded, ignore_case)


def read(source: str, spark: SparkSession | None = None, wanted: Wanted | None = None) -> Vectors:
    """The words of `source` by descending frequency with their vectors, or only those `wanted`.

    source  the folder of a run, a folder or file of Parquet with the columns of vectors/, or a file in a
            format of `vectors.formats`
    spark   needed if the source is not on this machine

    Only the selected rows of a run are read. Raises InputError.
    """
    if not is_local(source):
        return read_store(open_store(source, spark), wanted)
    path = as_local(source)
    if not path.exists():
        raise InputError(f"{path} does not exist; run 'vecmill run' first, or name a file of word vectors")
    if path.is_dir():
        holds_parts = not (path / "vectors").is_dir() and any(path.glob("*.parquet"))
        return _read_parquet(path if holds_parts else path / "vectors", wanted)
    if path.suffix == ".parquet":
        return _read_parquet(path, wanted)
    return _only(read_vectors(path), wanted)


def read_or_map(source: str, spark: SparkSession | None = None) -> Vectors:
    """As `read`, but vectors in an .npy file, which a finished run exports, are memory-mapped."""
    if is_local(source):
        path = as_local(source)
        if path.is_dir() and _has_exported(path, NPY):
            return map_npy(path / "exports" / NPY)
        if path.suffix == ".npy":
            return map_npy(path)
    return read(source, spark)


def read_store(store: Store, wanted: Wanted | None = None) -> Vectors:
    """The vectors of a run, or only those `wanted`. Raises InputError."""
    if store.files.local is not None:
        return _read_parquet(store.files.local / "vectors", wanted)
    ids = None
    if wanted is not None:
        ids = _wanted_ids(store.collect("vectors", _SCHEMA, columns=["id", "word"]), wanted)
    return _from_table(store.collect("vectors", _SCHEMA, ids), store.files.root)


def _read_parquet(path: Path, wanted: Wanted | None) -> Vectors:
    """The vectors in a Parquet file or a folder of them, without Spark. Raises InputError."""
    try:
        ids = None
        if wanted is not None:
            # First only the words: vectors are many times as large.
            ids = _wanted_ids(read_table(path, _SCHEMA, columns=["id", "word"]), wanted)
        return _from_table(read_table(path, _SCHEMA, ids), path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; run 'vecmill run' first") from None
    except (OSError, pa.ArrowException) as error:
        cause = str(error).splitlines()[0]
        raise InputError(f"{path} cannot be read: {cause}; run 'vecmill export' again") from error


def _wanted_ids(words: pa.Table, wanted: Wanted) -> Ids:
    ids = [
        id_
        for batch in words.to_batches()
        for id_, word in zip(batch["id"].to_pylist(), batch["word"].to_pylist(), strict=True)
        if wanted.has(id_, word)
    ]
    return np.array(ids, np.int32)


def _from_table(table: pa.Table, path: str | Path) -> Vectors:
    """The rows of `table` in the order of their ids, checked."""
    vectors, sizes = table["vector"], pc.min_max(pc.list_value_length(table["vector"])).as_py()
    if any(table[column].null_count for column in COLUMNS) or sizes["min"] != sizes["max"]:
        raise InputError(
            f"{path}: expected a word and as many numbers in every row, got nulls or from {sizes['min']} "
            f"to {sizes['max']} numbers; run 'vecmill export' again"
        )
    if not table.num_rows:
        raise InputError(f"{path}: expected one row per word, got none; run 'vecmill export' again")
    # Not concatenated by Arrow, whose list arrays hold at most 2^31 numbers.
    flat = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in vectors.chunks]
    rows = np.concatenate(flat).reshape(table.num_rows, -1).astype(np.float32, copy=False)
    order = np.argsort(table["id"].to_numpy())
    return checked_vectors(path, table["word"].take(pa.array(order)).to_pylist(), rows[order])


def _only(vectors: Vectors, wanted: Wanted | None) -> Vectors:
    if wanted is None:
        return vectors
    places = [place for place, word in enumerate(vectors.words) if wanted.has(place, word)]
    return Vectors([vectors.words[place] for place in places], vectors.vectors[places])


def _has_exported(root: Path, name: str) -> bool:
    """Whether the manifest of the run at `root` records a finished export with this file."""
    try:
        record = json.loads((root / MANIFEST).read_text(encoding="utf-8"))["stages"]["export"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return record.get("state") == "done" and name in record.get("files", ())
