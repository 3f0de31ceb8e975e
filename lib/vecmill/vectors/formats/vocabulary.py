"""The words beside a file of numbers alone: UTF-8, one word a line, in the order of the rows."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from vecmill.vectors.formats.streams import CONVERT, broken, opened, refuse_words
from vecmill.vectors.formats.text import lines

UNFIT = r"^$|[\n\r]"


def vocabulary_path(path: Path) -> Path:
    """Where the words of the vectors at `path` are: for model.npy, model.vocabulary.txt."""
    return path.with_suffix(".vocabulary.txt")


def write_words(path: Path, file: BinaryIO, words: pa.Array) -> None:
    """Append `words` to `file`, the vocabulary of `path`.

    Raises InputError for an empty word and one with a line break.
    """
    refuse_words(path, words, UNFIT, "its vocabulary has one word a line; split such words")
    file.write(lines(words, separator=""))


def read_words(path: Path, count: int) -> list[str]:
    """The `count` words of the vectors at `path`. Raises InputError where there are not so many."""
    place = vocabulary_path(path)
    with opened(place) as file:
        data = file.read()
    try:
        words = data.decode().replace("\r\n", "\n").removesuffix("\n").split("\n") if data else []
    except UnicodeDecodeError as fault:
        number = data.count(b"\n", 0, fault.start) + 1
        got = f"{data[fault.start : fault.end]!r}"
        raise broken(f"{place}, line {number}", expected="UTF-8", got=got, remedy=CONVERT) from None
    if len(words) != count:
        raise broken(
            place,
            expected=f"{count} lines, one for each vector of {path.name}",
            got=f"{len(words)}",
            remedy="take both files from the same export",
        )
    return words
