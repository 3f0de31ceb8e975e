"""What the first lines of a file of word vectors say: its header, its dimension, whether it is text."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Bytes from the beginning of a file by which its format is determined.
INSPECTED_BYTES = 1 << 16

_INSPECTED_LINES = 20

# Longer numbers are not parsed: Python refuses them from 4,300 digits on.
_MOST_DIGITS = 18

# Bytes that text does not have.
_CONTROL = bytes(sorted({*range(32), 127} - set(b"\t\n\v\f\r")))
# The share of such bytes that damaged text may have; in binary vectors it is above 10 %.
_CONTROL_SHARE = 0.02


class Header(NamedTuple):
    """The first line of a word2vec file: the numbers of words and of dimensions."""

    words: int
    dim: int


def without_mark(start: bytes) -> bytes:
    """The beginning of a file without a byte order mark."""
    return start.removeprefix(BYTE_ORDER_MARK)


def parse_header(line: bytes) -> Header | None:
    """The header in a line "V d", None for other lines."""
    columns = without_mark(line).split()
    if len(columns) != 2 or not all(column.isdigit() for column in columns):
        return None
    words, dim = (int(column[: _MOST_DIGITS + 1]) for column in columns)
    return Header(words, dim) if dim else None


def glove_dimension(start: bytes, *, is_whole: bool) -> int | None:
    """The number of dimensions of GloVe text that begins with `start`; None if it is not GloVe text.

    It is that of most of the first lines with a word without spaces, so that one bad number or one word
    with spaces does not change it. `is_whole` says that the last line is not cut off.
    """
    found = _numbers_of_lines(without_mark(start), is_whole=is_whole)
    plain = Counter(numbers for numbers, has_spaces in found if numbers and not has_spaces)
    others = Counter(numbers for numbers, has_spaces in found if numbers and has_spaces)
    for counts in (plain, others):
        if counts:
            # Counter returns the earlier of two that are equally frequent.
            return counts.most_common(1)[0][0]
    return None


def is_text(rows: bytes, header: Header, *, is_whole: bool) -> bool:
    """Whether the rows of a word2vec file, after its header, are text and not binary.

    rows      the rows, or their beginning
    is_whole  whether these are all rows
    """
    if not rows:
        return True
    if any(
        numbers and not has_spaces for numbers, has_spaces in _numbers_of_lines(rows, is_whole=is_whole)
    ):
        return True
    if is_whole and _is_whole_binary(rows, header):
        return False
    odd = len(rows) - len(rows.translate(None, delete=_CONTROL))
    odd += rows.decode("utf-8", "replace").count("\N{REPLACEMENT CHARACTER}")
    return odd <= _CONTROL_SHARE * len(rows)


def _is_whole_binary(rows: bytes, header: Header) -> bool:
    """Whether `rows` are exactly the header's words, each followed by a space and its float32."""
    start = 0
    for _ in range(min(header.words, len(rows))):
        space = rows.find(b" ", start)
        start = space + 1 + 4 * header.dim
        if space < 0 or start > len(rows):
            return False
    return not rows[start:].strip(b"\n")


def _numbers_of_lines(text: bytes, *, is_whole: bool) -> list[tuple[int, bool]]:
    """`_numbers` of the first lines that are not empty and not cut off, or of a single line that is."""
    *lines, rest = text.split(b"\n", _INSPECTED_LINES)
    is_cut = not is_whole and not lines
    if is_cut or (is_whole and len(lines) < _INSPECTED_LINES):
        lines.append(rest)
    return [_numbers(line, is_cut=is_cut) for line in lines if line.strip(b" \r")]


def _numbers(line: bytes, *, is_cut: bool) -> tuple[int, bool]:
    """How many numbers a line of GloVe text has, 0 for another line, and whether its word has spaces."""
    columns = line.rstrip(b" \r").split(b" ")
    if is_cut:
        columns.pop()
    first = next((n for n, column in enumerate(columns) if n and _is_number(column)), len(columns))
    are_numbers = all(map(_is_number, columns[first:]))
    return len(columns) - first, first > 1 or not are_numbers


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
