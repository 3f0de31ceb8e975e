"""Files that word vectors are tested with, in the formats they are published in.

They are small, local text files, read whole. Lines that begin with # are comments, except in JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

from vecmill.core.evaluation import AnalogySection, OddOneOut, RatedPair
from vecmill.errors import InputError
from vecmill.io.formats.streams import CONVERT, broken

Kind = Literal["similarity", "analogies", "odd-one-out", "categories", "word-sets"]

# Names of columns, in lower case and without what is neither letter nor digit.
FIRST_WORD = {"word1", "w1", "term1"}
SECOND_WORD = {"word2", "w2", "term2"}
RATING = {"score", "rating", "similarity", "relatedness", "mean", "humanmean", "simlex999"}
CATEGORY = {"category", "class", "cluster"}

# Parts of speech in MSR's answers, such as JJ_JJR.
TAGS = re.compile(r"[A-Z]+_[A-Z]+")

REPAIR = "repair or remove the line"
DIFFERENT = "give a file of this kind"


class Line(NamedTuple):
    """A line of a file, stripped, and its number from 1."""

    number: int
    text: str


class WeatTest(NamedTuple):
    """A word-embedding association test: two sets of targets, two sets of attributes."""

    name: str
    targets: tuple[Sequence[str], Sequence[str]]
    attributes: tuple[Sequence[str], Sequence[str]]


# Of Caliskan, Bryson and Narayanan 2017, table 1: names of WEFE's word sets, targets first.
WEAT_SETS = {
    "WEAT 1": ("flowers", "insects", "pleasant_5", "unpleasant_5a"),
    "WEAT 2": ("instruments", "weapons", "pleasant_5", "unpleasant_5a"),
    "WEAT 3": (
        "european_american_names_5",
        "african_american_names_5",
        "pleasant_5",
        "unpleasant_5b",
    ),
    "WEAT 4": (
        "european_american_names_7",
        "african_american_names_7",
        "pleasant_5",
        "unpleasant_5b",
    ),
    "WEAT 5": (
        "european_american_names_7",
        "african_american_names_7",
        "pleasant_9",
        "unpleasant_9",
    ),
    "WEAT 6": ("male_names", "female_names", "career", "family"),
    "WEAT 7": ("math", "arts", "male_terms", "female_terms"),
    "WEAT 8": ("science", "arts_2", "male_terms_2", "female_terms_2"),
    "WEAT 9": ("mental_disease", "physical_disease", "temporary", "permanent"),
    "WEAT 10": ("young_people_names", "old_people_names", "pleasant_9", "unpleasant_9"),
}


def kind_of_test_set(path: Path) -> Kind:
    """Which of the readers of this module fits the file at `path`, judged by its content.

    Four words a line without sections are taken for analogies, not for an odd one out of four.
    Raises InputError where no reader fits.
    """
    lines = _lines(path)
    content = _content(path, lines)
    if content[0].text.startswith("{"):
        return "word-sets"
    if content[0].text.startswith(":"):
        return "analogies"
    if _two_blocks(lines):
        return "odd-one-out"
    # The first line may be a header.
    line = content[min(1, len(content) - 1)]
    cells = _splitter(content)(line.text)
    if any(_number(cell) is not None for cell in cells[2:]):
        return "similarity"
    if len(cells) == 2:
        return "categories"
    if len(cells) == 4 or any(TAGS.fullmatch(cell) for cell in cells[3:]):
        return "analogies"
    if len(cells) > 2:
        return "odd-one-out"
    expected = "rated pairs, analogies, odd ones out, categories or word sets"
    raise _broken_line(path, line, expected, repr(line.text), DIFFERENT)


def read_similarity(path: Path) -> list[RatedPair]:
    """The rated pairs of words in `path`, in the file's order.

    Columns are separated by tabs, semicolons, commas or white space, whichever of these the first
    line has first. A header tells them by name, as SimLex-999's and WordSim-353's do; without one
    the words come first and the rating is the first number after them, as in MEN, RG-65 or
    SimVerb-3500. Raises InputError with the number of the line that is broken.
    """
    content = _content(path, _lines(path))
    split = _splitter(content)
    names = [_plain(cell) for cell in split(content[0].text)]
    no_number = all(_number(cell) is None for cell in split(content[0].text))
    has_header = no_number and not (FIRST_WORD | RATING).isdisjoint(names)
    if not has_header:
        names = []
    rows = content[has_header:]
    if not rows:
        raise broken(path, expected="rated pairs", got="a header alone", remedy=DIFFERENT)

    first_row = split(rows[0].text)
    numbers = [i for i, cell in enumerate(first_row) if i > 1 and _number(cell) is not None]
    first = _place(names, FIRST_WORD, 0)
    second = _place(names, SECOND_WORD, 1)
    rating = _place(names, RATING, numbers[0] if numbers else 2)
    pairs = []
    for line in rows:
        cells = split(line.text)
        pair = _rated_pair(cells, first, second, rating)
        if pair is None:
            expected = f"two words and, in column {rating + 1}, a finite number"
            raise _broken_line(path, line, expected, repr(line.text), REPAIR)
        pairs.append(pair)
    return pairs


def read_analogies(path: Path) -> list[AnalogySection]:
    """The analogies in `path`, four words a line: a is to b as c is to d.

    Google's file has ": name" lines before its sections. A file without is one section, named after
    the file; MSR's questions and answers, pasted side by side, have a column of tags such as JJ_JJR
    as the fourth (or the fifth), and are a section a tag. Sections are in the file's order. Raises
    InputError with the number of the line that is broken.
    """
    sections: dict[str, list[tuple[str, str, str, str]]] = {}
    section = path.stem
    for line in _content(path, _lines(path)):
        if line.text.startswith(":"):
            section = line.text.lstrip(":").strip()
            sections.setdefault(section, [])
            continue
        cells = line.text.split()
        tags = [i for i in (3, 4) if len(cells) == 5 and TAGS.fullmatch(cells[i])]
        name = cells.pop(tags[0]) if tags else section
        if len(cells) != 4:
            got = f"{len(cells)} in {line.text!r}"
            raise _broken_line(path, line, "four words", got, REPAIR)
        a, b, c, d = cells
        sections.setdefault(name, []).append((a, b, c, d))
    if not any(sections.values()):
        raise broken(path, expected="four words a line", got="section names only", remedy=DIFFERENT)
    return [AnalogySection(name, questions) for name, questions in sections.items()]


def read_odd_one_out(path: Path) -> list[OddOneOut]:
    """The questions in `path`, in one of two forms.

    The form of the 8-8-8 data set (Camacho-Collados and Navigli 2016) is a word a line: the members
    of a group, an empty line, then words that do not belong; each of these is a question. Else a
    line is a question and its last word the odd one. Raises InputError with the number of the line
    that is broken.
    """
    lines = _lines(path)
    content = _content(path, lines)
    if blocks := _two_blocks(lines):
        members, outliers = blocks
        return [OddOneOut(tuple(members), odd) for odd in outliers]
    split = _splitter(content)
    questions = []
    for line in content:
        *members, odd = split(line.text)
        if len(members) < 2 or not all((*members, odd)):
            expected = "three words or more, the odd one last"
            raise _broken_line(path, line, expected, repr(line.text), REPAIR)
        questions.append(OddOneOut(tuple(members), odd))
    return questions


def read_categories(path: Path) -> list[tuple[str, str]]:
    """(word, category) of each line of `path`, separated as in `read_similarity`.

    A first line "word category" is a header. Raises InputError with the number of the line that is
    broken.
    """
    content = _content(path, _lines(path))
    split = _splitter(content)
    pairs = []
    for line in content:
        cells = split(line.text)
        if len(cells) != 2 or not all(cells):
            raise _broken_line(path, line, "a word and its category", repr(line.text), REPAIR)
        pairs.append((cells[0], cells[1]))
    is_header = _plain(pairs[0][0]) == "word" and _plain(pairs[0][1]) in CATEGORY
    return pairs[is_header:]


def read_word_sets(path: Path) -> dict[str, list[str]]:
    """The named sets of words in the JSON file `path`, {"name": ["word", ...]}, WEFE's form.

    Raises InputError, with the number of the line where it is no JSON.
    """
    expected = 'JSON such as {"flowers": ["rose", "tulip"]}'
    try:
        sets = json.loads(_text(path))
    except json.JSONDecodeError as fault:
        place = f"{path}, line {fault.lineno}"
        raise broken(place, expected=expected, got=fault.msg, remedy="repair the file") from None
    if not isinstance(sets, dict) or not sets:
        got = "no set" if sets == {} else type(sets).__name__
        raise broken(path, expected=expected, got=got, remedy=DIFFERENT)
    for name, some in sets.items():
        if not isinstance(some, list) or not all(isinstance(word, str) for word in some):
            place, got = f"{path}, {name!r}", f"{json.dumps(some)[:40]}"
            raise broken(place, expected="a list of words", got=got, remedy="repair the file")
    return sets


def weat_tests(word_sets: Mapping[str, Sequence[str]]) -> list[WeatTest]:
    """The ten tests of Caliskan et al. 2017, as far as `word_sets` has their four sets."""
    tests = []
    for name, needed in WEAT_SETS.items():
        if all(some in word_sets for some in needed):
            x, y, a, b = (word_sets[some] for some in needed)
            tests.append(WeatTest(name, (x, y), (a, b)))
    return tests


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise InputError(
            f"{path} cannot be read ({fault.strerror}); give the path of a test file"
        ) from fault
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        number = data.count(b"\n", 0, fault.start) + 1
        got = repr(data[fault.start : fault.end])
        raise broken(f"{path}, line {number}", expected="UTF-8", got=got, remedy=CONVERT) from None


def _lines(path: Path) -> list[Line]:
    """All lines but comments."""
    lines = [Line(n, text.strip()) for n, text in enumerate(_text(path).split("\n"), start=1)]
    return [line for line in lines if not line.text.startswith("#")]


def _content(path: Path, lines: Sequence[Line]) -> list[Line]:
    """The lines that say something, at least one."""
    content = [line for line in lines if line.text]
    if not content:
        raise broken(path, expected="a line a question", got="an empty file", remedy=DIFFERENT)
    return content


def _two_blocks(lines: Sequence[Line]) -> tuple[list[str], list[str]] | None:
    """The words before and after an empty line, if there are but these, each on its own line."""
    groups = groupby(lines, key=lambda line: bool(line.text))
    blocks = [[line.text for line in group] for has_text, group in groups if has_text]
    if len(blocks) != 2 or any(len(text.split()) > 1 for block in blocks for text in block):
        return None
    return blocks[0], blocks[1]


def _splitter(content: Sequence[Line]) -> Callable[[str], list[str]]:
    """What cuts a line into its cells, judged by the first line."""
    for separator in "\t;,":
        if separator in content[0].text:
            return lambda text: [cell.strip() for cell in text.split(separator)]
    return str.split


def _rated_pair(cells: Sequence[str], first: int, second: int, rating: int) -> RatedPair | None:
    """The pair in these columns of `cells`, None where one is missing."""
    if len(cells) <= max(first, second, rating):
        return None
    number = _number(cells[rating])
    if number is None or not cells[first] or not cells[second]:
        return None
    return RatedPair(cells[first], cells[second], number)


def _place(names: Sequence[str], wanted: set[str], default: int) -> int:
    """Which of the columns `names` is the first one wanted."""
    return next((i for i, name in enumerate(names) if name in wanted), default)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _broken_line(path: Path, line: Line, expected: str, got: str, remedy: str) -> InputError:
    return broken(f"{path}, line {line.number}", expected=expected, got=got, remedy=remedy)
