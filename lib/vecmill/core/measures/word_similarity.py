"""Word similarity: rank correlation of cosines with ratings by people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Doubles, Floats, Places
from vecmill.core.measures.lookup import WordIds, check_rows

# Numbers that one block of pairs or of resamples has in memory, per array: 32 MB.
_BLOCK_NUMBERS = 1 << 22
# Pairs up to which a resample is drawn as a multinomial, which takes 60 ns per pair.
_MULTINOMIAL_PAIRS = 20_000
# Pairs that all resamples draw together, at most; fewer than so many resamples give no interval.
_MOST_DRAWN = 200_000_000
_LEAST_RESAMPLES = 100

_LARGE = 1e100


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
    introduction to the bootstrap", ch. 13), see `bootstrap_interval`. Memory is about 300 MB
    and 300 bytes per pair. Raises ShapeError.
    """
    check_rows(words, unit)
    word_ids = WordIds(words, ignore_case=ignore_case)
    looked_up = [word_ids.all_of((pair.first, pair.second)) for pair in pairs]
    rows = np.array([ids or (0, 0) for ids in looked_up], np.int64).reshape(-1, 2)
    known = np.array([ids is not None for ids in looked_up], bool)
    ratings = np.array([pair.rating for pair in pairs], np.float64)

    cosines = np.zeros(len(pairs))
    cosines[known] = _cosines(unit, rows[known])
    if not score_unknown:
        cosines, ratings = cosines[known], ratings[known]
    return SimilarityScore(
        spearman=spearman(cosines, ratings),
        pearson=pearson(cosines, ratings),
        interval=bootstrap_interval(cosines, ratings, rng, resamples, confidence),
        scored=len(cosines),
        unknown=int((~known).sum()),
    )


def _cosines(unit: Floats, pairs: Places) -> Doubles:
    """The cosines (P,) of `pairs` (P, 2) of rows, rounded to six decimals, to which float32 is exact.

    More decimals would rank words that are paired with themselves at random.
    """
    cosines = np.empty(len(pairs))
    step = max(1, _BLOCK_NUMBERS // (2 * unit.shape[1] or 1))
    for start in range(0, len(pairs), step):
        block = slice(start, start + step)
        first, second = unit[pairs[block]].astype(np.float64).transpose(1, 0, 2)
        cosines[block] = np.einsum("pd,pd->p", first, second)
    return cosines.round(6)


def pearson(x: Doubles, y: Doubles) -> float:
    """Pearson's r of x and y (n,); NaN if one of them is constant."""
    return float(_correlations(_in_range(x), _in_range(y), np.ones((1, len(x))))[0])


def _in_range(x: Doubles) -> Doubles:
    """`x`, scaled to -1..1 if squares of its numbers would leave the range of floats."""
    largest = np.abs(x).max(initial=0)
    return x / largest if largest > _LARGE else x


def spearman(x: Doubles, y: Doubles) -> float:
    """Spearman's rho of x and y (n,): Pearson's r of their ranks, averaged over ties."""
    return float(_rank_correlations(x, y, np.ones((1, len(x))))[0])


def bootstrap_interval(
    x: Doubles, y: Doubles, rng: np.random.Generator, resamples: int, confidence: float
) -> tuple[float, float]:
    """The interval that holds Spearman's rho of x and y (n,) in a share `confidence` of the resamples.

    A resample draws n of the n points with replacement. Resamples in which x or y is constant have
    no rho and are left out; if all are, the result is (NaN, NaN).

    The resamples are drawn in blocks, so memory is about 300 MB, or 100 bytes per point if that is more.
    All together draw about 200 million points: tests of more than 200,000 points have fewer than
    `resamples`, but at least 100.
    """
    n = len(x)
    if not n:
        return math.nan, math.nan
    resamples = min(resamples, max(_LEAST_RESAMPLES, _MOST_DRAWN // n))
    ranked_x, ranked_y = _Ranked(x), _Ranked(y)
    rhos = np.concatenate(
        [
            _correlations(ranked_x.ranks(weights), ranked_y.ranks(weights), weights)
            for weights in _resamples(n, rng, resamples)
        ]
    )
    rhos = rhos[~np.isnan(rhos)]
    if not len(rhos):
        return math.nan, math.nan
    low, high = np.quantile(rhos, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _resamples(n: int, rng: np.random.Generator, resamples: int) -> Iterator[Doubles]:
    """How often each resample draws each of n points, in blocks (b, n)."""
    if n > _MULTINOMIAL_PAIRS:
        for _ in range(resamples):
            drawn = np.bincount(rng.integers(n, size=n), minlength=n)
            yield drawn.astype(np.float64)[np.newaxis]
        return
    step = max(1, _BLOCK_NUMBERS // n)
    for start in range(0, resamples, step):
        # The blocks continue one random stream, so their size changes no resample.
        rows = min(step, resamples - start)
        yield rng.multinomial(n, np.full(n, 1 / n), size=rows).astype(np.float64)


def _rank_correlations(x: Doubles, y: Doubles, weights: Doubles) -> Doubles:
    return _correlations(_Ranked(x).ranks(weights), _Ranked(y).ranks(weights), weights)


class _Ranked:
    """Values (n,) in their order, from which the ranks of every resample are computed."""

    def __init__(self, values: Doubles) -> None:
        distinct, self._group = np.unique(values, return_inverse=True)
        self._order = np.argsort(self._group, kind="stable")
        self._starts = np.searchsorted(self._group[self._order], np.arange(len(distinct)))

    def ranks(self, weights: Doubles) -> Doubles:
        """Ranks (B, n) of the values if each occurs `weights` (B, n) times; ties averaged, 1 is lowest."""
        if not len(self._group):
            return weights
        sizes = np.add.reduceat(weights[:, self._order], self._starts, axis=1)
        middles = sizes.cumsum(axis=1) - (sizes - 1) / 2
        ranks: Doubles = middles[:, self._group]
        return ranks


def _correlations(x: Doubles, y: Doubles, weights: Doubles) -> Doubles:
    """Pearson's r (B,) of x and y, (n,) or (B, n), under `weights` (B, n)."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        totals = weights.sum(axis=1, keepdims=True)
        x = x - (weights * x).sum(axis=1, keepdims=True) / totals
        y = y - (weights * y).sum(axis=1, keepdims=True) / totals
        squares = (weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1)
        r: Doubles = (weights * x * y).sum(axis=1) / np.sqrt(squares)
    return np.clip(r, -1, 1)
