"""Scores of word vectors in tests: one per test file, and one per section of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from vecmill.core import measures
from vecmill.core.arrays import Floats
from vecmill.core.keyed_random import Purpose, generator
from vecmill.core.measures import Accuracy
from vecmill.core.measures.bias import weat
from vecmill.core.measures.similarity import unit_rows
from vecmill.evaluation.test_sets import Kind
from vecmill.evaluation.word_tests import WordTest
from vecmill.vectors.formats import Vectors
from vecmill.vectors.sources import Selection, select

# Larger numbers in JSON are no scores, and may not fit into a float.
MOST = 10**18

# Each test starts a new generator, so that its score does not depend on the other tests.
SEED = 1


class Rules(NamedTuple):
    """Rules of scoring.

    restrict       number of most frequent words that analogies are restricted to
    ignore_case    whether spellings that differ only in case are one word
    score_unknown  whether questions with an unknown word count as wrong, and pairs as cosine 0
    """

    restrict: int = 30_000
    ignore_case: bool = True
    score_unknown: bool = False


class Score(NamedTuple):
    """The score of vectors in one section of a test file, or in the whole file if `section` is "".

    figures   by name, the main one first
    interval  95 % bootstrap interval of Spearman's rho
    asked     number of questions, pairs or words
    unknown   number of those with a word that has no vector
    scored    number of those that were scored
    about     what the section compares, if its name does not say so
    missing   words of word sets that have no vector
    cut       known targets of word sets that were left out, so that both sets have the same size
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
    missing: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()

    @property
    def measure(self) -> str:
        """The name of the main figure."""
        return next(iter(self.figures))

    @property
    def value(self) -> float:
        """The main figure; NaN if nothing could be scored."""
        return self.figures[self.measure]

    @property
    def name(self) -> str:
        """FILE or FILE:SECTION, the key of the score in `evaluate.floors`."""
        return f"{self.file}:{self.section}" if self.section else self.file


def words_to_read(tests: Iterable[WordTest], rules: Rules, words: Iterable[str] = ()) -> Selection:
    """The words whose vectors the tests need, and `words`."""
    tests = list(tests)
    # At least one word, because a reader refuses vectors without words.
    most_frequent = rules.restrict if any(test.kind == "analogies" for test in tests) else 1
    test_words = {word for test in tests for word in test.words()} | set(words)
    return select(most_frequent, test_words, ignore_case=rules.ignore_case)


def score_tests(tests: Iterable[WordTest], vectors: Vectors, rules: Rules) -> list[Score]:
    """The scores of `vectors` in the order of the tests; they need at least the `words_to_read`."""
    unit = unit_rows(vectors.vectors)
    return [score for test in tests for score in _SCORERS[test.kind](test, vectors.words, unit, rules)]


def to_json(score: Score) -> dict[str, Any]:
    """The score as JSON; NaN is null."""
    content = {
        "file": score.file,
        "section": score.section or None,
        "kind": score.kind,
        "measure": score.measure,
        "score": finite_or_none(score.value),
        "figures": {name: finite_or_none(value) for name, value in score.figures.items()},
        "interval": [finite_or_none(end) for end in score.interval] if score.interval else None,
        "asked": score.asked,
        "unknown": score.unknown,
        "scored": score.scored,
    }
    optional: dict[str, str | list[str]] = {
        "about": score.about,
        "unknown_words": list(score.missing),
        "left_out": list(score.cut),
    }
    return content | {name: value for name, value in optional.items() if value}


def from_json(content: Any) -> Score | None:
    """The Score in JSON from `to_json`, None if `content` is something else.

    Other versions and programs write such files too: a file name and a score, a number or null, are
    enough. Fields that are missing or have another form get empty values.
    """
    if not isinstance(content, Mapping) or not isinstance(content.get("file"), str):
        return None
    value = _number(content.get("score", ""))
    if value is None:
        return None
    figures = {str(content.get("measure") or "score"): value}
    others = content.get("figures")
    for name, figure in others.items() if isinstance(others, Mapping) else ():
        if (number := _number(figure)) is not None:
            figures.setdefault(str(name), number)
    section = content.get("section")
    asked, unknown, scored = (_count(content.get(name)) for name in ("asked", "unknown", "scored"))
    return Score(
        content["file"],
        section if isinstance(section, str) else "",
        cast(Kind, content.get("kind") or ""),
        figures,
        _interval(content.get("interval")),
        asked,
        unknown,
        scored,
        str(content.get("about") or ""),
        _words(content.get("unknown_words")),
        _words(content.get("left_out")),
    )


def finite_or_none(value: float) -> float | None:
    """`value` for JSON, which has neither NaN nor infinity."""
    return value if math.isfinite(value) else None


def _number(value: Any) -> float | None:
    """A number of JSON, in which null stands for NaN; None if `value` is no finite number."""
    if value is None:
        return math.nan
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) <= MOST and math.isfinite(value) else None


def _count(value: Any) -> int:
    number = _number(value)
    return 0 if number is None or math.isnan(number) else int(number)


def _words(value: Any) -> tuple[str, ...]:
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()


def _interval(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    low, high = (_number(end) for end in value)
    return None if low is None or high is None else (low, high)


def _random() -> np.random.Generator:
    return generator(SEED, Purpose.EVALUATE)


def _similarity(test: WordTest, words: Sequence[str], unit: Floats, rules: Rules) -> list[Score]:
    result = measures.similarity_score(
        words,
        unit,
        test.content,
        rng=_random(),
        ignore_case=rules.ignore_case,
        score_unknown=rules.score_unknown,
    )
    figures = {"Spearman": result.spearman, "Pearson": result.pearson}
    counts = len(test.content), result.unknown, result.scored
    return [Score(test.name, "", test.kind, figures, result.interval, *counts)]


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
    accuracies = {"": (add.total, multiply.total)}
    accuracies |= {name: (add.sections[name], multiply.sections[name]) for name in test.sections}
    return [
        _accuracy(test, name, {"3CosAdd": of_add, "3CosMul": of_multiply}, rules)
        for name, (of_add, of_multiply) in accuracies.items()
    ]


def _odd_one_out(test: WordTest, words: Sequence[str], unit: Floats, rules: Rules) -> list[Score]:
    accuracy = measures.odd_one_out_score(
        words,
        unit,
        test.content,
        ignore_case=rules.ignore_case,
        score_unknown=rules.score_unknown,
    )
    return [_accuracy(test, "", {"accuracy": accuracy}, rules)]


def _accuracy(test: WordTest, section: str, accuracies: dict[str, Accuracy], rules: Rules) -> Score:
    """Accuracies by several methods in the same questions, as one score."""
    figures = {name: accuracy.share for name, accuracy in accuracies.items()}
    first = next(iter(accuracies.values()))
    scored = first.correct + first.incorrect
    asked = scored if rules.score_unknown else scored + first.unknown
    return Score(test.name, section, test.kind, figures, None, asked, first.unknown, scored)


def _categories(test: WordTest, words: Sequence[str], unit: Floats, rules: Rules) -> list[Score]:
    result = measures.categorisation_score(
        words, unit, test.content, rng=_random(), ignore_case=rules.ignore_case
    )
    figures = {"purity": result.purity}
    asked = result.scored + result.unknown
    return [Score(test.name, "", test.kind, figures, None, asked, result.unknown, result.scored)]


def _weat(test: WordTest, words: Sequence[str], unit: Floats, rules: Rules) -> list[Score]:
    scores = []
    for one in test.content:
        outcome = weat(
            words, unit, one.targets, one.attributes, rng=_random(), ignore_case=rules.ignore_case
        )
        figures = {"effect size": outcome.effect_size, "p": outcome.p_value}
        asked = sum(len(set(word_set)) for word_set in (*one.targets, *one.attributes))
        unknown = len(outcome.unknown)
        scored = asked - unknown - len(outcome.cut)
        details = one.about, outcome.unknown, outcome.cut
        scores.append(
            Score(test.name, one.name, test.kind, figures, None, asked, unknown, scored, *details)
        )
    return scores


_Scorer = Callable[[WordTest, Sequence[str], Floats, Rules], list[Score]]

_SCORERS: dict[Kind, _Scorer] = {
    "similarity": _similarity,
    "analogies": _analogies,
    "odd-one-out": _odd_one_out,
    "categories": _categories,
    "word-sets": _weat,
}
