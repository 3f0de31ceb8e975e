"""Groups of words: the odd one out, and the agreement of clusters with categories."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Doubles, Floats, Places
from vecmill.core.measures.accuracy import Accuracy, accuracy
from vecmill.core.measures.lookup import WordIds, check_rows
from vecmill.core.measures.similarity import unit_rows

MAX_ITERATIONS = 100
# Cosines of rows to centres that are in memory at once: 32 MB.
BLOCK_COSINES = 1 << 22


class OddOneOut(NamedTuple):
    """A question: words that belong together, and one that does not."""

    members: tuple[str, ...]
    odd: str


class CategorisationScore(NamedTuple):
    """Purity of clusters, and the numbers of categories, of scored words and of unknown words."""

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

    That word is also the furthest from the mean of the rows, which gensim's doesnt_match returns, and
    the one without which the others are most compact (Camacho-Collados and Navigli 2016, "Find the
    word that does not belong"). A question with an unknown word is left out, or counts as wrong if
    `score_unknown`.

        words  V, sorted by falling frequency
        unit   (V, D)   rows of length 1

    Raises ShapeError.
    """
    check_rows(words, unit)
    word_ids = WordIds(words, ignore_case=ignore_case)
    looked_up = [word_ids.all_of((question.odd, *question.members)) for question in questions]
    outcomes = [None if ids is None else odd_row(unit[ids]) == 0 for ids in looked_up]
    return accuracy(outcomes, score_unknown=score_unknown)


def odd_row(rows: Floats) -> int:
    """The index of the row with the lowest sum of cosines to the others; `rows` (n, D) have length 1."""
    # Each row's cosine to itself is 1, so it may be part of the sum.
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
    """Purity of word clusters, one per category: 1 if clusters and categories agree.

    Purity is the share of words that belong to the most frequent category of their cluster (Manning,
    Raghavan and Schütze 2008, "Introduction to information retrieval", ch. 16.3). It is NaN if no
    word is known. Unknown words are left out.

        words        V, sorted by falling frequency
        unit         (V, D)   rows of length 1
        categorised  pairs (word, category)

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


def spherical_k_means(rows: Floats, k: int, rng: np.random.Generator, *, restarts: int = 10) -> Places:
    """Cluster `rows` (n, D) of length 1 by cosine; returns each row's cluster (n,), 0..k-1, k <= n.

    Returns the best of `restarts` runs, by the sum of the rows' cosines to their centres. Source:
    Dhillon and Modha 2001, "Concept decompositions for large sparse text data using clustering";
    seeds as in k-means++ (Arthur and Vassilvitskii 2007). Memory is 8 n D bytes and about 64 MB.
    """
    doubles = rows.astype(np.float64)
    runs = [_one_k_means(doubles, k, rng) for _ in range(restarts)]
    return max(runs, key=lambda run: run[0])[1]


def _one_k_means(rows: Doubles, k: int, rng: np.random.Generator) -> tuple[float, Places]:
    """One run: the sum of cosines to the centres, and the cluster (n,) of each row.

    An empty cluster has a centre of zeros. Only rows with negative cosines to all other centres join it.
    """
    centres = rows[_spread_seeds(rows, k, rng)]
    cluster = np.full(len(rows), -1)
    for _ in range(MAX_ITERATIONS):
        previous, (cluster, cosines) = cluster, _nearest_centres(rows, centres)
        if np.array_equal(previous, cluster):
            break
        sums = np.zeros(centres.shape)
        np.add.at(sums, cluster, rows)
        centres = unit_rows(sums).astype(np.float64)
    return float(cosines.sum()), cluster


def _nearest_centres(rows: Doubles, centres: Doubles) -> tuple[Places, Doubles]:
    """The nearest of the centres (k, D) to each of the `rows` (n, D), and its cosine: both (n,)."""
    nearest, highest = np.empty(len(rows), np.int64), np.empty(len(rows))
    step = max(1, BLOCK_COSINES // len(centres))
    for start in range(0, len(rows), step):
        cosines = rows[start : start + step] @ centres.T
        nearest[start : start + step] = cosines.argmax(axis=1)
        highest[start : start + step] = cosines.max(axis=1)
    return nearest, highest


def _spread_seeds(rows: Doubles, k: int, rng: np.random.Generator) -> list[int]:
    """The k rows to start from; the probability of a row grows with its distance to those drawn before."""
    seeds = [int(rng.integers(len(rows)))]
    while len(seeds) < k:
        # Rounding may put a cosine a little above 1.
        distances = np.maximum(1 - _nearest_centres(rows, rows[seeds])[1], 0)
        total = distances.sum()
        seeds.append(int(rng.choice(len(rows), p=distances / total if total else None)))
    return seeds
