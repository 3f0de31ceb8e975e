"""The share of questions answered rightly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Accuracy(NamedTuple):
    """How many questions were answered rightly and wrongly, and how many have an unknown word.

    A question with an unknown word is left out, unless the caller wanted it scored: then it is
    among the incorrect as well.
    """

    correct: int
    incorrect: int
    unknown: int

    @property
    def share(self) -> float:
        """The share of correct answers, 0..1; nan where no question was scored."""
        scored = self.correct + self.incorrect
        return self.correct / scored if scored else math.nan


def accuracy(outcomes: Sequence[bool | None], *, score_unknown: bool) -> Accuracy:
    """The Accuracy of `outcomes`, None standing for a question with an unknown word."""
    correct, unknown = outcomes.count(True), outcomes.count(None)
    incorrect = len(outcomes) - correct - (0 if score_unknown else unknown)
    return Accuracy(correct, incorrect, unknown)
