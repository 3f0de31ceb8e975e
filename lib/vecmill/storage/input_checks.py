"""A look at the beginnings of the input's files, before anything is computed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import PurePosixPath

from vecmill.errors import InputError
from vecmill.formatting import MIB, format_bytes
from vecmill.storage.files import FileStatus
from vecmill.storage.input_files import InputFiles, lookup
from vecmill.storage.local_files import local_path
from vecmill.storage.text_checks import fault_of, suffix_of

# Files that are listed at most, and those of them that are looked at.
MOST_LISTED = 1000
_LOOKED_AT_HERE, _LOOKED_AT_ELSEWHERE = 500, 50
_HEAD_BYTES = 1 << 15

# Files without a line break at the beginning that are read further.
_LONG_LINES = 3


def check_input(
    files: InputFiles,
    listed: Sequence[FileStatus],
    *,
    format_name: str,
    encoding: str | None,
    most_bytes: int,
) -> None:
    """Raise InputError if a file is not text, or if a line or a file is too long to be one document.

    It reads 32 KiB of at most 500 of the listed files on this machine, or of 50 elsewhere, some of every
    ending; a damaged or foreign file among the others is found when its text is read. For formats that are
    not lines of text it does nothing.

    listed      files of the input, at most MOST_LISTED
    encoding    of text and csv; None if the reader finds it out
    most_bytes  the longest document that Java has memory for
    """
    if format_name not in ("text", "csv", "json"):
        return
    is_here = bool(listed) and local_path(listed[0].path) is not None
    chosen = spread(listed, _LOOKED_AT_HERE if is_here else _LOOKED_AT_ELSEWHERE)
    whole = (lookup(files.options, "wholetext") or "").lower() == "true"
    lines = format_name == "text" and not whole
    separator = (lookup(files.options, "lineSep") or "\n").encode()
    searched = 0
    for file in chosen:
        head = files.read_bytes(file, 0, _HEAD_BYTES)
        key = "input.options.encoding" if format_name == "json" else "input.encoding"
        fault = fault_of(file.path, head, file.size, encoding, key) if encoding else None
        if fault is not None:
            raise InputError(f"input.path: {file.path} {fault}")
        if suffix_of(file.path) or file.size <= most_bytes:
            continue
        if whole and format_name == "text":
            raise too_long(file.path, "the file", file.size, most_bytes)
        if lines and separator not in head and searched < _LONG_LINES:
            searched += 1
            if separator not in files.read_bytes(file, 0, most_bytes):
                raise too_long(file.path, "its first line", None, most_bytes)


def find_long_line(listed: Sequence[FileStatus], most_bytes: int) -> InputError | None:
    """The error for the first line that is longer than Java has memory for; None if there is none.

    It reads the files of this machine, a gigabyte or two per second, after Java has run out of memory.
    """
    for file in listed:
        path = local_path(file.path)
        if path is None or suffix_of(file.path) or file.size <= most_bytes:
            continue
        since, number = 0, 1
        with path.open("rb") as stream:
            while block := stream.read(16 * MIB):
                first, last = block.find(b"\n"), block.rfind(b"\n")
                since += len(block) if first < 0 else first
                if since > most_bytes:
                    return too_long(file.path, f"line {number:,}", None, most_bytes)
                if first >= 0:
                    number += block.count(b"\n")
                    since = len(block) - last - 1
    return None


def too_long(path: str, what: str, size: int | None, most_bytes: int) -> InputError:
    """The error for a document that Java has no memory for."""
    length = f"more than {format_bytes(most_bytes)}" if size is None else format_bytes(size)
    return InputError(
        f"input.path: {what} of {path} has {length}, and each is one document in the memory of Java, which "
        f"holds {format_bytes(most_bytes)} of one; put line breaks between documents, or raise "
        "spark.driver.memory (spark.executor.memory on a cluster)"
    )


def spread(files: Sequence[FileStatus], most: int) -> list[FileStatus]:
    """At most so many files: in turn one of every ending of a name, from all over the list."""
    by_ending: Mapping[str, list[FileStatus]] = defaultdict(list)
    for file in files:
        if file.size:
            by_ending[PurePosixPath(file.path).suffix.lower()].append(file)
    turns = zip_longest(*(_from_all_over(group) for group in by_ending.values()))
    return [file for turn in turns for file in turn if file is not None][:most]


def _from_all_over(files: Sequence[FileStatus]) -> Iterator[FileStatus]:
    """The files in an order whose every beginning is spread over the list: halves, quarters, ..."""
    seen: set[int] = set()
    step = 1.0
    while len(seen) < len(files):
        for place in range(round(1 / step)):
            index = int(place * step * len(files))
            if index not in seen:
                seen.add(index)
                yield files[index]
        step /= 2
