"""Analogies, "a is to b as c is to ?", answered for a whole test at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Literal, NamedTuple

import numpy as np

from vecmill.core.measures.accuracy import Accuracy, accuracy
from vecmill.core.measures.lookup import Floats, Ids, WordIds, check_rows

Question = tuple[str, str, str, str]
Method = Literal["3CosAdd", "3CosMul"]

EPSILON = 0.001
NOTHING = -1

WORDS_AT_ONCE = 1024
QUESTIONS_AT_ONCE = 256


class AnalogySection(NamedTuple):
    """Questions of one kind: (a, b, c, d) says that a is to b as c is to d."""

    name: str
    questions: Sequence[Question]


class AnalogyScore(NamedTuple):
    """The accuracy in each section, by name, and over all questions."""

    sections: dict[str, Accuracy]
    total: Accuracy


def analogy_score(
    words: Sequence[str],
    unit: Floats,
    sections: Sequence[AnalogySection],
    *,
    method: Method = "3CosAdd",
    most_frequent: int = 30_000,
    ignore_case: bool = True,
    score_unknown: bool = False,
) -> AnalogyScore:
    """How many d of "a is to b as c is to d" are the best answer to a, b and c.

    Words beyond the `most_frequent` are neither known nor answers. Nor are a, b and c answers, in
    any spelling where case is ignored. A question with an unknown word is left out, or is wrong if
    `score_unknown` (gensim's dummy4unknown). See `best_answers` for the methods and the cost.

        words  V, in falling frequency
        unit   (V, D) float32   rows of length 1

    The counts equal those of gensim's evaluate_word_analogies with 3CosAdd. Sections of one name
    are counted together. Raises ShapeError.
    """
    check_rows(words, unit)
    words, unit = words[:most_frequent], unit[:most_frequent]
    word_ids = WordIds(words, ignore_case=ignore_case)
    asked = [(s.name, word_ids.all_of(question)) for s in sections for question in s.questions]
    known = np.array([ids for _, ids in asked if ids is not None], np.int64).reshape(-1, 4)

    first_spellings = word_ids.first_spellings(words)
    answers = best_answers(unit, *known[:, :3].T, method=method, first_spellings=first_spellings)
    right = iter((answers != NOTHING) & (first_spellings[answers] == known[:, 3]))
    outcomes: dict[str, list[bool | None]] = {section.name: [] for section in sections}
    for name, ids in asked:
        outcomes[name].append(None if ids is None else bool(next(right)))
    return AnalogyScore(
        {name: accuracy(some, score_unknown=score_unknown) for name, some in outcomes.items()},
        accuracy([*chain.from_iterable(outcomes.values())], score_unknown=score_unknown),
    )


def best_answers(
    unit: Floats,
    a: Ids,
    b: Ids,
    c: Ids,
    *,
    method: Method = "3CosAdd",
    first_spellings: Ids | None = None,
) -> Ids:
    """The id that best answers each "a is to b as c is to ?", (Q,); -1 where no word is left.

    3CosAdd seeks the x with the highest cos(x, b) - cos(x, a) + cos(x, c), which is the x nearest
    to b - a + c; 3CosMul the highest cos(x, b) cos(x, c) / (cos(x, a) + 0.001), the cosines shifted
    to 0..1. Source: Levy and Goldberg 2014, "Linguistic regularities in sparse and explicit word
    representations". Of equal scores the smaller id wins.

        unit             (V, D) float32   rows of length 1
        a, b, c          (Q,)             ids; words with their `first_spellings` are no answers
        first_spellings  (V,)             the id that stands for each id; by default itself

    Both scores are sums over the question's words, 3CosMul's after taking logarithms. So the
    products of all rows with the A different words asked about suffice: D A V multiplications, and
    three additions a question and row. Memory is some 20 kB for each of the A words, besides the
    arguments.
    """
    score_terms = _ADDITIVE_TERMS[method]
    spellings = np.arange(len(unit)) if first_spellings is None else first_spellings
    asked, positions = np.unique(np.concatenate([a, b, c]), return_inverse=True)
    a, b, c = np.split(positions, 3)
    barred = np.flatnonzero(np.isin(spellings, asked))
    barred_by = np.searchsorted(asked, spellings[barred])
    asked_rows = unit[asked].astype(np.float64)

    answers = np.full(len(a), NOTHING)
    scores = np.full(len(a), -np.inf, np.float32)
    for start in range(0, len(unit), WORDS_AT_ONCE):
        block = unit[start : start + WORDS_AT_ONCE]
        # Summed in float64, so that equal rows have equal cosines wherever in a block they stand.
        gain, cost = score_terms((asked_rows @ block.T.astype(np.float64)).astype(np.float32))
        here = (start <= barred) & (barred < start + len(block))
        gain[barred_by[here], barred[here] - start] = -np.inf
        cost[barred_by[here], barred[here] - start] = np.inf
        for some in range(0, len(a), QUESTIONS_AT_ONCE):
            questions = slice(some, some + QUESTIONS_AT_ONCE)
            candidates = gain[b[questions]]
            candidates += gain[c[questions]]
            candidates -= cost[a[questions]]
            best = candidates.argmax(axis=1)
            best_scores = np.take_along_axis(candidates, best[:, np.newaxis], axis=1)[:, 0]
            better = best_scores > scores[questions]
            answers[questions][better] = start + best[better]
            scores[questions][better] = best_scores[better]
    return answers


def _terms_of_3cosadd(cosines: Floats) -> tuple[Floats, Floats]:
    """What a word adds to a score where it is b or c, and takes from it where it is a."""
    return cosines, cosines.copy()


def _terms_of_3cosmul(cosines: Floats) -> tuple[Floats, Floats]:
    """The logarithms of 3CosMul's factors; rounding may put a cosine a little below -1."""
    shifted = np.maximum((1 + cosines) / 2, np.finfo(np.float32).tiny)
    return np.log(shifted), np.log(shifted + np.float32(EPSILON))


_ADDITIVE_TERMS: dict[Method, Callable[[Floats], tuple[Floats, Floats]]] = {
    "3CosAdd": _terms_of_3cosadd,
    "3CosMul": _terms_of_3cosmul,
}
