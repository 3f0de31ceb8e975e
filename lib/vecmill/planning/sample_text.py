"""Reading some megabytes of text from many places of many files."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from pyspark.sql import SparkSession

from vecmill.config import Config
from vecmill.errors import InputError
from vecmill.formatting import KIB, MIB
from vecmill.spark.session import using
from vecmill.storage.documents import EVERY_ENCODING, is_utf8, read_documents
from vecmill.storage.files import FileStatus
from vecmill.storage.input_checks import spread
from vecmill.storage.input_files import InputFiles, escape_wildcards, lookup
from vecmill.storage.local_files import local_path
from vecmill.storage.text_checks import suffix_of, unpacked

# Bytes of text that are read. Many small places show how a text varies better than a few large ones, but
# each takes a request if files are not on this machine.
SAMPLE_BYTES = 4 * MIB
_PLACE_HERE, _PLACE_ELSEWHERE = 8 * KIB, 64 * KIB
# Of packed files, of which only the beginning can be read.
_PACKED_FILES, _PACKED_BYTES = 16, 128 * KIB
# Of tables, which Spark reads.
_TABLE_FILES, _TABLE_ROWS, _ROWS_PER_PLACE = 8, 400, 20
# How much larger or smaller an input may be than estimated: packed files, and formats without a count of
# their rows.
_UNSURE_PACKED, _UNSURE_SIZE = 1.2, 1.5


class Text(NamedTuple):
    """The text at some places of the input.

    places  of each, the text, or its tokens if tokenizer.kind is 'column'
    times   how many times as much the whole input has
    unsure  the factor by which `times` may be wrong; 1 if it is exact
    bytes   of the places
    files   that they are in
    """

    places: list[Any]
    times: float
    unsure: float
    bytes: int
    files: int

    @property
    def is_whole(self) -> bool:
        """Whether these are all places."""
        return self.times == self.unsure == 1.0


def read_text(spark: SparkSession, files: InputFiles, config: Config) -> Text:
    """The text at some places of the input; all of it if it is small.

    Raises InputError if it cannot be read.
    """
    listed = files.every()
    if _has_lines(config):
        return _read_lines(files, listed, config)
    return _read_tables(spark, listed, config)


def _has_lines(config: Config) -> bool:
    """Whether the input consists of lines, so that any part of a file can be read by itself."""
    source = config.input
    is_multi_line = (lookup(source.options, "multiLine") or "").lower() == "true"
    return source.read_encoding is not None and not is_multi_line


def _read_lines(files: InputFiles, listed: Sequence[FileStatus], config: Config) -> Text:
    plain = [file for file in listed if not suffix_of(file.path)]
    packed = [file for file in listed if suffix_of(file.path) and file.size]
    found = _read_places(files, plain, config)
    size = sum(file.size for file in plain)
    unsure, looked_at = 1.0, len({path for path, _ in found})
    if packed:
        heads = [(file, files.read_bytes(file, 0, _PACKED_BYTES)) for file in spread(packed, _PACKED_FILES)]
        texts = [(head, unpacked(suffix_of(file.path), head, SAMPLE_BYTES)) for file, head in heads]
        opened = [(head, text) for head, text in texts if text]
        if not opened:
            raise InputError(
                f"input.path: {packed[0].path} cannot be unpacked to estimate its text; run 'vecmill "
                "vocabulary' first, then plan again from its counts"
            )
        is_all = sum(len(head) for head, _ in opened) == sum(file.size for file in packed)
        ratio = sum(len(text) for _, text in opened) / sum(len(head) for head, _ in opened)
        size += round(ratio * sum(file.size for file in packed))
        unsure = 1.0 if is_all else _UNSURE_PACKED
        found += [("", text if is_all else _whole_lines(text, False, config)) for _, text in opened]
        looked_at += len(opened)
    read = sum(len(data) for _, data in found)
    encoding = config.input.read_encoding or "UTF-8"
    header = _csv_header(files, listed, config, encoding)
    places = [_documents(data.decode(encoding, "replace"), config, header) for _, data in found]
    return Text(places, 1.0 if size <= read else size / max(1, read), unsure, read, looked_at)


def _read_places(files: InputFiles, plain: Sequence[FileStatus], config: Config) -> list[tuple[str, bytes]]:
    """The path and the bytes of places at equal distances, as if all files were one; all files if small."""
    ends = np.cumsum([file.size for file in plain])
    if not len(ends) or ends[-1] <= SAMPLE_BYTES:
        return [(file.path, files.read_bytes(file, 0, file.size)) for file in plain if file.size]
    length = _PLACE_ELSEWHERE if local_path(plain[0].path) is None else _PLACE_HERE
    found = []
    for number in range(SAMPLE_BYTES // length):
        position = int((number + 0.5) * int(ends[-1]) / (SAMPLE_BYTES // length))
        index = int(np.searchsorted(ends, position, side="right"))
        file = plain[index]
        begin = max(0, min(position - (int(ends[index]) - file.size), file.size - length))
        found.append((file.path, _whole_lines(files.read_bytes(file, begin, length), begin > 0, config)))
    return found


def _whole_lines(data: bytes, is_cut_before: bool, config: Config) -> bytes:
    """The data without the line that is cut at its beginning, and the one at its end.

    If there are few whole lines of text, it is cut at white space.
    """
    is_text = config.input.format == "text" and data.count(b"\n") < 3
    cuts = [found.start() for found in re.finditer(rb"\s" if is_text else rb"\n", data)]
    if not cuts:
        return data
    return data[cuts[0] + 1 if is_cut_before else 0 : cuts[-1] + 1]


def _csv_header(
    files: InputFiles, listed: Sequence[FileStatus], config: Config, encoding: str
) -> list[str] | None:
    """The names of the columns of CSV files that have them in their first line."""
    source = config.input
    if source.format != "csv" or (lookup(source.options, "header") or "").lower() != "true":
        return None
    head = files.read_bytes(listed[0], 0, _PACKED_BYTES)
    text = unpacked(suffix_of(listed[0].path), head).decode(encoding, "replace")
    return next(_csv_rows(text.lstrip("\ufeff"), source.options), [])


def _csv_rows(text: str, options: Mapping[str, str]) -> Iterator[list[str]]:
    separator = lookup(options, "sep") or lookup(options, "delimiter") or ","
    quote = lookup(options, "quote") or '"'
    separator = "\t" if separator == r"\t" else separator
    lines = (line.replace("\0", "") for line in text.splitlines())
    reader = csv.reader(lines, delimiter=separator[0], quotechar=quote[0])
    try:
        yield from reader
    except csv.Error:
        return


def _documents(text: str, config: Config, header: list[str] | None) -> Any:
    """The documents at one place as one: their text, or a list of their tokens."""
    source, is_tokens = config.input, config.tokenizer.kind == "column"
    if source.format == "text":
        return text
    values: list[Any] = []
    if source.format == "csv":
        column = source.text_column
        known = re.fullmatch(r"_c(\d+)", column)
        index = header.index(column) if header and column in header else int(known[1]) if known else -1
        rows = (row for row in _csv_rows(text, source.options) if row != header)
        values = [row[index] for row in rows if 0 <= index < len(row)]
    else:
        for line in text.splitlines():
            try:
                found = json.loads(line.strip().rstrip(","))
            except (ValueError, RecursionError):
                continue
            objects = found if isinstance(found, list) else [found]
            values += [item.get(source.text_column) for item in objects if isinstance(item, dict)]
    if is_tokens:
        lists = (value for value in values if isinstance(value, list))
        return [token for tokens in lists for token in tokens if isinstance(token, str)]
    return "\n".join(value for value in values if isinstance(value, str))


def _read_tables(spark: SparkSession, listed: Sequence[FileStatus], config: Config) -> Text:
    """Some rows of some files, read by Spark, some rows as one place."""
    source = config.input
    encoding = source.read_encoding or "UTF-8"
    rows: list[Any] = []
    chosen = spread(listed, _TABLE_FILES)
    with using(spark, {} if is_utf8(encoding) else EVERY_ENCODING):
        for file in chosen:
            table = read_documents(
                spark,
                format=source.format,
                path=file.path,
                column=source.text_column,
                options=source.options,
                tokenized=config.tokenizer.kind == "column",
                encoding=encoding,
            )
            rows += table.limit(_TABLE_ROWS).toArrow().column(0).to_pylist()
    present = [row for row in rows if row]
    groups = [present[begin : begin + _ROWS_PER_PLACE] for begin in range(0, len(present), _ROWS_PER_PLACE)]
    if config.tokenizer.kind == "column":
        places: list[Any] = [[token for tokens in group for token in tokens if token] for group in groups]
        read = sum(len(token.encode()) + 1 for place in places for token in place)
    else:
        places = ["\n".join(group) for group in groups]
        read = sum(len(place.encode()) for place in places)
    if source.format in ("parquet", "orc"):
        # The files say it at their ends.
        reader = spark.read.format(source.format).options(**dict(source.options))
        total = reader.load([escape_wildcards(file.path) for file in listed]).count()
        return Text(places, max(1.0, total / max(1, len(rows))), 1.0, read, len(chosen))
    size = sum(file.size for file in listed)
    return Text(places, max(1.0, size / max(1, read)), _UNSURE_SIZE, read, len(chosen))
