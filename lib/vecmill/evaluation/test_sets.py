"""Readers of test sets for word vectors, in the formats in which they are published.

The files are small, local and text. Lines that begin with # are comments, except in JSON. Association
tests are in `weat_sets`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Literal

from vecmill.core.measures import AnalogySection, OddOneOut, RatedPair
from vecmill.errors import InputError
from vecmill.evaluation.test_lines import (
    OTHER_FILE,
    REPAIR,
    SEPARATORS,
    Line,
    Row,
    check_words,
    content_of,
    first_rows,
    line_error,
    looks_like_number,
    number,
    numbered_columns,
    plain,
    read_lines,
    rows_of,
)
from vecmill.vectors.formats.streams import file_error

Kind = Literal["similarity", "analogies", "odd-one-out", "categories", "word-sets"]

# Plain names of columns.
FIRST_WORD = {"word1", "w1", "term1"}
SECOND_WORD = {"word2", "w2", "term2"}
RATING = {"score", "rating", "similarity", "relatedness", "mean", "humanmean", "simlex999"}
CATEGORY = {"category", "class", "cluster"}

# Part-of-speech tags of MSR's analogies, such as JJ_JJR.
TAGS = re.compile(r"[A-Z]+_[A-Z]+")

# Published tests have some dozens.
MOST_CATEGORIES = 1000


def kind_of_test_set(path: Path) -> Kind:
    """The kind of test in the file at `path`, determined by its content.

    Four words per line without sections are analogies, not odd ones out. The kind is that of most of
    the first lines, so that the reader of that kind can report a broken line. Raises InputError if
    no reader fits.
    """
    lines = read_lines(path)
    content = content_of(path, lines)
    if content[0].text.startswith("{"):
        return "word-sets"
    if content[0].text.startswith(":"):
        return "analogies"
    if _two_blocks(lines):
        return "odd-one-out"
    rows = rows_of(path, content)
    has_other_names = any(not plain(cell)[-1:].isdecimal() for cell in rows[0].cells)
    if len(rows) == 1 and (_names_columns(rows[0]) or (has_other_names and _has_numbered_names(rows[0]))):
        raise _only_a_header(path)
    inspected = list(first_rows(rows))
    kinds = Counter(_kind_of_line(row.cells) for row in inspected)
    # Counter returns the earlier of two kinds that are equally frequent.
    kind = kinds.most_common(1)[0][0]
    if kind is None:
        expected = "rated pairs, analogies, odd ones out, categories or word sets"
        raise line_error(path, inspected[0], expected, repr(inspected[0].text), OTHER_FILE)
    return kind


def _kind_of_line(cells: Sequence[str]) -> Kind | None:
    if any(looks_like_number(cell) for cell in cells[2:]):
        return "similarity"
    if len(cells) == 2:
        return "categories"
    if len(cells) == 4 or any(TAGS.fullmatch(cell) for cell in cells[3:]):
        return "analogies"
    return "odd-one-out" if len(cells) > 2 else None


def read_similarity(path: Path) -> list[RatedPair]:
    """The rated pairs of words in `path`, in the order of the file.

    Columns are separated by the first of tab, semicolon, comma, | and white space that the first line
    has; cells may be quoted, and ratings may have a decimal comma. A header names the columns, as in
    SimLex-999 and WordSim-353. Without a header the words come first and the rating is the first number
    after them, as in MEN, RG-65 or SimVerb-3500. Raises InputError with the number of the broken line.
    """
    rows = rows_of(path, content_of(path, read_lines(path)))
    names = [plain(cell) for cell in rows[0].cells] if _is_header_of_pairs(rows[0]) else []
    pairs = rows[1:] if names else rows
    if not pairs:
        raise _only_a_header(path)
    _check_decimal_commas(path, pairs, len(names))
    numbers = [n for n, cell in enumerate(pairs[0].cells) if n > 1 and number(cell) is not None]
    first, second = numbered_columns(names) or (0, 1)
    first = _column(names, FIRST_WORD, first)
    second = _column(names, SECOND_WORD, second)
    rating = _column(names, RATING, numbers[0] if numbers else 2)
    return [_rated_pair(path, row, first, second, rating) for row in pairs]


def _is_header_of_pairs(row: Row) -> bool:
    names = [plain(cell) for cell in row.cells]
    is_named = not (FIRST_WORD | RATING).isdisjoint(names) or _has_numbered_names(row)
    return is_named and all(number(cell) is None for cell in row.cells)


def _check_decimal_commas(path: Path, rows: Sequence[Row], columns: int) -> None:
    """Raise InputError if commas may separate both columns and decimals, as in "king,queen,8,5"."""
    expected_cells = columns + 1 if columns else 4
    if all(
        len(row.cells) == expected_cells
        and "," in row.text
        and not any(sign in row.text for sign in '\t;|"')
        and all(cell.isdecimal() for cell in row.cells[-2:])
        for row in rows
    ):
        expected = "one number, or a header that names its column"
        got = f"{rows[0].text!r}, whose last comma may be a decimal comma"
        raise line_error(path, rows[0], expected, got, "write decimal points, or separate columns by ;")


def _rated_pair(path: Path, row: Row, first: int, second: int, rating: int) -> RatedPair:
    """The pair in these columns. Raises InputError if one is missing or the rating is not a number."""
    cells = row.cells
    value = number(cells[rating]) if len(cells) > max(first, second, rating) else None
    if value is None or not cells[first] or not cells[second]:
        expected = f"two words and, in column {rating + 1}, a finite number"
        raise line_error(path, row, expected, repr(row.text), REPAIR)
    check_words(f"{path}, line {row.number}", (cells[first], cells[second]))
    return RatedPair(cells[first], cells[second], value)


def _column(names: Sequence[str], candidates: set[str], default: int) -> int:
    """The index of the first of the column `names` that is one of the `candidates`."""
    return next((n for n, name in enumerate(names) if name in candidates), default)


def read_analogies(path: Path) -> list[AnalogySection]:
    """The analogies in `path`, four words per line: a is to b as c is to d.

    Google's file has a line ": name" before each section. Without such lines the file is one section,
    named after the file. MSR's questions and answers, joined line by line, have tags such as JJ_JJR in
    the fourth or fifth column; each tag is a section. Sections keep the order of the file. Words are
    separated as in `read_similarity`, or in each line by white space. Raises InputError with the number
    of the broken line.
    """
    sections: dict[str, list[tuple[str, str, str, str]]] = {}
    section = path.stem
    content = content_of(path, read_lines(path))
    questions = [line for line in content if not line.text.startswith(":")]
    rows = {row.number: row for row in rows_of(path, questions)} if questions else {}
    for line in content:
        if line.text.startswith(":"):
            section = line.text.lstrip(":").strip()
            sections.setdefault(section, [])
            continue
        row = rows.get(line.number)
        if row is None or (line is content[0] and _names_columns(row)):
            continue
        cells = list(row.cells) if len(row.cells) in (4, 5) else line.text.split()
        tags = [n for n in (3, 4) if len(cells) == 5 and TAGS.fullmatch(cells[n])]
        name = cells.pop(tags[0]) if tags else section
        if len(cells) != 4 or not all(cells):
            got = f"{len(cells)} in {line.text!r}"
            raise line_error(path, line, "four words", got, REPAIR)
        check_words(f"{path}, line {line.number}", cells)
        a, b, c, d = cells
        sections.setdefault(name, []).append((a, b, c, d))
    if not any(sections.values()):
        got = "section names only" if sections else "a header alone"
        raise file_error(path, expected="four words per line", got=got, remedy=OTHER_FILE)
    return [AnalogySection(name, questions) for name, questions in sections.items()]


def read_odd_one_out(path: Path) -> list[OddOneOut]:
    """The questions in `path`, in one of two forms.

    The 8-8-8 data set (Camacho-Collados and Navigli 2016) has one word per line: the members of a
    group, an empty line, then words that do not belong to it. Each of the latter is a question.
    Otherwise each line is a question, and its last word is the odd one. Raises InputError with the
    number of the broken line.
    """
    lines = read_lines(path)
    content = content_of(path, lines)
    if blocks := _two_blocks(lines):
        members, outliers = blocks
        check_words(path, [*members, *outliers])
        return [OddOneOut(tuple(members), odd) for odd in outliers]
    rows = rows_of(path, content)
    questions = []
    for row in rows[1:] if _names_columns(rows[0]) else rows:
        *members, odd = row.cells
        if len(members) < 2 or not all((*members, odd)):
            expected = "three words or more, the odd one last"
            raise line_error(path, row, expected, repr(row.text), REPAIR)
        check_words(f"{path}, line {row.number}", row.cells)
        questions.append(OddOneOut(tuple(members), odd))
    if not questions:
        raise _only_a_header(path)
    if all(looks_like_number(question.members[0]) for question in questions):
        remedy = "write a rating after its two words"
        raise line_error(path, rows[0], "words", f"a number first in {rows[0].text!r}", remedy)
    return questions


def read_categories(path: Path) -> list[tuple[str, str]]:
    """(word, category) of each line of `path`, separated as in `read_similarity`.

    A first line "word category" is a header. Raises InputError with the number of the broken line, and
    if the categories are numbers as in a file of another kind.
    """
    rows = rows_of(path, content_of(path, read_lines(path)))
    is_header = len(rows[0].cells) == 2 and _is_header_of_categories(rows[0].cells)
    pairs = []
    for row in rows[is_header:]:
        if len(row.cells) != 2 or not all(row.cells):
            raise line_error(path, row, "a word and its category", repr(row.text), REPAIR)
        check_words(f"{path}, line {row.number}", row.cells[:1])
        pairs.append((row.cells[0], row.cells[1]))
    if not pairs:
        raise _only_a_header(path)
    are_numbers = all(looks_like_number(category) for _, category in pairs)
    are_ratings = any(not category.isdecimal() for _, category in pairs)
    if are_numbers and (are_ratings or all(len(word.split()) == 2 for word, _ in pairs)):
        row = rows[is_header]
        raise line_error(path, row, "a word and its category", repr(row.text), OTHER_FILE)
    count = len({category for _, category in pairs})
    if count > MOST_CATEGORIES:
        expected = f"at most {MOST_CATEGORIES:,} categories"
        raise file_error(path, expected=expected, got=f"{count:,}", remedy=OTHER_FILE)
    return pairs


def _is_header_of_categories(cells: Sequence[str]) -> bool:
    return plain(cells[0]) == "word" and plain(cells[1]) in CATEGORY


def _names_columns(row: Row) -> bool:
    """Whether a line names the columns of its file: word1 and word2, word and category."""
    names = [plain(cell) for cell in row.cells]
    # "w1" and "w2" may be words of a question.
    known = sum(name in (FIRST_WORD | SECOND_WORD | RATING) - {"w1", "w2"} for name in names)
    if any(number(cell) is not None for cell in row.cells):
        return False
    is_categories = len(names) == 2 and _is_header_of_categories(row.cells)
    return known > 1 or is_categories


def _has_numbered_names(row: Row) -> bool:
    """Whether a line has names as "Wort1" and "Wort2", which a question may have as well."""
    return numbered_columns([plain(cell) for cell in row.cells]) is not None


def _only_a_header(path: Path) -> InputError:
    return file_error(path, expected="rated pairs", got="a header alone", remedy=OTHER_FILE)


def _two_blocks(lines: Sequence[Line]) -> tuple[list[str], list[str]] | None:
    """The two blocks of a file of two blocks with one word per line; None for other files."""
    groups = groupby(lines, key=lambda line: bool(line.text))
    blocks = [[line.text for line in group] for has_text, group in groups if has_text]
    if len(blocks) != 2:
        return None
    if any(len(text.split()) > 1 or any(map(text.count, SEPARATORS)) for block in blocks for text in block):
        return None
    return blocks[0], blocks[1]
