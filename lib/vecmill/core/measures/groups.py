"""Groups of words: which is the odd one out, and do clusters agree with categories?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vecmill.core.measures.accuracy import Accuracy, accuracy
from vecmill.core.measures.lookup import Floats, Ids, WordIds, check_rows
from vecmill.core.measures.similarity import unit_rows

Doubles = npt.NDArray[np.float64]

ITERATIONS_AT_MOST = 100


class OddOneOut(NamedTuple):
    """Words that belong together and one that does not."""

    members: tuple[str, ...]
    odd: str


class CategorisationScore(NamedTuple):
    """Purity of clusters against `categories` categories, over `scored` words, others `unknown`."""

    purity: float
    categories: int
    scored: int
    unknown: int


def odd_one_out_score(
    words: Sequence[str],
    unit: Floats,
    questions: Sequence[OddOneOut],
    *,
    ignore_case: bool = True,
    score_unknown: bool = False,
) -> Accuracy:
    """How often the odd word has the lowest mean cosine to the others of its question.

    That is also the word furthest from the mean of the rows, which gensim's doesnt_match names, and
    the one that leaves the most compact cluster behind (Camacho-Collados and Navigli 2016, "Find
    the word that does not belong"). A question with an unknown word is left out, or is wrong if
    `score_unknown`.

        words  V, in falling frequency
        unit   (V, D) float32   rows of length 1

    Raises ShapeError.
    """
    check_rows(words, unit)
    word_ids = WordIds(words, ignore_case=ignore_case)
    found = [word_ids.all_of((question.odd, *question.members)) for question in questions]
    outcomes = [None if ids is None else odd_row(unit[ids]) == 0 for ids in found]
    return accuracy(outcomes, score_unknown=score_unknown)


def odd_row(rows: Floats) -> int:
    """Which of the `rows` (n, D), of length 1, has the lowest sum of cosines to the others.

    Its cosine to itself is the same for all, so the sum may run over every row.
    """
    doubles = rows.astype(np.float64)
    return int((doubles @ doubles.sum(axis=0)).argmin())


def categorisation_score(
    words: Sequence[str],
    unit: Floats,
    categorised: Sequence[tuple[str, str]],
    *,
    rng: np.random.Generator,
    ignore_case: bool = True,
) -> CategorisationScore:
    """Purity of the clusters of words, as many as there are categories: 1 is perfect agreement.

    Purity is the share of words that belong to the commonest category of their cluster (Manning,
    Raghavan and Schütze 2008, "Introduction to information retrieval", ch. 16.3); nan where no word
    is known. Unknown words are left out.

        words        V, in falling frequency
        unit         (V, D) float32   rows of length 1
        categorised  (word, category)

    Raises ShapeError.
    """
    check_rows(words, unit)
    word_ids = WordIds(words, ignore_case=ignore_case)
    known = [(id_, c) for word, c in categorised if (id_ := word_ids.get(word)) is not None]
    unknown = len(categorised) - len(known)
    if not known:
        return CategorisationScore(math.nan, 0, 0, unknown)
    ids, names = zip(*known, strict=True)
    categories, category = np.unique(names, return_inverse=True)
    cluster = spherical_k_means(unit[list(ids)], len(categories), rng)
    agreement = np.zeros((len(categories), len(categories)), np.int64)
    np.add.at(agreement, (cluster, category), 1)
    purity = float(agreement.max(axis=1).sum() / len(ids))
    return CategorisationScore(purity, len(categories), len(ids), unknown)


def spherical_k_means(rows: Floats, k: int, rng: np.random.Generator, *, restarts: int = 10) -> Ids:
    """The cluster (n,), 0..k-1, of each of the `rows` (n, D), of length 1, by their cosines.

    Of `restarts` runs the one whose rows have the highest sum of cosines to their centres is
    returned. Source: Dhillon and Modha 2001, "Concept decompositions for large sparse text data
    using clustering"; seeds as in k-means++ (Arthur and Vassilvitskii 2007). k <= n.
    """
    doubles = rows.astype(np.float64)
    runs = [_one_k_means(doubles, k, rng) for _ in range(restarts)]
    return max(runs, key=lambda run: run[0])[1]


def _one_k_means(rows: Doubles, k: int, rng: np.random.Generator) -> tuple[float, Ids]:
    """The sum of cosines to the centres, and the cluster (n,) of each row, of one run.

    A cluster that lost its rows keeps a centre of zeros, which only rows that point away from all
    other centres prefer.
    """
    centres = rows[_spread_seeds(rows, k, rng)]
    cluster = np.full(len(rows), -1)
    for _ in range(ITERATIONS_AT_MOST):
        cosines = rows @ centres.T
        before, cluster = cluster, cosines.argmax(axis=1)
        if np.array_equal(before, cluster):
            break
        sums = np.zeros(centres.shape)
        np.add.at(sums, cluster, rows)
        centres = unit_rows(sums).astype(np.float64)
    return float(cosines.max(axis=1).sum()), cluster


def _spread_seeds(rows: Doubles, k: int, rng: np.random.Generator) -> list[int]:
    """Ids (k,) of rows, each drawn with a chance that grows with its distance to the others."""
    seeds = [int(rng.integers(len(rows)))]
    while len(seeds) < k:
        # Rounding may put a cosine a little above 1.
        distances = np.maximum(1 - (rows @ rows[seeds].T).max(axis=1), 0)
        total = distances.sum()
        seeds.append(int(rng.choice(len(rows), p=distances / total if total else None)))
    return seeds
