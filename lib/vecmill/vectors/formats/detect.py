"""Detection of the format of a file of word vectors, by its name and its first bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from vecmill.vectors.formats.streams import file_error, open_to_read
from vecmill.vectors.formats.word2vec import parse_header

FormatName = Literal["word2vec-text", "word2vec-binary", "glove-text", "npy", "safetensors"]

INSPECTED_BYTES = 1 << 16


def detect_format(path: Path) -> FormatName:
    """The format of the file at `path`. Raises InputError if the format is unknown.

    A first line "V d" means word2vec; the second line decides between text and binary. A first line
    with a word and numbers means GloVe.
    """
    with open_to_read(path) as file:
        start = file.read(INSPECTED_BYTES)
    if start.startswith(b"\x93NUMPY"):
        return "npy"
    if path.suffix == ".safetensors" or start[4:9] == b"\0\0\0\0{":
        return "safetensors"
    first, _, rest = start.partition(b"\n")
    if parse_header(first) is not None:
        return "word2vec-text" if not rest or _is_word_and_numbers(rest) else "word2vec-binary"
    if _is_word_and_numbers(start):
        return "glove-text"
    raise file_error(
        path,
        expected="word vectors as word2vec text or binary, GloVe text, npy or safetensors",
        got=f"a file that begins with {start[:20]!r}",
        remedy="unpack or convert it first",
    )


def _is_word_and_numbers(text: bytes) -> bool:
    """Whether the first line of `text` is a word and numbers; the line may be cut off."""
    line, end, _ = text.partition(b"\n")
    columns = line.rstrip(b" \r").split(b" ")
    if not end and len(text) == INSPECTED_BYTES:
        columns.pop()
    return len(columns) > 1 and all(_is_number(column) for column in columns[1:])


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
