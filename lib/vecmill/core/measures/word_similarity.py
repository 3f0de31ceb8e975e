"""Word similarity: rank correlation of cosines with ratings by people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Doubles, Floats
from vecmill.core.measures.lookup import WordIds, check_rows


class RatedPair(NamedTuple):
    """Two words and the similarity that people gave them; Spearman's rho uses only the order of ratings."""

    first: str
    second: str
    rating: float


class SimilarityScore(NamedTuple):
    """Correlations of cosines with ratings.

    interval  bootstrap interval of Spearman's rho
    scored    number of pairs that were scored
    unknown   number of pairs with an unknown word; left out unless the caller scores them
    """

    spearman: float
    pearson: float
    interval: tuple[float, float]
    scored: int
    unknown: int


def similarity_score(
    words: Sequence[str],
    unit: Floats,
    pairs: Sequence[RatedPair],
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    confidence: float = 0.95,
    ignore_case: bool = True,
    score_unknown: bool = False,
) -> SimilarityScore:
    """Spearman's rho, ranks averaged over ties, and Pearson's r of the cosines with the ratings.

    A pair with an unknown word is left out, or has cosine 0 if `score_unknown` (gensim's
    dummy4unknown).

        words  V, sorted by falling frequency
        unit   (V, D)   rows of length 1

    Both equal those of gensim's evaluate_word_pairs; they are NaN if all ratings or all cosines are
    equal. The interval is the percentile bootstrap over pairs (Efron and Tibshirani 1993, "An
    introduction to the bootstrap", ch. 13). Memory is O(resamples * pairs). Raises ShapeError.
    """
    check_rows(words, unit)
    word_ids = WordIds(words, ignore_case=ignore_case)
    looked_up = [word_ids.all_of((pair.first, pair.second)) for pair in pairs]
    rows = np.array([ids or (0, 0) for ids in looked_up], np.int64).reshape(-1, 2)
    known = np.array([ids is not None for ids in looked_up], bool)
    ratings = np.array([pair.rating for pair in pairs], np.float64)

    cosines = np.zeros(len(pairs))
    first, second = unit[rows[known]].astype(np.float64).transpose(1, 0, 2)
    # float32 rows are exact to six decimals; more would rank words paired with themselves at random.
    cosines[known] = np.einsum("pd,pd->p", first, second).round(6)
    if not score_unknown:
        cosines, ratings = cosines[known], ratings[known]
    return SimilarityScore(
        spearman=spearman(cosines, ratings),
        pearson=pearson(cosines, ratings),
        interval=bootstrap_interval(cosines, ratings, rng, resamples, confidence),
        scored=len(cosines),
        unknown=int((~known).sum()),
    )


def pearson(x: Doubles, y: Doubles) -> float:
    """Pearson's r of x and y (n,); NaN if one of them is constant."""
    return float(_correlations(x, y, np.ones((1, len(x))))[0])


def spearman(x: Doubles, y: Doubles) -> float:
    """Spearman's rho of x and y (n,): Pearson's r of their ranks, averaged over ties."""
    return float(_rank_correlations(x, y, np.ones((1, len(x))))[0])


def bootstrap_interval(
    x: Doubles, y: Doubles, rng: np.random.Generator, resamples: int, confidence: float
) -> tuple[float, float]:
    """The interval that holds Spearman's rho of x and y (n,) in a share `confidence` of the resamples.

    A resample draws n of the n points with replacement. Resamples in which x or y is constant have
    no rho and are left out; if all are, the result is (NaN, NaN).
    """
    if not len(x):
        return math.nan, math.nan
    times_drawn = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=resamples)
    rhos = _rank_correlations(x, y, times_drawn.astype(np.float64))
    rhos = rhos[~np.isnan(rhos)]
    if not len(rhos):
        return math.nan, math.nan
    low, high = np.quantile(rhos, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _rank_correlations(x: Doubles, y: Doubles, weights: Doubles) -> Doubles:
    return _correlations(_ranks(x, weights), _ranks(y, weights), weights)


def _ranks(values: Doubles, weights: Doubles) -> Doubles:
    """Ranks (B, n) of `values` (n,) if each occurs `weights` (B, n) times; ties averaged, 1 is lowest."""
    if not len(values):
        return weights
    distinct, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(distinct)))
    sizes = np.add.reduceat(weights[:, order], starts, axis=1)
    middles = sizes.cumsum(axis=1) - (sizes - 1) / 2
    return middles[:, group]


def _correlations(x: Doubles, y: Doubles, weights: Doubles) -> Doubles:
    """Pearson's r (B,) of x and y, (n,) or (B, n), under `weights` (B, n)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        totals = weights.sum(axis=1, keepdims=True)
        x = x - (weights * x).sum(axis=1, keepdims=True) / totals
        y = y - (weights * y).sum(axis=1, keepdims=True) / totals
        squares = (weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1)
        r: Doubles = (weights * x * y).sum(axis=1) / np.sqrt(squares)
    return np.clip(r, -1, 1)
