"""The vocabulary file of a format that holds only numbers: UTF-8, one word per line, one line per row."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from vecmill.vectors.formats.first_lines import BYTE_ORDER_MARK
from vecmill.vectors.formats.streams import CONVERT, file_error, open_to_read, refuse_words
from vecmill.vectors.formats.text import text_lines

UNFIT = r"^$|[\n\r]"


def vocabulary_path(path: Path) -> Path:
    """The path of the words of the vectors at `path`: model.vocabulary.txt for model.npy."""
    return path.with_suffix(".vocabulary.txt")


def write_words(path: Path, file: BinaryIO, words: pa.Array) -> None:
    """Append `words` to `file`, the vocabulary of `path`.

    A first word that begins with a byte order mark gets a second one, because readers drop the first.
    Raises InputError for a word that is empty or has a line break.
    """
    refuse_words(path, words, UNFIT, "its vocabulary has one word per line; split such words")
    text = text_lines(words, separator="")
    if not file.tell() and text.startswith(BYTE_ORDER_MARK):
        file.write(BYTE_ORDER_MARK)
    file.write(text)


def read_words(path: Path, count: int) -> list[str]:
    """The `count` words of the vectors at `path`. Raises InputError if the file has another number.

    A byte order mark and empty lines at the end are ignored.
    """
    place = vocabulary_path(path)
    with open_to_read(place) as file:
        data = file.read().removeprefix(BYTE_ORDER_MARK)
    try:
        words = data.decode().replace("\r\n", "\n").removesuffix("\n").split("\n") if data else []
    except UnicodeDecodeError as fault:
        number = data.count(b"\n", 0, fault.start) + 1
        got = f"{data[fault.start : fault.end]!r}"
        raise file_error(f"{place}, line {number}", expected="UTF-8", got=got, remedy=CONVERT) from None
    while len(words) > count and not words[-1]:
        words.pop()
    if len(words) != count:
        raise file_error(
            place,
            expected=f"{count} lines, one for each vector of {path.name}",
            got=f"{len(words)}",
            remedy="take both files from the same export",
        )
    return words
