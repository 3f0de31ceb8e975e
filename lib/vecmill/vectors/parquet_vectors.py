"""Word vectors in tables with the columns of a run's vectors/, read without Spark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs
import pyarrow.parquet as pq
from pyspark.sql.types import StructType

from vecmill.core.arrays import Floats, Places
from vecmill.errors import InputError
from vecmill.formatting import shorten
from vecmill.storage.file_lists import LIST, check_list
from vecmill.storage.local_files import LocalFiles
from vecmill.storage.parquet import FRUGAL_SCAN
from vecmill.storage.schemas import VECTORS
from vecmill.storage.store import check_names
from vecmill.vectors.formats import Vectors
from vecmill.vectors.formats.streams import checked_vectors
from vecmill.vectors.selection import Selection

COLUMNS = ["id", "word", "vector"]
SCHEMA = StructType([VECTORS[name] for name in COLUMNS])

AGAIN = "run 'vecmill export' again"

_LOCAL = pyarrow.fs.LocalFileSystem()

# Rows per byte of a file, above which its footer is damaged: all words differ.
_MOST_ROWS_PER_BYTE = 1


def read_parquet(path: Path, selection: Selection | None = None) -> Vectors:
    """The vectors in a Parquet file or in a folder of them, or only those selected. Raises InputError.

    The folder of a run has a list of its files, which all must be present.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist; run 'vecmill run' first")
    if (path / LIST).is_file():
        check_list(LocalFiles(str(path.parent), path.parent), path.name, None)
    try:
        files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        if not files:
            raise InputError(f"{path} has no Parquet file; {AGAIN}")
        for file in files:
            _check_rows(file)
        table = ds.dataset([str(file) for file in files], format="parquet", filesystem=_LOCAL)
        check_names(table.schema.names, SCHEMA, str(path))
        check_types(table.schema, path)
        if selection is None:
            return from_table(table.to_table(COLUMNS, **FRUGAL_SCAN), path)
        # First only the words: vectors are many times as large.
        ids = selected_ids(table.to_table(COLUMNS[:2], **FRUGAL_SCAN), selection, path)
        chosen = ds.field("id").isin(pa.array(ids, table.schema.field("id").type))
        return from_table(table.to_table(COLUMNS, filter=chosen, **FRUGAL_SCAN), path, ids)
    except (OSError, pa.ArrowException, KeyError, UnicodeDecodeError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0]
        raise _unreadable(path, cause) from error


def check_types(schema: pa.Schema, path: str | Path) -> None:
    """Raise InputError unless ids are integers, words are strings and vectors are lists of numbers."""
    kinds = {name: schema.field(name).type for name in COLUMNS}
    word = kinds["word"].value_type if pa.types.is_dictionary(kinds["word"]) else kinds["word"]
    expected = {
        "id": ("an integer", pa.types.is_integer(kinds["id"])),
        "word": ("a string", pa.types.is_string(word) or pa.types.is_large_string(word)),
        "vector": ("a list of numbers", _is_list_of_numbers(kinds["vector"])),
    }
    for name, (what, is_right) in expected.items():
        if not is_right:
            raise _unreadable(path, f"column {name} must be {what}, got {kinds[name]}")


def selected_ids(words: pa.Table, selection: Selection, path: str | Path) -> Places:
    """The ids of the selected words of a whole table, ascending. Raises InputError if ids are missing."""
    ids = words["id"].to_numpy()
    _check_nulls(words, path)
    _check_all_ids(ids, path)
    by_id = zip(ids.tolist(), _strings(words["word"], path), strict=True)
    chosen = [id_ for id_, word in by_id if selection.has(id_, word)]
    return np.sort(np.array(chosen, np.int64))


def from_table(table: pa.Table, path: str | Path, ids: Places | None = None) -> Vectors:
    """The rows of `table` in the order of their ids, checked.

    ids  the ids that the table must have; None: all from 0

    Raises InputError.
    """
    vectors, sizes = table["vector"], pc.min_max(pc.list_value_length(table["vector"])).as_py()
    _check_nulls(table, path)
    if not table.num_rows:
        raise InputError(f"{path}: expected one row per word, got none; {AGAIN}")
    if sizes["min"] != sizes["max"] or not sizes["min"]:
        raise InputError(
            f"{path}: expected a word and as many numbers in every row, got from {sizes['min']} to "
            f"{sizes['max']} numbers; {AGAIN}"
        )
    found = table["id"].to_numpy()
    order = np.argsort(found, kind="stable")
    if ids is None:
        _check_all_ids(found, path)
    elif not np.array_equal(found[order], ids):
        raise InputError(f"{path}: expected {len(ids):,} of its rows, got {len(found):,}; {AGAIN}")
    # Not concatenated by Arrow, whose list arrays hold at most 2^31 numbers.
    flat = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in vectors.chunks]
    with np.errstate(over="ignore"):
        # Numbers beyond float32 become infinite, which is reported.
        rows: Floats = np.concatenate(flat).reshape(table.num_rows, -1).astype(np.float32, copy=False)
    return checked_vectors(path, _strings(table["word"].take(pa.array(order)), path), rows[order])


def _check_rows(file: Path) -> None:
    """Raise InputError if a footer promises more rows than a file of its size can hold."""
    # Not the numbers of its columns: PyArrow ends the process if their metadata are damaged.
    rows, size = pq.read_metadata(file).num_rows, file.stat().st_size
    if rows > _MOST_ROWS_PER_BYTE * size:
        raise _unreadable(file, f"its footer promises {rows:,} rows in {size:,} bytes")


def _check_nulls(table: pa.Table, path: str | Path) -> None:
    if any(table[column].null_count for column in table.column_names):
        raise InputError(f"{path}: expected a word and as many numbers in every row, got nulls; {AGAIN}")


def _check_all_ids(ids: Places, path: str | Path) -> None:
    """Raise InputError unless `ids`, in any order, are all from 0, each once."""
    ascending = np.sort(ids)
    wrong = np.flatnonzero(ascending != np.arange(len(ids)))
    if len(wrong):
        place = int(wrong[0])
        is_repeated = place > 0 and ascending[place] == ascending[place - 1]
        got = f"two with id {ascending[place]:,}" if is_repeated else f"none with id {place:,}"
        raise InputError(f"{path}: expected one row per id from 0 to {len(ids) - 1:,}, got {got}; {AGAIN}")


def _strings(words: pa.ChunkedArray, path: str | Path) -> list[str]:
    try:
        strings: list[str] = words.cast(pa.string()).to_pylist()
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"a word is not UTF-8, {error.object[:40]!r}") from error
    return strings


def _is_list_of_numbers(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(is_list and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)))


def _unreadable(path: str | Path, cause: str) -> InputError:
    return InputError(f"{path} cannot be read: {shorten(cause, 200)}; {AGAIN}")
