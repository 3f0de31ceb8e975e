"""Tests to scores: one row a file, and one a section of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from vecmill.core import measures
from vecmill.core.keyed_random import Purpose, generator
from vecmill.core.measures import Accuracy
from vecmill.core.measures.bias import weat
from vecmill.core.measures.similarity import Floats, unit_rows
from vecmill.evaluation.test_sets import Kind
from vecmill.evaluation.word_tests import WordTest
from vecmill.vectors.formats import Vectors
from vecmill.vectors.sources import Wanted, wanted_of

# Resamples, clusters and splits are drawn anew for each test, so that none depends on another.
SEED = 1


class Rules(NamedTuple):
    """How tests are asked.

    restrict       analogies are asked of so many words, the most frequent
    ignore_case    spellings that differ in case alone are one word
    score_unknown  a question with an unknown word is wrong, a pair has cosine 0
    """

    restrict: int = 30_000
    ignore_case: bool = True
    score_unknown: bool = False


class Score(NamedTuple):
    """What vectors score in one section of a file, or in the whole of it where `section` is "".

    figures   by the names that the field gives them, the one that counts first
    interval  that Spearman's rho lies in, in 95 of 100 resamples of the pairs
    asked     questions, pairs or words
    unknown   those with a word that has no vector
    scored    those that the figures rest on
    about     what is compared, where the section's name does not say it
    """

    file: str
    section: str
    kind: Kind
    figures: dict[str, float]
    interval: tuple[float, float] | None
    asked: int
    unknown: int
    scored: int
    about: str = ""

    @property
    def measure(self) -> str:
        """The name of the figure that counts."""
        return next(iter(self.figures))

    @property
    def value(self) -> float:
        """The figure that counts; nan where nothing could be scored."""
        return self.figures[self.measure]

    @property
    def name(self) -> str:
        """The file, and the section after a colon: how a floor names it."""
        return f"{self.file}:{self.section}" if self.section else self.file


def wanted(tests: Iterable[WordTest], rules: Rules, words: Iterable[str] = ()) -> Wanted:
    """The words whose vectors the tests need, and `words` besides."""
    tests = list(tests)
    # At least one, since vectors that were read cannot be none.
    most_frequent = rules.restrict if any(test.kind == "analogies" for test in tests) else 1
    asked = {word for test in tests for word in test.words()} | set(words)
    return wanted_of(most_frequent, asked, ignore_case=rules.ignore_case)


def scores(tests: Iterable[WordTest], vectors: Vectors, rules: Rules) -> list[Score]:
    """The scores of `vectors`, which hold at least what is `wanted`, in the order of the tests."""
    unit = unit_rows(vectors.vectors)
    return [score for test in tests for score in _SCORERS[test.kind](test, vectors.words, unit, rules)]


def to_json(score: Score) -> dict[str, Any]:
    """As JSON has it: a figure that could not be made is null."""
    told = {
        "file": score.file,
        "section": score.section or None,
        "kind": score.kind,
        "measure": score.measure,
        "score": plain(score.value),
        "figures": {name: plain(value) for name, value in score.figures.items()},
        "interval": [plain(end) for end in score.interval] if score.interval else None,
        "asked": score.asked,
        "unknown": score.unknown,
        "scored": score.scored,
    }
    return told | ({"about": score.about} if score.about else {})


def from_json(content: Mapping[str, Any]) -> Score:
    """The Score that `to_json` was given."""

    def number(value: float | None) -> float:
        return math.nan if value is None else value

    low, high = content["interval"] or (None, None)
    return Score(
        content["file"],
        content["section"] or "",
        content["kind"],
        {name: number(value) for name, value in content["figures"].items()},
        (number(low), number(high)) if content["interval"] else None,
        content["asked"],
        content["unknown"],
        content["scored"],
        content.get("about", ""),
    )


def plain(value: float) -> float | None:
    """`value` for JSON, which has no nan."""
    return value if math.isfinite(value) else None


def _random() -> np.random.Generator:
    return generator(SEED, Purpose.EVALUATE)


def _similarity(test: WordTest, words: Sequence[str], unit: Floats, rules: Rules) -> list[Score]:
    found = measures.similarity_score(
        words,
        unit,
        test.content,
        rng=_random(),
        ignore_case=rules.ignore_case,
        score_unknown=rules.score_unknown,
    )
    figures = {"Spearman": found.spearman, "Pearson": found.pearson}
    asked = len(test.content)
    return [Score(test.name, "", test.kind, figures, found.interval, asked, found.unknown, found.scored)]


def _analogies(test: WordTest, words: Sequence[str], unit: Floats, rules: Rules) -> list[Score]:
    add, multiply = (
        measures.analogy_score(
            words,
            unit,
            test.content,
            method=method,
            most_frequent=rules.restrict,
            ignore_case=rules.ignore_case,
            score_unknown=rules.score_unknown,
        )
        for method in ("3CosAdd", "3CosMul")
    )
    found = {"": (add.total, multiply.total)}
    found |= {name: (add.sections[name], multiply.sections[name]) for name in test.sections}
    return [
        _accuracy(test, name, {"3CosAdd": of_add, "3CosMul": of_multiply}, rules)
        for name, (of_add, of_multiply) in found.items()
    ]


def _odd_one_out(test: WordTest, words: Sequence[str], unit: Floats, rules: Rules) -> list[Score]:
    found = measures.odd_one_out_score(
        words,
        unit,
        test.content,
        ignore_case=rules.ignore_case,
        score_unknown=rules.score_unknown,
    )
    return [_accuracy(test, "", {"accuracy": found}, rules)]


def _accuracy(test: WordTest, section: str, found: dict[str, Accuracy], rules: Rules) -> Score:
    """Accuracies over the same questions as one score."""
    figures = {name: accuracy.share for name, accuracy in found.items()}
    first = next(iter(found.values()))
    scored = first.correct + first.incorrect
    asked = scored if rules.score_unknown else scored + first.unknown
    return Score(test.name, section, test.kind, figures, None, asked, first.unknown, scored)


def _categories(test: WordTest, words: Sequence[str], unit: Floats, rules: Rules) -> list[Score]:
    found = measures.categorisation_score(
        words, unit, test.content, rng=_random(), ignore_case=rules.ignore_case
    )
    figures = {"purity": found.purity}
    asked = found.scored + found.unknown
    return [Score(test.name, "", test.kind, figures, None, asked, found.unknown, found.scored)]


def _weat(test: WordTest, words: Sequence[str], unit: Floats, rules: Rules) -> list[Score]:
    found = []
    for one in test.content:
        outcome = weat(
            words, unit, one.targets, one.attributes, rng=_random(), ignore_case=rules.ignore_case
        )
        figures = {"effect size": outcome.effect_size, "p": outcome.p_value}
        asked = sum(len(set(some)) for some in (*one.targets, *one.attributes))
        unknown = len(outcome.unknown)
        scored = asked - unknown - len(outcome.cut)
        score = Score(test.name, one.name, test.kind, figures, None, asked, unknown, scored, one.about)
        found.append(score)
    return found


_Scorer = Callable[[WordTest, Sequence[str], Floats, Rules], list[Score]]

_SCORERS: dict[Kind, _Scorer] = {
    "similarity": _similarity,
    "analogies": _analogies,
    "odd-one-out": _odd_one_out,
    "categories": _categories,
    "word-sets": _weat,
}
