"""Accuracy in analogies, "a is to b as c is to ?", computed for a whole test at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Literal, NamedTuple

import numpy as np

from vecmill.core.arrays import Floats, Places
from vecmill.core.measures.accuracy import Accuracy, accuracy
from vecmill.core.measures.lookup import WordIds, check_rows
from vecmill.core.measures.similarity import NO_WORD

Question = tuple[str, str, str, str]
Method = Literal["3CosAdd", "3CosMul"]

# Keeps the denominator of 3CosMul above 0.
EPSILON = 0.001

BLOCK_WORDS = 1024
BLOCK_QUESTIONS = 256
# Distinct words of the questions that are answered together: 200 MB of products with a block of words.
MOST_QUERY_WORDS = 10_000


class AnalogySection(NamedTuple):
    """Questions (a, b, c, d) about one relation: a is to b as c is to d."""

    name: str
    questions: Sequence[Question]


class AnalogyScore(NamedTuple):
    """The accuracy by name of section, and over all questions."""

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
    """The share of questions "a is to b as c is to d" for which d is the best answer to a, b and c.

    Words beyond the `most_frequent` are unknown and no answers. Nor are a, b and c answers, in any
    spelling if case is ignored. A question with an unknown word is left out, or counts as wrong if
    `score_unknown` (gensim's dummy4unknown). See `best_answers` for the methods and the cost.

        words  V, sorted by falling frequency
        unit   (V, D)   rows of length 1

    The counts equal those of gensim's evaluate_word_analogies with 3CosAdd. Sections of the same
    name are counted together. Raises ShapeError.
    """
    check_rows(words, unit)
    words, unit = words[:most_frequent], unit[:most_frequent]
    word_ids = WordIds(words, ignore_case=ignore_case)
    looked_up = [(s.name, word_ids.all_of(question)) for s in sections for question in s.questions]
    known = np.array([ids for _, ids in looked_up if ids is not None], np.int64).reshape(-1, 4)

    first_spellings = word_ids.first_spellings(words)
    answers = best_answers(unit, *known[:, :3].T, method=method, first_spellings=first_spellings)
    is_correct = iter((answers != NO_WORD) & (first_spellings[answers] == known[:, 3]))
    outcomes: dict[str, list[bool | None]] = {section.name: [] for section in sections}
    for name, ids in looked_up:
        outcomes[name].append(None if ids is None else bool(next(is_correct)))
    return AnalogyScore(
        {name: accuracy(some, score_unknown=score_unknown) for name, some in outcomes.items()},
        accuracy([*chain.from_iterable(outcomes.values())], score_unknown=score_unknown),
    )


def best_answers(
    unit: Floats,
    a: Places,
    b: Places,
    c: Places,
    *,
    method: Method = "3CosAdd",
    first_spellings: Places | None = None,
) -> Places:
    """The ids (Q,) of the best answers to "a is to b as c is to ?"; -1 if no word is left.

    3CosAdd maximises cos(x, b) - cos(x, a) + cos(x, c), whose maximum is the x nearest to b - a + c.
    3CosMul maximises cos(x, b) cos(x, c) / (cos(x, a) + 0.001), with the cosines mapped to 0..1.
    Source: Levy and Goldberg 2014, "Linguistic regularities in sparse and explicit word
    representations". Of equal scores the smaller id wins.

        unit             (V, D)   rows of length 1
        a, b, c          (Q,)     ids; words with the same `first_spellings` are no answers
        first_spellings  (V,)     the id of each word's most frequent spelling; by default its own

    Both scores are sums over the words of the question, 3CosMul's in logarithms. So it takes the
    products of all rows with the A distinct words of the questions, D A V multiplications, and three
    additions per question and row. Memory is about 20 kB for each of the A words, besides the
    arguments. If A is above 10,000, groups of questions with fewer words are answered one after another.
    """
    spellings = np.arange(len(unit)) if first_spellings is None else first_spellings
    if len(np.unique(np.concatenate([a, b, c]))) <= MOST_QUERY_WORDS:
        return _best_answers(unit, a, b, c, method, spellings)
    step = MOST_QUERY_WORDS // 3
    groups = [slice(start, start + step) for start in range(0, len(a), step)]
    return np.concatenate(
        [_best_answers(unit, a[group], b[group], c[group], method, spellings) for group in groups]
    )


def _best_answers(
    unit: Floats, a: Places, b: Places, c: Places, method: Method, spellings: Places
) -> Places:
    """See `best_answers`; takes memory for all distinct words of the questions."""
    score_terms = _ADDITIVE_TERMS[method]
    query_ids, positions = np.unique(np.concatenate([a, b, c]), return_inverse=True)
    a, b, c = np.split(positions, 3)
    excluded = np.flatnonzero(np.isin(spellings, query_ids))
    excluded_by = np.searchsorted(query_ids, spellings[excluded])
    query_rows = unit[query_ids].astype(np.float64)

    answers = np.full(len(a), NO_WORD)
    scores = np.full(len(a), -np.inf, np.float32)
    for start in range(0, len(unit), BLOCK_WORDS):
        block = unit[start : start + BLOCK_WORDS]
        # Summed in float64, so that the cosines of equal rows do not depend on their places in a block.
        gain, cost = score_terms((query_rows @ block.T.astype(np.float64)).astype(np.float32))
        in_block = (start <= excluded) & (excluded < start + len(block))
        gain[excluded_by[in_block], excluded[in_block] - start] = -np.inf
        cost[excluded_by[in_block], excluded[in_block] - start] = np.inf
        for first in range(0, len(a), BLOCK_QUESTIONS):
            questions = slice(first, first + BLOCK_QUESTIONS)
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
    """What a word adds to a score as b or c, and what it subtracts as a."""
    return cosines, cosines.copy()


def _terms_of_3cosmul(cosines: Floats) -> tuple[Floats, Floats]:
    """The same for the logarithm of the score."""
    # Rounding may put a cosine a little below -1.
    shifted = np.maximum((1 + cosines) / 2, np.finfo(np.float32).tiny)
    return np.log(shifted), np.log(shifted + np.float32(EPSILON))


_ADDITIVE_TERMS: dict[Method, Callable[[Floats], tuple[Floats, Floats]]] = {
    "3CosAdd": _terms_of_3cosadd,
    "3CosMul": _terms_of_3cosmul,
}
