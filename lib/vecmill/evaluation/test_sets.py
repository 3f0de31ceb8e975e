"""Readers of test sets for word vectors, in the formats in which they are published.

The files are small, local and text. Lines that begin with # are comments, except in JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

from vecmill.core.measures import AnalogySection, OddOneOut, RatedPair
from vecmill.errors import InputError
from vecmill.vectors.formats.streams import CONVERT, file_error

Kind = Literal["similarity", "analogies", "odd-one-out", "categories", "word-sets"]

# Column names in lower case, with letters and digits only.
FIRST_WORD = {"word1", "w1", "term1"}
SECOND_WORD = {"word2", "w2", "term2"}
RATING = {"score", "rating", "similarity", "relatedness", "mean", "humanmean", "simlex999"}
CATEGORY = {"category", "class", "cluster"}

# Part-of-speech tags of MSR's analogies, such as JJ_JJR.
TAGS = re.compile(r"[A-Z]+_[A-Z]+")

# Suffixes of WEFE's set names: the test of Caliskan et al. that uses the set, or a second version of it.
SET_NUMBER = re.compile(r"_\d+[a-z]?$")

LINES_INSPECTED = 20

REPAIR = "repair or remove the line"
OTHER_FILE = "give a file of this kind"


class Line(NamedTuple):
    """A line of a file, stripped, and its number from 1."""

    number: int
    text: str


class WeatTest(NamedTuple):
    """A word-embedding association test: two sets of targets, two sets of attributes.

    about  what is compared, as text: "math and arts, male terms and female terms"
    """

    name: str
    targets: tuple[Sequence[str], Sequence[str]]
    attributes: tuple[Sequence[str], Sequence[str]]
    about: str = ""


# The tests of Caliskan, Bryson and Narayanan 2017, table 1, as WEFE's word sets, targets first.
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
    """The kind of test in the file at `path`, determined by its content.

    Four words per line without sections are analogies, not odd ones out. The kind is that of most of
    the first lines, so that the reader of that kind can report a broken line. Raises InputError if
    no reader fits.
    """
    lines = _lines(path)
    content = _content(path, lines)
    if content[0].text.startswith("{"):
        return "word-sets"
    if content[0].text.startswith(":"):
        return "analogies"
    if _two_blocks(lines):
        return "odd-one-out"
    split = _splitter(content)
    # The first line may be a header.
    inspected = content[1 : 1 + LINES_INSPECTED] or content
    kinds = Counter(_kind_of_line(split(line.text)) for line in inspected)
    # Counter returns the earlier of two kinds that are equally frequent.
    kind = kinds.most_common(1)[0][0]
    if kind is None:
        expected = "rated pairs, analogies, odd ones out, categories or word sets"
        raise _line_error(path, inspected[0], expected, repr(inspected[0].text), OTHER_FILE)
    return kind


def _kind_of_line(cells: Sequence[str]) -> Kind | None:
    if any(_number(cell) is not None for cell in cells[2:]):
        return "similarity"
    if len(cells) == 2:
        return "categories"
    if len(cells) == 4 or any(TAGS.fullmatch(cell) for cell in cells[3:]):
        return "analogies"
    return "odd-one-out" if len(cells) > 2 else None


def read_similarity(path: Path) -> list[RatedPair]:
    """The rated pairs of words in `path`, in the order of the file.

    Columns are separated by the first of tab, semicolon, comma and white space that the first line
    has. A header names them, as in SimLex-999 and WordSim-353. Without a header the words come first
    and the rating is the first number after them, as in MEN, RG-65 or SimVerb-3500. Raises
    InputError with the number of the broken line.
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
        raise file_error(path, expected="rated pairs", got="a header alone", remedy=OTHER_FILE)

    first_row = split(rows[0].text)
    numbers = [i for i, cell in enumerate(first_row) if i > 1 and _number(cell) is not None]
    first = _column(names, FIRST_WORD, 0)
    second = _column(names, SECOND_WORD, 1)
    rating = _column(names, RATING, numbers[0] if numbers else 2)
    pairs = []
    for line in rows:
        cells = split(line.text)
        pair = _rated_pair(cells, first, second, rating)
        if pair is None:
            expected = f"two words and, in column {rating + 1}, a finite number"
            raise _line_error(path, line, expected, repr(line.text), REPAIR)
        pairs.append(pair)
    return pairs


def read_analogies(path: Path) -> list[AnalogySection]:
    """The analogies in `path`, four words per line: a is to b as c is to d.

    Google's file has a line ": name" before each section. Without such lines the file is one section,
    named after the file. MSR's questions and answers, joined line by line, have tags such as JJ_JJR in
    the fourth or fifth column; each tag is a section. Sections keep the order of the file. Raises
    InputError with the number of the broken line.
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
            raise _line_error(path, line, "four words", got, REPAIR)
        a, b, c, d = cells
        sections.setdefault(name, []).append((a, b, c, d))
    if not any(sections.values()):
        raise file_error(path, expected="four words per line", got="section names only", remedy=OTHER_FILE)
    return [AnalogySection(name, questions) for name, questions in sections.items()]


def read_odd_one_out(path: Path) -> list[OddOneOut]:
    """The questions in `path`, in one of two forms.

    The 8-8-8 data set (Camacho-Collados and Navigli 2016) has one word per line: the members of a
    group, an empty line, then words that do not belong to it. Each of the latter is a question.
    Otherwise each line is a question, and its last word is the odd one. Raises InputError with the
    number of the broken line.
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
            raise _line_error(path, line, expected, repr(line.text), REPAIR)
        questions.append(OddOneOut(tuple(members), odd))
    return questions


def read_categories(path: Path) -> list[tuple[str, str]]:
    """(word, category) of each line of `path`, separated as in `read_similarity`.

    A first line "word category" is a header. Raises InputError with the number of the broken line.
    """
    content = _content(path, _lines(path))
    split = _splitter(content)
    pairs = []
    for line in content:
        cells = split(line.text)
        if len(cells) != 2 or not all(cells):
            raise _line_error(path, line, "a word and its category", repr(line.text), REPAIR)
        pairs.append((cells[0], cells[1]))
    is_header = _plain(pairs[0][0]) == "word" and _plain(pairs[0][1]) in CATEGORY
    return pairs[is_header:]


def read_weat(path: Path) -> list[WeatTest]:
    """The association tests in the JSON file `path`: those of Caliskan et al. 2017, and the user's own.

    WEFE's files have named sets of words, {"flowers": ["rose", "tulip"]}; a published test is read if
    its four sets are present. The user's own test has a name, two targets and two attributes, each of
    them a list of words or the name of a set: {"crafts": {"targets": ["flowers", ["sword", "axe"]],
    "attributes": [["she"], ["he"]]}}. Raises InputError, with the number of the line if it is not JSON.
    """
    content = _json_object(path)
    sets, tests = {}, {}
    for name, value in content.items():
        if isinstance(value, dict):
            tests[name] = value
        elif _is_word_set(value):
            sets[name] = value
        else:
            got = json.dumps(value)[:40]
            raise file_error(
                f"{path}, {name!r}", expected="a list of words", got=got, remedy="repair the file"
            )
    all_tests = [*weat_tests(sets), *(_own_test(path, name, test, sets) for name, test in tests.items())]
    if not all_tests:
        needed = ", ".join(WEAT_SETS["WEAT 6"])
        raise file_error(
            path,
            expected=f"the four sets of one of WEAT 1 to 10, such as {needed}, or a test of your own",
            got=", ".join(sets),
            remedy='name the sets as WEFE does, or add {"mine": {"targets": ["a set", "a set"], '
            '"attributes": ["a set", "a set"]}}',
        )
    return all_tests


def weat_tests(word_sets: Mapping[str, Sequence[str]]) -> list[WeatTest]:
    """Those of the ten tests of Caliskan et al. 2017 whose four sets are in `word_sets`."""
    tests = []
    for name, needed in WEAT_SETS.items():
        if all(set_name in word_sets for set_name in needed):
            x, y, a, b = (word_sets[set_name] for set_name in needed)
            tests.append(WeatTest(name, (x, y), (a, b), _describe(needed)))
    return tests


def _own_test(
    path: Path, name: str, content: Mapping[str, Any], sets: Mapping[str, Sequence[str]]
) -> WeatTest:
    word_sets, names = [], []
    for side in ("targets", "attributes"):
        pair = content.get(side)
        if not isinstance(pair, list) or len(pair) != 2:
            expected, got = f"two sets as {side!r}", json.dumps(pair)[:40]
            raise file_error(f"{path}, {name!r}", expected=expected, got=got, remedy="repair the file")
        for value in pair:
            words = sets.get(value) if isinstance(value, str) else value if _is_word_set(value) else None
            if not words:
                expected, got = f"words or the name of a set in {side!r}", json.dumps(value)[:40]
                raise file_error(f"{path}, {name!r}", expected=expected, got=got, remedy="repair the file")
            word_sets.append(words)
            names.append(value if isinstance(value, str) else f"{words[0]} …")
    x, y, a, b = word_sets
    return WeatTest(name, (x, y), (a, b), _describe(names))


def _is_word_set(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _describe(names: Sequence[str]) -> str:
    """What a test compares, as text, from the names of its four sets."""
    x, y, a, b = (SET_NUMBER.sub("", name).replace("_", " ") for name in names)
    return f"{x} and {y}, {a} and {b}"


def _json_object(path: Path) -> dict[str, Any]:
    expected = 'JSON such as {"flowers": ["rose", "tulip"]}'
    try:
        content = json.loads(_text(path))
    except json.JSONDecodeError as fault:
        place = f"{path}, line {fault.lineno}"
        raise file_error(place, expected=expected, got=fault.msg, remedy="repair the file") from None
    if not isinstance(content, dict) or not content:
        got = "no set" if content == {} else type(content).__name__
        raise file_error(path, expected=expected, got=got, remedy=OTHER_FILE)
    return content


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
        raise file_error(f"{path}, line {number}", expected="UTF-8", got=got, remedy=CONVERT) from None


def _lines(path: Path) -> list[Line]:
    """All lines except comments."""
    lines = [Line(n, text.strip()) for n, text in enumerate(_text(path).split("\n"), start=1)]
    return [line for line in lines if not line.text.startswith("#")]


def _content(path: Path, lines: Sequence[Line]) -> list[Line]:
    """The lines that are not empty. Raises InputError if there is none."""
    content = [line for line in lines if line.text]
    if not content:
        raise file_error(path, expected="one line per question", got="an empty file", remedy=OTHER_FILE)
    return content


def _two_blocks(lines: Sequence[Line]) -> tuple[list[str], list[str]] | None:
    """The two blocks of a file of two blocks with one word per line; None for other files."""
    groups = groupby(lines, key=lambda line: bool(line.text))
    blocks = [[line.text for line in group] for has_text, group in groups if has_text]
    if len(blocks) != 2 or any(len(text.split()) > 1 for block in blocks for text in block):
        return None
    return blocks[0], blocks[1]


def _splitter(content: Sequence[Line]) -> Callable[[str], list[str]]:
    """The function that splits a line into cells; the first line determines the separator."""
    for separator in "\t;,":
        if separator in content[0].text:
            return lambda text: [cell.strip() for cell in text.split(separator)]
    return str.split


def _rated_pair(cells: Sequence[str], first: int, second: int, rating: int) -> RatedPair | None:
    """The pair in these columns of `cells`, None if one is missing or the rating is not a number."""
    if len(cells) <= max(first, second, rating):
        return None
    number = _number(cells[rating])
    if number is None or not cells[first] or not cells[second]:
        return None
    return RatedPair(cells[first], cells[second], number)


def _column(names: Sequence[str], candidates: set[str], default: int) -> int:
    """The index of the first of the column `names` that is one of the `candidates`."""
    return next((i for i, name in enumerate(names) if name in candidates), default)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _line_error(path: Path, line: Line, expected: str, got: str, remedy: str) -> InputError:
    return file_error(f"{path}, line {line.number}", expected=expected, got=got, remedy=remedy)
