"""The lines of a test file and their cells, as editors and spreadsheets save them."""

from __future__ import annotations

import csv
import math
import re
import stat
from collections.abc import Iterable, Sequence
from html import unescape
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from vecmill.errors import InputError
from vecmill.formatting import format_bytes
from vecmill.vectors.formats.streams import CONVERT, file_error, shown

REPAIR = "repair or remove the line"
OTHER_FILE = "give a file of this kind"

# Larger files are no tests, but perhaps vectors.
MOST_BYTES = 1 << 28

SEPARATORS = "\t;,|"

# Quotes around every word of a file; double quotes follow the rules of CSV.
_QUOTES = {"'": "'", "‘": "’", "“": "”", "„": "“", "«": "»"}  # noqa: RUF001
_QUOTED_OR_PLAIN = re.compile(r'"[^"]*"(?=\s|$)|\S+')
_LINES_INSPECTED = 20

_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
# A number in a form that is not read, such as 85%, 8/10 or 1.234,5.
_ODD_NUMBER = re.compile(r"[^\w\s]*\d[\d\W_]*")
_ENTITY = re.compile(r"&(#\d+|#x[0-9A-Fa-f]+|\w+);")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})")


class Line(NamedTuple):
    """A line of a file without spaces around it, and its number from 1."""

    number: int
    text: str


class Row(NamedTuple):
    """A line that is not empty, and its cells."""

    number: int
    text: str
    cells: list[str]


def read_text(path: Path) -> str:
    """The text of a test file, without a byte order mark, with line feeds. Raises InputError."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise InputError(f"{path} is not a regular file; copy its content to one")
        if status.st_size > MOST_BYTES:
            raise file_error(
                path,
                expected=f"a test of at most {format_bytes(MOST_BYTES)}",
                got=format_bytes(status.st_size),
                remedy=OTHER_FILE,
            )
        data = path.read_bytes()
    except OSError as fault:
        raise InputError(
            f"{path} cannot be read ({fault.strerror}); give the path of a test file"
        ) from fault
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        number = data.count(b"\n", 0, fault.start) + 1
        got = repr(data[fault.start : fault.end])
        raise file_error(f"{path}, line {number}", expected="UTF-8", got=got, remedy=CONVERT) from None
    if "\0" in text:
        raise file_error(path, expected="text in UTF-8", got="NUL characters", remedy=CONVERT)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_lines(path: Path) -> list[Line]:
    """All lines except comments. Raises InputError."""
    lines = [Line(n, text.strip()) for n, text in enumerate(read_text(path).split("\n"), start=1)]
    return [line for line in lines if not line.text.startswith("#")]


def content_of(path: Path, lines: Sequence[Line]) -> list[Line]:
    """The lines that are not empty. Raises InputError if there is none."""
    content = [line for line in lines if line.text]
    if not content:
        raise file_error(path, expected="one line per question", got="an empty file", remedy=OTHER_FILE)
    return content


def rows_of(path: Path, content: Sequence[Line]) -> list[Row]:
    """The cells of every line; the first line determines the separator: tab, ;, comma, | or white space.

    Quotes around cells are removed, and so are empty cells at the end of a line. Raises InputError for
    an opening quote without a closing one, except between tabs, and for entities such as &eacute;.
    """
    declared = re.fullmatch(r'"?sep=(.)"?', content[0].text)
    content = content[1:] if declared and len(content) > 1 else content
    for line in content:
        # The semicolon of an entity would separate cells.
        if _has_entity(line.text):
            raise _encoded(f"{path}, line {line.number}", line.text)
    separator = declared[1] if declared else _separator(content[0].text)
    rows = [Row(line.number, line.text, _cells(path, line, separator)) for line in content]
    inspected = [cell for row in rows[:_LINES_INSPECTED] for cell in row.cells if number(cell) is None]
    for opening, closing in _QUOTES.items():
        if inspected and all(_is_between(cell, opening, closing) for cell in inspected):
            rows = [
                row._replace(cells=[c[1:-1] if _is_between(c, opening, closing) else c for c in row.cells])
                for row in rows
            ]
    return rows


def number(text: str) -> float | None:
    """The finite number in a cell, with a decimal point or comma; None for other text."""
    try:
        value = float(text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def looks_like_number(text: str) -> bool:
    """Whether a cell is a number, or meant as one."""
    return number(text) is not None or _ODD_NUMBER.fullmatch(text) is not None


def plain(name: str) -> str:
    """The name of a column in lower case, with letters and digits only."""
    return re.sub(r"[\W_]", "", name.lower())


def numbered_columns(names: Sequence[str]) -> tuple[int, int] | None:
    """The places of the first two plain names that differ only in the numbers 1 and 2 at their ends."""
    for first, name in enumerate(names):
        stem = name.removesuffix("1")
        if stem and stem != name and f"{stem}2" in names[first:]:
            return first, names.index(f"{stem}2", first)
    return None


def check_words(place: str | Path, words: Iterable[str]) -> None:
    r"""Raise InputError for a word that is encoded, such as New%20York, caf&eacute; or caf\u00e9.

    A web address may have percent signs.
    """
    for word in words:
        # Most words have none of these characters.
        if not ("%" in word or "&" in word or "\\" in word):
            continue
        is_percent_encoded = "/" not in word and unquote(word) != word
        if is_percent_encoded or _has_entity(word) or _ESCAPE.search(word):
            raise _encoded(place, word)


def _has_entity(text: str) -> bool:
    entity = _ENTITY.search(text) if "&" in text else None
    return entity is not None and unescape(entity[0]) != entity[0]


def _encoded(place: str | Path, word: str) -> InputError:
    return file_error(
        place,
        expected="words as they are written",
        got=f"the encoded {shown(word)}",
        remedy="decode the file first",
    )


def line_error(path: Path, line: Line | Row, expected: str, got: str, remedy: str) -> InputError:
    """The error for a broken line."""
    return file_error(f"{path}, line {line.number}", expected=expected, got=got, remedy=remedy)


def _separator(text: str) -> str | None:
    """The separator of a line; None stands for white space."""
    spaced = text.split()
    for separator in SEPARATORS:
        cells = text.split(separator)
        if len(cells) < 2:
            continue
        if len(spaced) > 2 and separator == "," and _has_only_decimal_commas(spaced):
            continue
        is_rated_pair = len(spaced) == 3 and number(spaced[2]) is not None
        if len(cells) == 2 and is_rated_pair and number(cells[1]) is not None:
            # Words are separated by a space, and only the number by a tab.
            continue
        return separator
    return None


def _has_only_decimal_commas(spaced: Sequence[str]) -> bool:
    return all(_DECIMAL_COMMA.fullmatch(text) for text in spaced if "," in text)


def _cells(path: Path, line: Line, separator: str | None) -> list[str]:
    if separator is None:
        found = _QUOTED_OR_PLAIN.findall(line.text) if '"' in line.text else line.text.split()
        return [text[1:-1] if _is_between(text, '"', '"') else text for text in found]
    cells = line.text.split(separator)
    if '"' in line.text:
        try:
            [cells] = csv.reader([line.text], delimiter=separator, skipinitialspace=True, strict=True)
        except (csv.Error, ValueError) as fault:
            if separator == "\t":
                # Between tabs a quote may be part of a word.
                return _stripped(cells)
            expected, got = "a closing quote after an opening one", f"{line.text!r} ({fault})"
            raise line_error(path, line, expected, got, REPAIR) from None
    return _stripped(cells)


def _stripped(cells: Sequence[str]) -> list[str]:
    """The cells without spaces around them, and without empty ones at the end."""
    stripped = [cell.strip() for cell in cells]
    while len(stripped) > 1 and not stripped[-1]:
        stripped.pop()
    return stripped


def _is_between(text: str, opening: str, closing: str) -> bool:
    return len(text) > 2 and text.startswith(opening) and text.endswith(closing)


def first_rows(rows: Sequence[Row]) -> Iterable[Row]:
    """The rows that determine the kind of a test; the first may be a header."""
    return islice(rows[1:] or rows, _LINES_INSPECTED)
