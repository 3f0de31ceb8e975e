"""Nearest words by cosine, analogy queries, and words that are spelt alike."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, islice

import numpy as np
import numpy.typing as npt

from vecmill.core.arrays import Floats, Places
from vecmill.errors import ShapeError

# Words with a cosine or another score, best first.
ScoredWords = list[tuple[str, float]]

# Stands for an id if no word is left to name.
NO_WORD = -1
SPELLINGS_COMPARED = 100_000
# Characters; comparing takes quadratic time.
LONGEST_COMPARED = 100


def unit_rows(vectors: npt.NDArray[np.floating]) -> Floats:
    """Each row of `vectors` (..., D) scaled to length 1, float32; a row of zeros stays zero.

    A row with NaN or infinity has NaN. Squares are summed in float64, because those of very large or very
    small numbers leave the range of float32.
    """
    lengths = np.sqrt(np.einsum("...d,...d->...", vectors, vectors, dtype=np.float64))
    lengths = np.where(lengths == 0, 1, lengths)[..., np.newaxis]
    unit = np.empty(vectors.shape, np.float32)
    with np.errstate(invalid="ignore"):
        np.divide(vectors, lengths, out=unit, casting="same_kind")
    return unit


def analogy_query(unit: Floats, a: npt.ArrayLike, b: npt.ArrayLike, c: npt.ArrayLike) -> Floats:
    """The query of "a is to b as c is to ?": b - a + c of unit rows, scaled to length 1.

    man : king :: woman : ? gives king - man + woman. This is 3CosAdd (Levy and Goldberg 2014,
    "Linguistic regularities in sparse and explicit word representations", eq. 2). Exclude a, b and c
    from the answers, as all published scores do.

        unit     (V, D) float32   rows of length 1
        a, b, c  (Q,) or ()       ids of rows

    Returns (Q, D), or (D,) for single ids.
    """
    return unit_rows(unit[np.asarray(b)] - unit[np.asarray(a)] + unit[np.asarray(c)])


def nearest(
    unit: Floats,
    queries: npt.NDArray[np.floating],
    n: int,
    *,
    exclude: Sequence[Collection[int]] | None = None,
    block_rows: int = 1024,
) -> tuple[Places, Floats]:
    """The `n` rows of `unit` with the highest cosine to each query, nearest first. The search is exact.

        unit     (V, D) float32   rows of length 1 or 0, see `unit_rows`
        queries  (Q, D)           of any length
        n        from 1
        exclude  Q collections    ids that may not be answers, one collection per query

    Returns ids (Q, m) int64 and cosines (Q, m) float32 with m = min(n, V). Equal cosines are sorted
    by id. If fewer than m rows are left for a query, its last ids are -1 and their cosines -inf.

    Memory is O(Q * (block_rows + m)), besides the arguments. Products are summed in float64 and
    then rounded, so that the cosines of equal rows do not depend on their places in a block.
    Raises ShapeError.
    """
    _check_shapes(unit, queries, exclude)
    if n < 1:
        raise ShapeError(f"nearest expects n of at least 1, got {n}")
    m = min(n, len(unit))
    directions = unit_rows(queries).astype(np.float64)
    excluded_queries, excluded_ids = _flat_exclusions(exclude or ())

    ids = np.full((len(queries), m), NO_WORD)
    cosines = np.full((len(queries), m), -np.inf, np.float32)
    pending: list[tuple[Places, Places, Floats]] = []
    for start in range(0, len(unit), block_rows):
        block = unit[start : start + block_rows]
        in_block = (start <= excluded_ids) & (excluded_ids < start + len(block))
        candidates = (directions @ block.T.astype(np.float64)).astype(np.float32)
        candidates[excluded_queries[in_block], excluded_ids[in_block] - start] = -np.inf
        # A later id needs a higher cosine: of equal ones the smaller id wins.
        floor = cosines[:, -1] if start else _floor_of_first(candidates, m)
        rows, columns = np.nonzero(candidates > floor[:, np.newaxis])
        pending.append((rows, start + columns, candidates[rows, columns]))
        # Sorting all m after every block would take quadratic time if m is large.
        if not start or sum(len(rows) for rows, _, _ in pending) >= len(queries) * m:
            ids, cosines = _merged(ids, cosines, pending)
            pending = []
    return _merged(ids, cosines, pending)


def closest_spellings(word: str, words: Iterable[str], n: int = 5) -> list[str]:
    """Up to `n` of the `words` that are spelt like `word`, closest first, for error messages.

    `words` are sorted by falling frequency. The first 100,000 are compared by difflib, ignoring case.
    So words that differ only in case come first, and frequent variants before rare ones. Words of more
    than 100 characters have no close spellings.
    """
    if len(word) > LONGEST_COMPARED:
        return []
    variants: dict[str, list[str]] = {}
    for known in islice(words, SPELLINGS_COMPARED):
        if len(known) <= 2 * LONGEST_COMPARED:
            variants.setdefault(known.casefold(), []).append(known)
    close = difflib.get_close_matches(word.casefold(), variants, n)
    return [known for folded in close for known in variants[folded] if known != word][:n]


def _check_shapes(
    unit: Floats, queries: npt.NDArray[np.floating], exclude: Sequence[Collection[int]] | None
) -> None:
    if unit.ndim != 2 or queries.ndim != 2 or unit.shape[1] != queries.shape[1]:
        raise ShapeError(
            f"nearest expects unit (V, D) and queries (Q, D), got {unit.shape} and {queries.shape}"
        )
    if exclude is not None and len(exclude) != len(queries):
        raise ShapeError(
            f"nearest expects one collection per query in exclude, got {len(exclude)} "
            f"for {len(queries)} queries"
        )


def _flat_exclusions(exclude: Sequence[Collection[int]]) -> tuple[Places, Places]:
    """The query and the id of every exclusion, as two flat arrays."""
    sizes = [len(ids) for ids in exclude]
    queries = np.repeat(np.arange(len(sizes)), sizes)
    return queries, np.fromiter(chain.from_iterable(exclude), np.int64, sum(sizes))


def _floor_of_first(cosines: Floats, m: int) -> Floats:
    """Just below each query's m-th highest cosine (Q,), so that `_merged` need not sort whole blocks."""
    columns = cosines.shape[1]
    if m > columns:
        return np.full(len(cosines), -np.inf, np.float32)
    highest: Floats = np.partition(cosines, columns - m, axis=1)[:, columns - m]
    return np.nextafter(highest, np.float32(-np.inf))


def _merged(
    ids: Places, cosines: Floats, more: Sequence[tuple[Places, Places, Floats]]
) -> tuple[Places, Floats]:
    """The best m of each query (Q, m), out of the m so far (Q, m) and more (queries, ids, cosines)."""
    if not more:
        return ids, cosines
    shape = ids.shape
    more_queries, more_ids, more_cosines = zip(*more, strict=True)
    queries = np.concatenate([np.repeat(np.arange(shape[0]), shape[1]), *more_queries])
    ids = np.concatenate([ids.ravel(), *more_ids])
    cosines = np.concatenate([cosines.ravel(), *more_cosines])
    order = np.lexsort((ids, -cosines, queries))
    queries = queries[order]
    rank = np.arange(len(queries)) - np.searchsorted(queries, queries)
    best = order[rank < shape[1]]
    return ids[best].reshape(shape), cosines[best].reshape(shape)
