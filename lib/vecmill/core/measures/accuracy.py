"""The share of correctly answered questions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Accuracy(NamedTuple):
    """Numbers of correct and incorrect answers, and of questions that have an unknown word.

    A question with an unknown word is left out, or also counts as incorrect if the caller scores
    unknown words.
    """

    correct: int
    incorrect: int
    unknown: int

    @property
    def share(self) -> float:
        """The share of correct answers, 0..1; NaN if no question was scored."""
        scored = self.correct + self.incorrect
        return self.correct / scored if scored else math.nan


def accuracy(outcomes: Sequence[bool | None], *, score_unknown: bool) -> Accuracy:
    """The Accuracy of `outcomes`; None stands for a question with an unknown word."""
    correct, unknown = outcomes.count(True), outcomes.count(None)
    incorrect = len(outcomes) - correct - (0 if score_unknown else unknown)
    return Accuracy(correct, incorrect, unknown)
