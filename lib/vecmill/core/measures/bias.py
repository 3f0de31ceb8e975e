"""What word vectors associate with whom: WEAT, a direction such as gender, and biased analogies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vecmill.core.measures.lookup import Floats, Ids, WordIds, check_rows
from vecmill.core.measures.similarity import closest_spellings, unit_rows
from vecmill.errors import InputError

Doubles = npt.NDArray[np.float64]
Scored = list[tuple[str, float]]

# Sums that differ by less are equal but for the order in which their terms were added.
TIE = 1e-12
DRAWS_AT_ONCE = 10_000
ROWS_AT_ONCE = 256


class Weat(NamedTuple):
    """The outcome of a word-embedding association test.

    effect_size  in -2..2; positive where the first targets go with the first attributes
    p_value      one-sided: how likely a random split of the targets is associated as strongly
    exact        whether all splits were counted, or a sample of them
    targets      words in each of the two target sets, after the longer was cut
    unknown      words not in the vocabulary
    cut          known targets left out to make both target sets equally long
    """

    effect_size: float
    p_value: float
    exact: bool
    targets: int
    unknown: tuple[str, ...]
    cut: tuple[str, ...]


class Direction(NamedTuple):
    """A direction in which pairs of words differ.

    vector     (D,) float32   of length 1
    explained  (k,) float64   shares of the variance: its own, then those of the next components
    unknown    pairs left out for an unknown word
    """

    vector: Floats
    explained: Doubles
    unknown: tuple[tuple[str, str], ...]


class Extremes(NamedTuple):
    """The words furthest along a direction and furthest against it, with their projections."""

    along: Scored
    against: Scored
    unknown: tuple[str, ...]


def weat(
    words: Sequence[str],
    unit: Floats,
    targets: tuple[Sequence[str], Sequence[str]],
    attributes: tuple[Sequence[str], Sequence[str]],
    *,
    rng: np.random.Generator,
    max_splits: int = 100_000,
    ignore_case: bool = True,
) -> Weat:
    """Whether the first `targets` are nearer to the first `attributes` than the second ones are.

    With s(w) = mean cosine of w to the first attributes - mean cosine to the second, the effect
    size is the difference of the two targets' mean s, divided by the standard deviation of s over
    all targets (that of the population, so that it lies in -2..2). Source: Caliskan, Bryson and
    Narayanan 2017, "Semantics derived automatically from language corpora contain human-like
    biases". Both figures are nan where a set has no known word, the effect size also where all s
    are equal.

    The test splits the targets into two sets of equal size. Unknown words are dropped, and then the
    rarest of the longer target set; attributes are averaged and may differ in number. Where there
    are more than `max_splits` splits, as many are drawn from `rng`. See `split_p_value`.

        words  V, in falling frequency
        unit   (V, D) float32   rows of length 1

    Raises ShapeError.
    """
    check_rows(words, unit)
    word_ids = WordIds(words, ignore_case=ignore_case)
    (x, unknown_x), (y, unknown_y) = (word_ids.known(some) for some in targets)
    (a, unknown_a), (b, unknown_b) = (word_ids.known(some) for some in attributes)
    size = min(len(x), len(y))
    x, y = sorted(x), sorted(y)
    effect = p_value = math.nan
    if size and a and b:
        s = associations(unit[x[:size] + y[:size]], unit[a], unit[b])
        effect = effect_size(s)
        p_value = split_p_value(s, rng, max_splits=max_splits)
    return Weat(
        effect,
        p_value,
        exact=math.comb(2 * size, size) <= max_splits,
        targets=size,
        unknown=(*unknown_x, *unknown_y, *unknown_a, *unknown_b),
        cut=tuple(words[id_] for id_ in x[size:] + y[size:]),
    )


def associations(rows: Floats, a: Floats, b: Floats) -> Doubles:
    """Mean cosine to the rows `a` - mean cosine to the rows `b`, of each of the `rows` (n,)."""
    difference = a.mean(axis=0, dtype=np.float64) - b.mean(axis=0, dtype=np.float64)
    s: Doubles = rows.astype(np.float64) @ difference
    return s


def effect_size(s: Doubles) -> float:
    """The mean of the first half of `s` (2n,) less that of the second, in standard deviations."""
    first, second = np.split(s, 2)
    spread = s.std()
    return float((first.mean() - second.mean()) / spread) if spread > TIE else math.nan


def split_p_value(s: Doubles, rng: np.random.Generator, *, max_splits: int) -> float:
    """The share of splits of `s` (2n,) into halves whose first half sums to at least its own.

    All splits are counted where there are at most `max_splits`. Otherwise so many are drawn, and
    the given split is counted among them. So no p-value is 0 (Phipson and Smyth 2010, "Permutation
    p-values should never be zero"); Caliskan et al. write "more than", which leaves the given split
    out. Memory is O(n * max_splits) for all splits and O(n * 10,000) for draws.
    """
    n = len(s) // 2
    least = s[:n].sum() - TIE
    splits = math.comb(len(s), n)
    if splits <= max_splits:
        ids = np.fromiter(chain.from_iterable(combinations(range(len(s)), n)), np.int64, splits * n)
        return float((s[ids.reshape(splits, n)].sum(axis=1) >= least).mean())
    as_strong = 1
    for start in range(0, max_splits, DRAWS_AT_ONCE):
        draws = min(DRAWS_AT_ONCE, max_splits - start)
        shuffled = rng.permuted(np.tile(s, (draws, 1)), axis=1)
        as_strong += int((shuffled[:, :n].sum(axis=1) >= least).sum())
    return as_strong / (max_splits + 1)


def bias_direction(
    words: Sequence[str],
    unit: Floats,
    pairs: Sequence[tuple[str, str]],
    *,
    ignore_case: bool = True,
) -> Direction:
    """The direction that tells the words of each pair apart, pointing to the first of them.

    It is the first principal component of the rows less the middle of their pair. Source:
    Bolukbasi, Chang, Zou, Saligrama and Kalai 2016, "Man is to computer programmer as woman is to
    homemaker? Debiasing word embeddings". That its share of the variance is much higher
    than the next component's says that there is such a direction.

        words  V, in falling frequency
        unit   (V, D) float32   rows of length 1

    Raises InputError where no pair is left or none has two different rows, and ShapeError.
    """
    check_rows(words, unit)
    word_ids = WordIds(words, ignore_case=ignore_case)
    found = [word_ids.all_of(pair) for pair in pairs]
    ids = np.array([pair for pair in found if pair], np.int64).reshape(-1, 2)
    differences = unit[ids[:, 0]].astype(np.float64) - unit[ids[:, 1]]
    if not differences.any():
        raise InputError(
            f"a direction expects a pair of two different words from the vocabulary, got "
            f"{len(pairs)} pairs and {len(ids)} of them known; give others, or train on more text"
        )
    # A pair's two rows, less their middle, are half its difference, once with each sign.
    _, lengths, components = np.linalg.svd(differences, full_matrices=False)
    towards_first = np.copysign(1, (differences @ components[0]).sum())
    return Direction(
        (towards_first * components[0]).astype(np.float32),
        lengths**2 / (lengths**2).sum(),
        tuple(pair for pair, known in zip(pairs, found, strict=True) if known is None),
    )


def extremes(
    words: Sequence[str],
    unit: Floats,
    direction: Floats,
    n: int,
    *,
    among: Sequence[str] | None = None,
    ignore_case: bool = True,
) -> Extremes:
    """The `n` words with the highest and the `n` with the lowest projection on `direction` (D,).

    Only those of `among` where it is given, occupations for example.

        words  V, in falling frequency
        unit   (V, D) float32   rows of length 1

    Raises ShapeError.
    """
    check_rows(words, unit)
    ids = np.arange(len(words))
    unknown: tuple[str, ...] = ()
    if among is not None:
        known, unknown = WordIds(words, ignore_case=ignore_case).known(among)
        ids = np.array(known, np.int64)
    projections = unit[ids] @ direction
    falling = np.argsort(-projections, kind="stable")

    def scored(places: Ids) -> Scored:
        return [(words[ids[place]], float(projections[place])) for place in places]

    return Extremes(scored(falling[:n]), scored(falling[::-1][:n]), unknown)


def biased_pairs(
    words: Sequence[str],
    unit: Floats,
    direction: Floats,
    n: int,
    *,
    delta: float = 1.0,
    most_frequent: int = 30_000,
) -> list[tuple[str, str, float]]:
    """The `n` best (x, y, score) with which "a is to x as b is to y", `direction` being a - b.

    The score is cos(a - b, x - y), for words with |x - y| <= `delta` alone, since a pair means
    something only where x and y are about the same thing. Each x stands with its best y and once,
    as in the source: Bolukbasi et al. 2016, eq. 1. Scores above 0, highest first.

        words      V, in falling frequency
        unit       (V, D) float32   rows of length 1
        direction  (D,)             of length 1

    All m = `most_frequent` words meet each other: D m^2 multiplications, in memory of O(256 m).
    Raises ShapeError.
    """
    check_rows(words, unit)
    unit = unit[:most_frequent]
    projections = unit @ direction
    best = np.full(len(unit), -np.inf)
    partners = np.zeros(len(unit), np.int64)
    for start in range(0, len(unit), ROWS_AT_ONCE):
        here = slice(start, start + ROWS_AT_ONCE)
        cosines = unit[here] @ unit.T
        # Of rows of length 1; float32 cannot tell a smaller square from 0.
        distances = np.sqrt(np.maximum(2 - 2 * cosines, 1e-6))
        scores = (projections[here, np.newaxis] - projections) / distances
        scores[cosines < 1 - delta**2 / 2] = -np.inf
        partners[here] = scores.argmax(axis=1)
        best[here] = scores.max(axis=1)
    ranked = np.argsort(-best, kind="stable")[:n]
    return [(words[x], words[partners[x]], float(best[x])) for x in ranked if best[x] > 0]


def bounded_analogy(
    words: Sequence[str],
    unit: Floats,
    a: str,
    x: str,
    b: str,
    n: int,
    *,
    delta: float = 1.0,
    most_frequent: int = 30_000,
    ignore_case: bool = True,
) -> Scored:
    """The `n` best y for "a is to x as b is to y", by cos(a - b, x - y), where |x - y| <= `delta`.

    "man" is to "computer programmer" as "woman" is to what? Source: Bolukbasi et al. 2016, eq. 1.
    3CosAdd answers from afar where nothing is near; this gives fewer answers, or none. A
    phrase is its words joined with "_" where the vocabulary has that, else the mean of its words.
    The words of a, x and b are no answers.

        words  V, in falling frequency
        unit   (V, D) float32   rows of length 1

    Raises InputError for an unknown word, and ShapeError.
    """
    check_rows(words, unit)
    word_ids = WordIds(words, ignore_case=ignore_case)
    asked = [_phrase_ids(words, word_ids, phrase) for phrase in (a, x, b)]
    row_a, row_x, row_b = (unit_rows(unit[ids].sum(axis=0)) for ids in asked)

    steps = row_x - unit[:most_frequent]
    distances = np.linalg.norm(steps, axis=1)
    scores = unit_rows(steps) @ unit_rows(row_a - row_b)
    barred = np.isin(word_ids.first_spellings(words[:most_frequent]), [*chain.from_iterable(asked)])
    scores[barred | (distances > delta)] = -np.inf
    ranked = np.argsort(-scores, kind="stable")[:n]
    return [(words[y], float(scores[y])) for y in ranked if scores[y] > -np.inf]


def _phrase_ids(words: Sequence[str], word_ids: WordIds, phrase: str) -> list[int]:
    """The id of `phrase` as one word, else the ids of its words. Raises InputError."""
    parts = phrase.split()
    whole = word_ids.get("_".join(parts))
    if whole is not None:
        return [whole]
    ids, unknown = word_ids.known(parts)
    if unknown or not ids:
        missing = unknown[0] if unknown else phrase
        similar = closest_spellings(missing, words)
        remedy = f"try {', '.join(similar)}" if similar else "try another word"
        raise InputError(
            f"{phrase!r}: expected words of the vocabulary, got the unknown {missing!r}; {remedy}"
        )
    return ids
