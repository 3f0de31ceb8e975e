"""Files that word vectors are tested with, in the formats they are published in.

They are small, local text files, read whole. Lines that begin with # are comments, except in JSON.
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
from vecmill.vectors.formats.streams import CONVERT, broken

Kind = Literal["similarity", "analogies", "odd-one-out", "categories", "word-sets"]

# Names of columns, in lower case and without what is neither letter nor digit.
FIRST_WORD = {"word1", "w1", "term1"}
SECOND_WORD = {"word2", "w2", "term2"}
RATING = {"score", "rating", "similarity", "relatedness", "mean", "humanmean", "simlex999"}
CATEGORY = {"category", "class", "cluster"}

# Parts of speech in MSR's answers, such as JJ_JJR.
TAGS = re.compile(r"[A-Z]+_[A-Z]+")

# In which of Caliskan et al.'s tests a set of WEFE's stands, or that it is the second of its name.
SET_NUMBER = re.compile(r"_\d+[a-z]?$")

LINES_JUDGED = 20

REPAIR = "repair or remove the line"
DIFFERENT = "give a file of this kind"


class Line(NamedTuple):
    """A line of a file, stripped, and its number from 1."""

    number: int
    text: str


class WeatTest(NamedTuple):
    """A word-embedding association test: two sets of targets, two sets of attributes.

    about  what is compared, for people: "math and arts, male and female terms"
    """

    name: str
    targets: tuple[Sequence[str], Sequence[str]]
    attributes: tuple[Sequence[str], Sequence[str]]
    about: str = ""


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

    Four words a line without sections are taken for analogies, not for an odd one out of four. The
    kind is that of most of the first lines, so that a broken line is told as such by its reader.
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
    split = _splitter(content)
    # The first line may be a header.
    judged = content[1 : 1 + LINES_JUDGED] or content
    kinds = Counter(_kind_of_line(split(line.text)) for line in judged)
    # Of two kinds that are equally common the earlier, as Counter has it.
    kind = kinds.most_common(1)[0][0]
    if kind is None:
        expected = "rated pairs, analogies, odd ones out, categories or word sets"
        raise _broken_line(path, judged[0], expected, repr(judged[0].text), DIFFERENT)
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


def read_weat(path: Path) -> list[WeatTest]:
    """The association tests in the JSON file `path`: the ten of Caliskan et al. 2017, and one's own.

    Named sets of words, {"flowers": ["rose", "tulip"]}, are WEFE's form; the ten are those whose four
    sets are there. A test of one's own has a name, two targets and two attributes, each of them a list
    of words or the name of a set: {"crafts": {"targets": ["flowers", ["sword", "axe"]], "attributes":
    [["she"], ["he"]]}}. Raises InputError, with the number of the line where it is no JSON.
    """
    content = _json_object(path)
    sets, tests = {}, {}
    for name, some in content.items():
        if isinstance(some, dict):
            tests[name] = some
        elif _is_set(some):
            sets[name] = some
        else:
            got = json.dumps(some)[:40]
            raise broken(f"{path}, {name!r}", expected="a list of words", got=got, remedy="repair the file")
    found = [*weat_tests(sets), *(_own_test(path, name, some, sets) for name, some in tests.items())]
    if not found:
        needed = ", ".join(WEAT_SETS["WEAT 6"])
        raise broken(
            path,
            expected=f"the four sets of one of WEAT 1 to 10, such as {needed}, or a test of one's own",
            got=", ".join(sets),
            remedy='name the sets as WEFE does, or add {"mine": {"targets": ["a set", "a set"], '
            '"attributes": ["a set", "a set"]}}',
        )
    return found


def weat_tests(word_sets: Mapping[str, Sequence[str]]) -> list[WeatTest]:
    """The ten tests of Caliskan et al. 2017, as far as `word_sets` has their four sets."""
    tests = []
    for name, needed in WEAT_SETS.items():
        if all(some in word_sets for some in needed):
            x, y, a, b = (word_sets[some] for some in needed)
            tests.append(WeatTest(name, (x, y), (a, b), _about(needed)))
    return tests


def _own_test(
    path: Path, name: str, content: Mapping[str, Any], sets: Mapping[str, Sequence[str]]
) -> WeatTest:
    found, names = [], []
    for side in ("targets", "attributes"):
        pair = content.get(side)
        if not isinstance(pair, list) or len(pair) != 2:
            expected, got = f"two sets as {side!r}", json.dumps(pair)[:40]
            raise broken(f"{path}, {name!r}", expected=expected, got=got, remedy="repair the file")
        for some in pair:
            words = sets.get(some) if isinstance(some, str) else some if _is_set(some) else None
            if not words:
                expected, got = f"words or the name of a set in {side!r}", json.dumps(some)[:40]
                raise broken(f"{path}, {name!r}", expected=expected, got=got, remedy="repair the file")
            found.append(words)
            names.append(some if isinstance(some, str) else f"{words[0]} …")
    x, y, a, b = found
    return WeatTest(name, (x, y), (a, b), _about(names))


def _is_set(some: Any) -> bool:
    return isinstance(some, list) and all(isinstance(word, str) for word in some)


def _about(names: Sequence[str]) -> str:
    """What a test compares, from the names of its four sets."""
    x, y, a, b = (SET_NUMBER.sub("", name).replace("_", " ") for name in names)
    return f"{x} and {y}, {a} and {b}"


def _json_object(path: Path) -> dict[str, Any]:
    expected = 'JSON such as {"flowers": ["rose", "tulip"]}'
    try:
        content = json.loads(_text(path))
    except json.JSONDecodeError as fault:
        place = f"{path}, line {fault.lineno}"
        raise broken(place, expected=expected, got=fault.msg, remedy="repair the file") from None
    if not isinstance(content, dict) or not content:
        got = "no set" if content == {} else type(content).__name__
        raise broken(path, expected=expected, got=got, remedy=DIFFERENT)
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
