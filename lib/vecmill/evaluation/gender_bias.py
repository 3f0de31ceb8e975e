"""Projections of words on a gender direction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import mean
from typing import Any, NamedTuple

from vecmill.core.arrays import Floats
from vecmill.core.measures.bias import (
    Direction,
    Extremes,
    bias_direction,
    bounded_analogy,
    extremes,
)
from vecmill.core.measures.similarity import ScoredWords, unit_rows
from vecmill.errors import InputError
from vecmill.evaluation.score_table import align_columns, summarise
from vecmill.evaluation.scores import Rules
from vecmill.evaluation.word_lists import GENDER_PAIRS, OCCUPATIONS
from vecmill.vectors.formats import Vectors

# The title of Bolukbasi et al.; the second question is for vocabularies without "computer".
ANALOGIES = (("man", "computer programmer", "woman"), ("man", "programmer", "woman"))
WORDS = {
    *(word for pair in GENDER_PAIRS for word in pair),
    *OCCUPATIONS,
    *(word for analogy in ANALOGIES for phrase in analogy for word in phrase.split()),
    *("_".join(phrase.split()) for analogy in ANALOGIES for phrase in analogy),
}
SIDE_WORDS = 10
LINE_WORDS = 6

Projections = dict[str, float]


class GenderBias(NamedTuple):
    """The gender direction, which points to the female side, and projections of words on it.

    words        projections of the most frequent words, most female first
    occupations  projections of occupations of any frequency, most female first
    unknown      occupations that have no vector
    question     (a, x, b) of "a is to x as b is to ?"
    answers      its answers with their scores, or the reason why there are none
    """

    direction: Direction
    words: Projections
    occupations: Projections
    unknown: tuple[str, ...]
    question: tuple[str, str, str]
    answers: ScoredWords | str

    @property
    def pairs(self) -> int:
        """The number of pairs of known words that define the direction."""
        return len(GENDER_PAIRS) - len(self.direction.unknown)


def measure_gender_bias(vectors: Vectors, rules: Rules) -> GenderBias:
    """The GenderBias of `vectors`, which need at least the most frequent words and WORDS.

    Raises InputError if no pair of the gender direction is known.
    """
    words, unit, case = vectors.words, unit_rows(vectors.vectors), rules.ignore_case
    direction = bias_direction(words, unit, GENDER_PAIRS, ignore_case=case)

    def project(count: int, among: Sequence[str] | None = None) -> Extremes:
        return extremes(
            words[:count], unit[:count], direction.vector, len(words), among=among, ignore_case=case
        )

    occupations = project(len(words), OCCUPATIONS)
    question, answers = _answer_analogy(words, unit, rules)
    return GenderBias(
        direction,
        dict(project(rules.restrict).along),
        dict(occupations.along),
        occupations.unknown,
        question,
        answers,
    )


def most_female(projections: Projections) -> ScoredWords:
    """The words furthest to the female side, furthest first."""
    return [*projections.items()][:SIDE_WORDS]


def most_male(projections: Projections) -> ScoredWords:
    """The words furthest to the male side, furthest first."""
    return [*projections.items()][: -SIDE_WORDS - 1 : -1]


def most_gendered(projections: Projections) -> Projections:
    """The words furthest to either side, most female first; each once, if there are few."""
    return {**dict(most_female(projections)), **dict(reversed(most_male(projections)))}


def format_gender_bias(bias: GenderBias) -> Iterator[str]:
    """The GenderBias as lines for people."""
    own, *next_ = (f"{share:.2f}" for share in bias.direction.explained[:3])
    others = f", the next ones {' and '.join(next_)}" if next_ else ""
    yield f"Gender direction from {bias.pairs} of {len(GENDER_PAIRS)} pairs such as she - he"
    yield f"It takes {own} of their variance{others}."
    for title, projections in (("words", bias.words), ("occupations", bias.occupations)):
        yield f"  {title}, female side: {_format_words(most_female(projections))}"
        yield f"  {title}, male side:   {_format_words(most_male(projections))}"
    a, x, b = bias.question
    answers = bias.answers if isinstance(bias.answers, str) else _format_words(bias.answers)
    yield f"  {a} is to {x} as {b} is to: {answers or 'nothing near'}"


def to_json(bias: GenderBias) -> dict[str, Any]:
    """The GenderBias as JSON."""
    return {
        "pairs": bias.pairs,
        "unknown_pairs": bias.direction.unknown,
        "explained": [float(share) for share in bias.direction.explained],
        "words": {"female": most_female(bias.words), "male": most_male(bias.words)},
        "occupations": {
            "female": most_female(bias.occupations),
            "male": most_male(bias.occupations),
            "unknown": bias.unknown,
        },
        "analogy": {"asked": bias.question, "answers": bias.answers},
    }


def format_over_runs(biases: Sequence[GenderBias]) -> Iterator[str]:
    """Tables for people of the words furthest to either side over several runs."""
    content = over_runs_json(biases)
    share = content["explained"]
    yield (
        f"Bias over {len(biases)} runs: the gender direction takes {share['mean']:.2f} ± "
        f"{share['spread']:.2f} of the pairs' variance"
    )
    for title in ("words", "occupations"):
        # Few words may be on both sides.
        words = {**content[title]["female"], **dict(reversed([*content[title]["male"].items()]))}
        rows = [
            [
                f"  {word}",
                f"{summary['mean']:+.3f} ± {summary['spread']:.3f}",
                f"{summary['lowest']:+.3f} .. {summary['highest']:+.3f}",
            ]
            for word, summary in words.items()
        ]
        if rows:
            yield ""
            yield from align_columns(
                [[f"{title}, she + to he -", "projection", "lowest .. highest"], *rows]
            )
    yield ""
    yield "Words that all runs know; ± the standard deviation of one run."


def over_runs_json(biases: Sequence[GenderBias]) -> dict[str, Any]:
    """Statistics over several runs of the projections of the words furthest to either side.

    Only words that all runs know are included.
    """

    def furthest(projections_of: Callable[[GenderBias], Projections]) -> dict[str, Any]:
        runs = [projections_of(bias) for bias in biases]
        values = {word: [run[word] for run in runs] for word in runs[0] if all(word in run for run in runs)}
        means = {word: mean(projections) for word, projections in values.items()}
        by_mean = dict(sorted(means.items(), key=lambda scored: -scored[1]))
        return {
            side: {word: summarise(values[word]) for word, _ in words}
            for side, words in (("female", most_female(by_mean)), ("male", most_male(by_mean)))
        }

    return {
        "runs": len(biases),
        "explained": summarise([float(bias.direction.explained[0]) for bias in biases]),
        "words": furthest(lambda bias: bias.words),
        "occupations": furthest(lambda bias: bias.occupations),
    }


def _answer_analogy(
    words: Sequence[str], unit: Floats, rules: Rules
) -> tuple[tuple[str, str, str], ScoredWords | str]:
    """The first question of ANALOGIES whose words are known, and its answers.

    If there is none, the last question and the reason.
    """
    reason = ""
    for question in ANALOGIES:
        try:
            return question, bounded_analogy(
                words,
                unit,
                *question,
                SIDE_WORDS,
                most_frequent=rules.restrict,
                ignore_case=rules.ignore_case,
            )
        except InputError as error:
            reason = str(error)
    return ANALOGIES[-1], reason


def _format_words(words: ScoredWords) -> str:
    return ", ".join(f"{word} {score:+.2f}" for word, score in words[:LINE_WORDS])
