"""Word sets for association tests (WEAT): those of Caliskan et al. 2017, and the user's own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vecmill.errors import InputError
from vecmill.evaluation.test_lines import OTHER_FILE, check_words, read_text
from vecmill.formatting import shorten
from vecmill.vectors.formats.streams import file_error, shown

# Suffixes of WEFE's set names: the test of Caliskan et al. that uses the set, or a second version of it.
SET_NUMBER = re.compile(r"_\d+[a-z]?$")

REPAIR_FILE = "repair the file"


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
        if not _is_text(name):
            raise _faulty(path, name, "a name that UTF-8 can express", name)
        if isinstance(value, dict):
            tests[name] = value
        elif _is_word_set(value):
            sets[name] = value
        else:
            raise _faulty(path, name, "a list of words", value)
    for words in sets.values():
        check_words(path, words)
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
            raise _faulty(path, name, f"two sets as {side!r}", pair)
        for value in pair:
            words = sets.get(value) if isinstance(value, str) else value if _is_word_set(value) else None
            if not words:
                raise _faulty(path, name, f"words or the name of a set in {side!r}", value)
            check_words(path, words)
            word_sets.append(words)
            names.append(value if isinstance(value, str) else f"{shorten(words[0], 40)} …")
    x, y, a, b = word_sets
    return WeatTest(name, (x, y), (a, b), _describe(names))


def _is_word_set(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) and _is_text(word) for word in value)


def _is_text(word: str) -> bool:
    """Whether a string has no half of a surrogate pair, which JSON can express and UTF-8 cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in word)


def _faulty(path: Path, name: str, expected: str, got: Any) -> InputError:
    return file_error(
        f"{path}, {shown(name)}", expected=expected, got=json.dumps(got)[:40], remedy=REPAIR_FILE
    )


def _describe(names: Sequence[str]) -> str:
    """What a test compares, as text, from the names of its four sets."""
    x, y, a, b = (SET_NUMBER.sub("", name).replace("_", " ") for name in names)
    return f"{x} and {y}, {a} and {b}"


def _json_object(path: Path) -> dict[str, Any]:
    expected = 'JSON such as {"flowers": ["rose", "tulip"]}'
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as fault:
        place = f"{path}, line {fault.lineno}"
        raise file_error(place, expected=expected, got=fault.msg, remedy=REPAIR_FILE) from None
    except (ValueError, RecursionError) as fault:
        # A number of too many digits, or lists in lists in lists.
        raise file_error(path, expected=expected, got=str(fault), remedy=REPAIR_FILE) from None
    if not isinstance(content, dict) or not content:
        got = "no set" if content == {} else type(content).__name__
        raise file_error(path, expected=expected, got=got, remedy=OTHER_FILE)
    return content
