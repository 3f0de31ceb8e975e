"""Measures of bias: WEAT, projections on a direction such as gender, and biased analogies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, combinations
from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Doubles, Floats, Places
from vecmill.core.measures.lookup import WordIds, check_rows
from vecmill.core.measures.similarity import ScoredWords, closest_spellings, unit_rows
from vecmill.errors import InputError
from vecmill.formatting import shorten

# Sums that differ by less are taken to be equal: their terms were added in another order.
TIE = 1e-12
# Numbers that are shuffled at once, 32 MB, and in all draws together.
BLOCK_NUMBERS = 1 << 22
MOST_SHUFFLED = 200_000_000
LEAST_DRAWS = 1000


class Weat(NamedTuple):
    """The outcome of a word-embedding association test.

    effect_size  in -2..2; positive if the first targets are nearer to the first attributes
    p_value      one-sided: probability that a random split of the targets is as strongly associated
    exact        whether all splits were counted, and not only a sample
    targets      number of words in each of the two target sets, after the longer was cut
    unknown      words that are not in the vocabulary
    cut          known targets that were left out to make both target sets equally long
    """

    effect_size: float
    p_value: float
    exact: bool
    targets: int
    unknown: tuple[str, ...]
    cut: tuple[str, ...]


class Direction(NamedTuple):
    """A direction along which pairs of words differ.

    vector     (D,)   of length 1
    explained  (k,)   shares of the variance: of this direction, then of the next components
    unknown    pairs that have an unknown word, left out
    """

    vector: Floats
    explained: Doubles
    unknown: tuple[tuple[str, str], ...]


class Extremes(NamedTuple):
    """The words with the highest and with the lowest projections on a direction, and these projections."""

    along: ScoredWords
    against: ScoredWords
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
    """Test whether the first `targets` are nearer to the first `attributes` than the second targets are.

    With s(w) = mean cosine of w to the first attributes - mean cosine to the second, the effect
    size is the difference of the two targets' mean s, divided by the standard deviation of s over
    all targets (of the population, so that it lies in -2..2). Source: Caliskan, Bryson and
    Narayanan 2017, "Semantics derived automatically from language corpora contain human-like
    biases". Both figures are NaN if a set has no known word; the effect size also if all s are
    equal.

    The test needs two target sets of equal size. Unknown words are dropped, then the rarest words of
    the longer target set. Attributes are averaged and may differ in number. If there are more than
    `max_splits` splits, so many are drawn from `rng`, or fewer for long sets. See `split_p_value`.

        words  V, sorted by falling frequency
        unit   (V, D)   rows of length 1

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
        exact=_split_count(size) <= max_splits,
        targets=size,
        unknown=(*unknown_x, *unknown_y, *unknown_a, *unknown_b),
        cut=tuple(words[id_] for id_ in x[size:] + y[size:]),
    )


def associations(rows: Floats, a: Floats, b: Floats) -> Doubles:
    """For each of the `rows` (n, D): its mean cosine to the rows `a` - that to the rows `b`; (n,)."""
    difference = a.mean(axis=0, dtype=np.float64) - b.mean(axis=0, dtype=np.float64)
    s: Doubles = rows.astype(np.float64) @ difference
    return s


def effect_size(s: Doubles) -> float:
    """The mean of the first half of `s` (2n,) minus that of the second, in standard deviations of `s`."""
    first, second = np.split(s, 2)
    spread = s.std()
    return float((first.mean() - second.mean()) / spread) if spread > TIE else math.nan


def split_p_value(s: Doubles, rng: np.random.Generator, *, max_splits: int) -> float:
    """The share of splits of `s` (2n,) into halves with a first half whose sum is at least the given one's.

    All splits are counted if there are at most `max_splits`. Otherwise so many are drawn and the
    given split is added. So no p-value is 0 (Phipson and Smyth 2010, "Permutation p-values should
    never be zero"); Caliskan et al. write "more than", which excludes the given split. Memory is
    O(n * max_splits) for all splits and 100 MB, or 24 bytes per target, for draws. Draws shuffle at most
    200 million targets together: sets of more than 1,000 words have fewer draws, but at least 1,000.
    """
    n = len(s) // 2
    least = s[:n].sum() - TIE
    splits = _split_count(n)
    if splits <= max_splits:
        ids = np.fromiter(chain.from_iterable(combinations(range(len(s)), n)), np.int64, splits * n)
        return float((s[ids.reshape(splits, n)].sum(axis=1) >= least).mean())
    as_strong = 1
    all_draws = min(max_splits, max(LEAST_DRAWS, MOST_SHUFFLED // len(s)))
    step = max(1, BLOCK_NUMBERS // len(s))
    for start in range(0, all_draws, step):
        # The blocks continue one random stream, so their size changes no draw.
        draws = min(step, all_draws - start)
        shuffled = rng.permuted(np.tile(s, (draws, 1)), axis=1)
        as_strong += int((shuffled[:, :n].sum(axis=1) >= least).sum())
    return as_strong / (all_draws + 1)


def _split_count(n: int) -> int:
    """The number of splits of 2n words into halves, or 10^18 if it is higher."""
    return math.comb(2 * n, n) if n <= 30 else 10**18


def bias_direction(
    words: Sequence[str],
    unit: Floats,
    pairs: Sequence[tuple[str, str]],
    *,
    ignore_case: bool = True,
) -> Direction:
    """The direction along which the words of each pair differ; it points to the first words.

    It is the first principal component of the rows minus the mean of their pair. Source: Bolukbasi,
    Chang, Zou, Saligrama and Kalai 2016, "Man is to computer programmer as woman is to homemaker?
    Debiasing word embeddings". The pairs share a direction if its share of the variance is much
    higher than that of the next component.

        words  V, sorted by falling frequency
        unit   (V, D)   rows of length 1

    Raises InputError if no pair of known words has distinct rows, and ShapeError.
    """
    check_rows(words, unit)
    word_ids = WordIds(words, ignore_case=ignore_case)
    looked_up = [word_ids.all_of(pair) for pair in pairs]
    ids = np.array([pair for pair in looked_up if pair], np.int64).reshape(-1, 2)
    differences = unit[ids[:, 0]].astype(np.float64) - unit[ids[:, 1]]
    if not differences.any():
        raise InputError(
            f"a direction expects a pair of two different words from the vocabulary, got "
            f"{len(pairs)} pairs, {len(ids)} of them known; give other pairs, or train on more text"
        )
    # The two rows of a pair minus their mean are plus and minus half their difference.
    _, lengths, components = np.linalg.svd(differences, full_matrices=False)
    towards_first = np.copysign(1, (differences @ components[0]).sum())
    return Direction(
        (towards_first * components[0]).astype(np.float32),
        lengths**2 / (lengths**2).sum(),
        tuple(pair for pair, known in zip(pairs, looked_up, strict=True) if known is None),
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

    With `among`, only these words are considered, such as occupations.

        words  V, sorted by falling frequency
        unit   (V, D)   rows of length 1

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

    def scored(places: Places) -> ScoredWords:
        return [(words[ids[place]], float(projections[place])) for place in places]

    return Extremes(scored(falling[:n]), scored(falling[::-1][:n]), unknown)


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
) -> ScoredWords:
    """The `n` best y for "a is to x as b is to y", by cos(a - b, x - y), with |x - y| <= `delta`.

    "man" is to "computer programmer" as "woman" is to what? Source: Bolukbasi et al. 2016, eq. 1.
    3CosAdd also answers with distant words; this gives fewer answers, or none. A phrase is its words
    joined with "_" if the vocabulary has that word, else the mean of its words. The words of a, x
    and b are no answers.

        words  V, sorted by falling frequency
        unit   (V, D)   rows of length 1

    Raises InputError for an unknown word, and ShapeError.
    """
    check_rows(words, unit)
    word_ids = WordIds(words, ignore_case=ignore_case)
    question = [_phrase_ids(words, word_ids, phrase) for phrase in (a, x, b)]
    row_a, row_x, row_b = (unit_rows(unit[ids].sum(axis=0)) for ids in question)

    steps = row_x - unit[:most_frequent]
    distances = np.linalg.norm(steps, axis=1)
    scores = unit_rows(steps) @ unit_rows(row_a - row_b)
    excluded = np.isin(word_ids.first_spellings(words[:most_frequent]), [*chain.from_iterable(question)])
    scores[excluded | (distances > delta)] = -np.inf
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
        similar = [shorten(word, 60) for word in closest_spellings(missing, words)]
        remedy = f"try {', '.join(similar)}" if similar else "try another word"
        raise InputError(
            f"{shorten(repr(phrase), 60)}: expected words of the vocabulary, got the unknown "
            f"{shorten(repr(missing), 60)}; {remedy}"
        )
    return ids
