"""Which format a file of word vectors has, from its name and its first bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from vecmill.vectors.formats.streams import broken, opened
from vecmill.vectors.formats.word2vec import parse_header

FormatName = Literal["word2vec-text", "word2vec-binary", "glove-text", "npy", "safetensors"]

SNIFFED_BYTES = 1 << 16


def detect_format(path: Path) -> FormatName:
    """The format of the file at `path`. Raises InputError where it is none of the known.

    A header "V d" is word2vec's; its second line tells text from binary. A file that begins with a
    word and numbers instead is GloVe's.
    """
    with opened(path) as file:
        start = file.read(SNIFFED_BYTES)
    if start.startswith(b"\x93NUMPY"):
        return "npy"
    if path.suffix == ".safetensors" or start[4:9] == b"\0\0\0\0{":
        return "safetensors"
    first, _, rest = start.partition(b"\n")
    if parse_header(first) is not None:
        return "word2vec-text" if not rest or _is_word_and_numbers(rest) else "word2vec-binary"
    if _is_word_and_numbers(start):
        return "glove-text"
    raise broken(
        path,
        expected="word vectors as word2vec text or binary, GloVe text, npy or safetensors",
        got=f"a file that begins with {start[:20]!r}",
        remedy="unpack or convert it first",
    )


def _is_word_and_numbers(text: bytes) -> bool:
    """Whether the first line of `text` is a word and numbers; its end may be missing."""
    line, end, _ = text.partition(b"\n")
    columns = line.rstrip(b" \r").split(b" ")
    if not end and len(text) == SNIFFED_BYTES:
        columns.pop()
    return len(columns) > 1 and all(_is_number(column) for column in columns[1:])


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
