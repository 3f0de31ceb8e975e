"""What side of a gender direction words lie on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from vecmill.core.bias import Direction, Extremes, Scored, bias_direction, bounded_analogy, extremes
from vecmill.core.similarity import unit_rows
from vecmill.errors import InputError
from vecmill.evaluation.scores import Rules
from vecmill.io.formats import Vectors
from vecmill.word_lists import GENDER_PAIRS, OCCUPATIONS

ANALOGY = ("man", "programmer", "woman")
WORDS = {*(word for pair in GENDER_PAIRS for word in pair), *OCCUPATIONS, *ANALOGY}
SHOWN = 10


class Bias(NamedTuple):
    """The gender direction of a model, female first, and what lies along it.

    words        of the most frequent ones, furthest along and against
    occupations  likewise, among occupations alone
    answers      to "man is to programmer as woman is to", or why there is none
    """

    direction: Direction
    words: Extremes
    occupations: Extremes
    answers: Scored | str


def bias_of(vectors: Vectors, rules: Rules) -> Bias:
    """The Bias of `vectors`, which hold at least the most frequent words and WORDS.

    Raises InputError where no pair that tells the genders apart is known.
    """
    words, unit, case = vectors.words, unit_rows(vectors.vectors), rules.ignore_case
    direction = bias_direction(words, unit, GENDER_PAIRS, ignore_case=case)
    frequent = slice(0, rules.restrict)
    answers: Scored | str
    try:
        answers = bounded_analogy(
            words, unit, *ANALOGY, SHOWN, most_frequent=rules.restrict, ignore_case=case
        )
    except InputError as error:
        answers = str(error)
    return Bias(
        direction,
        extremes(words[frequent], unit[frequent], direction.vector, SHOWN, ignore_case=case),
        extremes(words, unit, direction.vector, SHOWN, among=OCCUPATIONS, ignore_case=case),
        answers,
    )


def lines(bias: Bias) -> Iterator[str]:
    """The Bias as lines for a person."""
    shares = ", ".join(f"{share:.2f}" for share in bias.direction.explained[:3])
    known = len(GENDER_PAIRS) - len(bias.direction.unknown)
    yield f"Gender direction from {known} of {len(GENDER_PAIRS)} pairs such as she - he; shares of their"
    yield f"variance: {shares} (a direction there is where the first is much the highest)"
    for title, found in (("words", bias.words), ("occupations", bias.occupations)):
        yield f"  {title}, female side: {_told(found.along)}"
        yield f"  {title}, male side:   {_told(found.against)}"
    a, x, b = ANALOGY
    answers = bias.answers if isinstance(bias.answers, str) else _told(bias.answers) or "nothing near"
    yield f"  {a} is to {x} as {b} is to: {answers}"


def to_json(bias: Bias) -> dict[str, Any]:
    """As JSON has it."""
    return {
        "pairs": len(GENDER_PAIRS) - len(bias.direction.unknown),
        "unknown_pairs": bias.direction.unknown,
        "explained": [float(share) for share in bias.direction.explained],
        "words": {"female": bias.words.along, "male": bias.words.against},
        "occupations": {
            "female": bias.occupations.along,
            "male": bias.occupations.against,
            "unknown": bias.occupations.unknown,
        },
        "analogy": {"asked": ANALOGY, "answers": bias.answers},
    }


def _told(scored: Scored) -> str:
    return ", ".join(f"{word} {score:+.2f}" for word, score in scored)
