"""Detection of the format of a file of word vectors, by its name and its first bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from vecmill.vectors.formats.first_lines import (
    INSPECTED_BYTES,
    glove_dimension,
    is_text,
    parse_header,
    without_mark,
)
from vecmill.vectors.formats.streams import file_error, open_to_read

FormatName = Literal["word2vec-text", "word2vec-binary", "glove-text", "npy", "safetensors"]


def detect_format(path: Path) -> FormatName:
    """The format of the file at `path`. Raises InputError if the format is unknown.

    A first line "V d" means word2vec; the rows decide between text and binary. First lines with a word
    and numbers mean GloVe. Text may begin with a byte order mark.
    """
    with open_to_read(path) as file:
        start = file.read(INSPECTED_BYTES)
        is_whole = not file.read(1)
    if start.startswith(b"\x93NUMPY"):
        return "npy"
    if path.suffix == ".safetensors" or start[4:9] == b"\0\0\0\0{":
        return "safetensors"
    first, _, rows = without_mark(start).partition(b"\n")
    header = parse_header(first)
    if header is not None:
        return "word2vec-text" if is_text(rows, header, is_whole=is_whole) else "word2vec-binary"
    if glove_dimension(start, is_whole=is_whole) is not None:
        return "glove-text"
    raise file_error(
        path,
        expected="word vectors as word2vec text or binary, GloVe text, npy or safetensors",
        got=f"a file that begins with {start[:20]!r}",
        remedy="unpack or convert it first",
    )
