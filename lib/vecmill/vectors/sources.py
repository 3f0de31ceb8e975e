"""Where word vectors come from: a run, a folder of Parquet, or a file that another program wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlparse

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from vecmill.errors import ConfigError, InputError
from vecmill.runs.directory import MANIFEST
from vecmill.storage import tables
from vecmill.storage.files import Folder
from vecmill.storage.schemas import VECTORS
from vecmill.vectors.formats import EXPORTS, Vectors, read_vectors
from vecmill.vectors.formats.npy import map_npy
from vecmill.vectors.formats.streams import checked_vectors

COLUMNS = ["id", "word", "vector"]
NPY = EXPORTS["npy"].file_name

# By default Arrow reads far ahead, and holds several row groups of vectors to pick a few rows.
FRUGAL = {"batch_size": 1 << 14, "batch_readahead": 1, "fragment_readahead": 1}


class Wanted(NamedTuple):
    """Which words of a vocabulary somebody needs, so that not all its vectors need be read.

    most_frequent  so many from the top
    folded         and these wherever they stand, in upper case where case is ignored
    ignore_case    whether upper case stands for every spelling
    """

    most_frequent: int
    folded: frozenset[str]
    ignore_case: bool

    def has(self, id_: int, word: str) -> bool:
        """Whether `word` is wanted, `id_` being its place by falling frequency."""
        return id_ < self.most_frequent or (word.upper() if self.ignore_case else word) in self.folded


def wanted_of(most_frequent: int, words: Iterable[str], *, ignore_case: bool) -> Wanted:
    """The `most_frequent` words and these `words`."""
    folded = frozenset(word.upper() if ignore_case else word for word in words)
    return Wanted(most_frequent, folded, ignore_case)


def is_local(source: str) -> bool:
    """Whether a path needs no Hadoop to be read."""
    return urlparse(source).scheme in ("", "file")


def read(source: str, spark: SparkSession | None = None, wanted: Wanted | None = None) -> Vectors:
    """The words of `source` in falling frequency and their vectors, only those `wanted` if given.

    `source` is the folder of a run, a folder or file of Parquet with the columns of vectors/, or a
    file that `io.formats` knows. `spark` is needed where it is not on this machine. Of a large run
    no more is held than what is wanted. Raises InputError.
    """
    if not is_local(source):
        if spark is None:
            raise ConfigError([f"{source} is not on this machine; give the Spark session that reads it"])
        return read_table(Folder(spark, source), wanted)
    path = local(source)
    if not path.exists():
        raise InputError(f"{path} does not exist; run 'vecmill run' first, or name a file of word vectors")
    if path.is_dir():
        holds_parts = not (path / "vectors").is_dir() and any(path.glob("*.parquet"))
        return read_parquet(path if holds_parts else path / "vectors", wanted)
    if path.suffix == ".parquet":
        return read_parquet(path, wanted)
    return _only(read_vectors(path), wanted)


def read_or_map(source: str, spark: SparkSession | None = None) -> Vectors:
    """As `read`, but numbers that lie in an .npy file, as a finished run has one, stay there."""
    if is_local(source):
        path = local(source)
        if path.is_dir() and _has_exported(path, NPY):
            return map_npy(path / "exports" / NPY)
        if path.suffix == ".npy":
            return map_npy(path)
    return read(source, spark)


def local(source: str) -> Path:
    """The path on this machine that `source` names, which may begin with "file:"."""
    return Path(urlparse(source).path if source.startswith("file:") else source)


def read_parquet(path: Path, wanted: Wanted | None = None) -> Vectors:
    """The vectors in the Parquet at `path`, a file or a folder, read without Spark.

    Raises InputError where there are none, or they are not as VECTORS says.
    """
    try:
        table = ds.dataset(path, format="parquet")
        missing = [column for column in COLUMNS if column not in table.schema.names]
        if missing:
            raise InputError(
                f"{path}: expected the columns {', '.join(COLUMNS)}, got none named "
                f"{', '.join(missing)}; name the folder vectors/ of a run"
            )
        chosen = None if wanted is None else ds.field("id").isin(_wanted_ids(table, wanted))
        return _from_table(table.to_table(COLUMNS, filter=chosen, **FRUGAL), path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; run 'vecmill run' first") from None
    except (OSError, pa.ArrowException) as error:
        cause = str(error).splitlines()[0]
        raise InputError(f"{path} cannot be read: {cause}; run 'vecmill export' again") from error


def read_table(run: Folder, wanted: Wanted | None = None) -> Vectors:
    """The vectors of a run, read by Spark. Raises InputError as `read_parquet` does."""
    table = tables.read(run, "vectors", VECTORS).select(*COLUMNS)
    return _from_table((table if wanted is None else _chosen(table, wanted)).toArrow(), run.root)


def _wanted_ids(table: ds.Dataset, wanted: Wanted) -> pa.Array:
    """The ids of the rows that are wanted, from words alone: vectors are many times as large."""
    ids = [
        id_
        for batch in table.to_batches(columns=["id", "word"], **FRUGAL)
        for id_, word in zip(batch["id"].to_pylist(), batch["word"].to_pylist(), strict=True)
        if wanted.has(id_, word)
    ]
    return pa.array(ids, table.schema.field("id").type)


def _chosen(vectors: DataFrame, wanted: Wanted) -> DataFrame:
    """The rows that are wanted; the words come as a table, for they may be thousands."""
    words = pa.table({"folded": pa.array(sorted(wanted.folded), pa.string())})
    asked = vectors.sparkSession.createDataFrame(words)
    folded = F.upper("word") if wanted.ignore_case else F.col("word")
    is_frequent = F.col("id") < wanted.most_frequent
    others = vectors.where(~is_frequent).withColumn("folded", folded)
    found = others.join(F.broadcast(asked), "folded", "left_semi").select(*COLUMNS)
    return vectors.where(is_frequent).unionByName(found)


def _from_table(table: pa.Table, path: str | Path) -> Vectors:
    """The rows of `table` by their ids, checked."""
    vectors, sizes = table["vector"], pc.min_max(pc.list_value_length(table["vector"])).as_py()
    if any(table[column].null_count for column in COLUMNS) or sizes["min"] != sizes["max"]:
        raise InputError(
            f"{path}: expected a word and as many numbers in every row, got from {sizes['min']} to "
            f"{sizes['max']} numbers or nothing at all; run 'vecmill export' again"
        )
    if not table.num_rows:
        raise InputError(f"{path}: expected a row a word, got none; run 'vecmill export' again")
    # Not joined by Arrow, whose lists hold no more than 2^31 numbers.
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
    """Whether the run at `root` says that its export is whole and has this file."""
    try:
        record = json.loads((root / MANIFEST).read_text(encoding="utf-8"))["stages"]["export"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return record.get("state") == "done" and name in record.get("files", ())
