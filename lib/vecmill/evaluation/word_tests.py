"""Test files of all kinds in one form."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vecmill.errors import ConfigError
from vecmill.evaluation import test_sets, weat_sets
from vecmill.evaluation.test_sets import Kind


class WordTest(NamedTuple):
    """A test file.

    name      name of the file, without its folder
    content   what the reader of this kind of test returned
    sections  names of the sections of analogies, or of the tests in word sets
    digest    SHA-256 of the file
    """

    name: str
    kind: Kind
    content: Sequence[Any]
    sections: tuple[str, ...]
    digest: str

    def words(self) -> set[str]:
        """The words of the test; none for analogies, which read the most frequent words instead."""
        return set(_WORDS[self.kind](self.content))

    def score_names(self) -> list[str]:
        """The names of its scores, FILE and FILE:SECTION, as in `evaluate.floors`."""
        whole = [] if self.kind == "word-sets" else [self.name]
        return whole + [f"{self.name}:{section}" for section in self.sections]


def read(path: Path) -> WordTest:
    """The test in the file at `path`; its content determines its kind. Raises InputError."""
    kind = test_sets.kind_of_test_set(path)
    content = _READERS[kind](path)
    # Analogies without section names have one section, named after the file.
    has_sections = kind in ("analogies", "word-sets")
    sections = tuple(part.name for part in content if part.name != path.stem) if has_sections else ()
    return WordTest(path.name, kind, content, sections, hashlib.sha256(path.read_bytes()).hexdigest())


def read_all(paths: Iterable[str]) -> list[WordTest]:
    """The tests in these files. Raises InputError, and ConfigError if two files have the same name."""
    tests = [read(Path(path)) for path in paths]
    for name, times in Counter(test.name for test in tests).items():
        if times > 1:
            raise ConfigError([f"{times} test files are named {name}; rename all but one"])
    return tests


def check_floors(tests: Iterable[WordTest], floors: Iterable[str]) -> None:
    """Raise ConfigError if one of the `floors` names neither a test file nor a section of one."""
    known = [name for test in tests for name in test.score_names()]
    faults = [
        f"evaluate.floors: {floor!r} has no score; the scores are: {', '.join(known)}"
        for floor in floors
        if floor not in known
    ]
    if faults:
        raise ConfigError(faults)


_READERS: dict[Kind, Callable[[Path], Sequence[Any]]] = {
    "similarity": test_sets.read_similarity,
    "analogies": test_sets.read_analogies,
    "odd-one-out": test_sets.read_odd_one_out,
    "categories": test_sets.read_categories,
    "word-sets": weat_sets.read_weat,
}

_WORDS: dict[Kind, Callable[[Sequence[Any]], Iterable[str]]] = {
    "similarity": lambda pairs: (word for pair in pairs for word in (pair.first, pair.second)),
    "analogies": lambda sections: (),
    "odd-one-out": lambda questions: (word for one in questions for word in (*one.members, one.odd)),
    "categories": lambda pairs: (word for word, _ in pairs),
    "word-sets": lambda tests: (
        word for test in tests for words in (*test.targets, *test.attributes) for word in words
    ),
}
