"""What side of a gender direction words lie on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import mean
from typing import Any, NamedTuple

from vecmill.core.measures.bias import (
    Direction,
    Extremes,
    Scored,
    bias_direction,
    bounded_analogy,
    extremes,
)
from vecmill.core.measures.similarity import Floats, unit_rows
from vecmill.errors import InputError
from vecmill.evaluation.score_table import aligned, summary
from vecmill.evaluation.scores import Rules
from vecmill.evaluation.word_lists import GENDER_PAIRS, OCCUPATIONS
from vecmill.vectors.formats import Vectors

# Bolukbasi et al.'s title; where the vocabulary has no computers, the trade alone.
ANALOGIES = (("man", "computer programmer", "woman"), ("man", "programmer", "woman"))
WORDS = {
    *(word for pair in GENDER_PAIRS for word in pair),
    *OCCUPATIONS,
    *(word for analogy in ANALOGIES for phrase in analogy for word in phrase.split()),
    *("_".join(phrase.split()) for analogy in ANALOGIES for phrase in analogy),
}
SHOWN = 10
SHOWN_ON_A_LINE = 6

Projections = dict[str, float]


class Bias(NamedTuple):
    """The gender direction of a model, female first, and where words lie along it.

    words        projections of the most frequent ones, most female first
    occupations  of occupations, wherever they stand by frequency
    unknown      occupations that have no vector
    asked        "man is to programmer as woman is to"
    answers      to it, or why there is none
    """

    direction: Direction
    words: Projections
    occupations: Projections
    unknown: tuple[str, ...]
    asked: tuple[str, str, str]
    answers: Scored | str


def bias_of(vectors: Vectors, rules: Rules) -> Bias:
    """The Bias of `vectors`, which hold at least the most frequent words and WORDS.

    Raises InputError where no pair that tells the genders apart is known.
    """
    words, unit, case = vectors.words, unit_rows(vectors.vectors), rules.ignore_case
    direction = bias_direction(words, unit, GENDER_PAIRS, ignore_case=case)

    def along(some: Sequence[str] | None = None) -> Extremes:
        count = len(words) if some else rules.restrict
        return extremes(
            words[:count], unit[:count], direction.vector, len(words), among=some, ignore_case=case
        )

    occupations = along(OCCUPATIONS)
    asked, answers = _answers(words, unit, rules)
    return Bias(
        direction, dict(along().along), dict(occupations.along), occupations.unknown, asked, answers
    )


def lines(bias: Bias) -> Iterator[str]:
    """The Bias as lines for a person."""
    own, *next_ = (f"{share:.2f}" for share in bias.direction.explained[:3])
    known = len(GENDER_PAIRS) - len(bias.direction.unknown)
    others = f", the next ones {' and '.join(next_)}" if next_ else ""
    yield f"Gender direction from {known} of {len(GENDER_PAIRS)} pairs such as she - he"
    yield f"It takes {own} of their variance{others}."
    for title, found in (("words", bias.words), ("occupations", bias.occupations)):
        yield f"  {title}, female side: {_told(_female(found))}"
        yield f"  {title}, male side:   {_told(_male(found))}"
    a, x, b = bias.asked
    answers = bias.answers if isinstance(bias.answers, str) else _told(bias.answers) or "nothing near"
    yield f"  {a} is to {x} as {b} is to: {answers}"


def to_json(bias: Bias) -> dict[str, Any]:
    """As JSON has it."""
    return {
        "pairs": len(GENDER_PAIRS) - len(bias.direction.unknown),
        "unknown_pairs": bias.direction.unknown,
        "explained": [float(share) for share in bias.direction.explained],
        "words": {"female": _female(bias.words), "male": _male(bias.words)},
        "occupations": {
            "female": _female(bias.occupations),
            "male": _male(bias.occupations),
            "unknown": bias.unknown,
        },
        "analogy": {"asked": bias.asked, "answers": bias.answers},
    }


def over_runs_lines(biases: Sequence[Bias]) -> Iterator[str]:
    """Tables of the words furthest to either side over several runs, for a person."""
    told = over_runs_json(biases)
    share = told["explained"]
    yield (
        f"Bias over {len(biases)} runs: the gender direction takes {share['mean']:.2f} ± "
        f"{share['spread']:.2f} of the pairs' variance"
    )
    for title in ("words", "occupations"):
        # Where there are few, the two ends meet.
        found = {**told[title]["female"], **dict(reversed([*told[title]["male"].items()]))}
        rows = [
            [
                f"  {word}",
                f"{of['mean']:+.3f} ± {of['spread']:.3f}",
                f"{of['lowest']:+.3f} .. {of['highest']:+.3f}",
            ]
            for word, of in found.items()
        ]
        if rows:
            yield ""
            yield from aligned([[f"{title}, she + to he -", "projection", "lowest .. highest"], *rows])
    yield ""
    yield "Words that all runs know; ± the standard deviation of one run."


def over_runs_json(biases: Sequence[Bias]) -> dict[str, Any]:
    """The mean, spread and ends of the projections over several runs, of those furthest to either side.

    Only of words that all runs know.
    """

    def furthest(of: Callable[[Bias], Mapping[str, float]]) -> dict[str, Any]:
        runs = [of(bias) for bias in biases]
        shared = [word for word in runs[0] if all(word in run for run in runs)]
        values = {word: [run[word] for run in runs] for word in shared}
        means = {word: mean(some) for word, some in values.items()}
        ordered = dict(sorted(means.items(), key=lambda scored: -scored[1]))
        return {
            side: {word: summary(values[word]) for word, _ in some}
            for side, some in (("female", _female(ordered)), ("male", _male(ordered)))
        }

    return {
        "runs": len(biases),
        "explained": summary([float(bias.direction.explained[0]) for bias in biases]),
        "words": furthest(lambda bias: bias.words),
        "occupations": furthest(lambda bias: bias.occupations),
    }


def _answers(words: Sequence[str], unit: Floats, rules: Rules) -> tuple[tuple[str, str, str], Scored | str]:
    """What is asked, and the answers or why there are none."""
    told: Scored | str = ""
    for asked in ANALOGIES:
        try:
            told = bounded_analogy(
                words, unit, *asked, SHOWN, most_frequent=rules.restrict, ignore_case=rules.ignore_case
            )
            break
        except InputError as error:
            told = str(error)
    return asked, told


def _female(projections: Mapping[str, float]) -> Scored:
    """Those furthest to the female side, furthest first."""
    return [*projections.items()][:SHOWN]


def _male(projections: Mapping[str, float]) -> Scored:
    return [*projections.items()][: -SHOWN - 1 : -1]


def _told(scored: Scored) -> str:
    return ", ".join(f"{word} {score:+.2f}" for word, score in scored[:SHOWN_ON_A_LINE])
