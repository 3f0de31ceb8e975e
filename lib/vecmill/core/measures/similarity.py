"""Who is near whom: cosines between word vectors, analogies, and spellings close to a word."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, islice

import numpy as np
import numpy.typing as npt

from vecmill.errors import ShapeError

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

NOBODY = -1
SPELLINGS_COMPARED = 100_000


def unit_rows(vectors: npt.NDArray[np.floating]) -> Floats:
    """Each row of `vectors` (..., D) scaled to length 1, float32; a row of zeros stays zero.

    Lengths are summed in float64, so that rows of very large or very small numbers come out right.
    """
    lengths = np.sqrt(np.einsum("...d,...d->...", vectors, vectors, dtype=np.float64))
    lengths = np.where(lengths == 0, 1, lengths)[..., np.newaxis]
    unit = np.empty(vectors.shape, np.float32)
    np.divide(vectors, lengths, out=unit, casting="same_kind")
    return unit


def analogy_query(unit: Floats, a: npt.ArrayLike, b: npt.ArrayLike, c: npt.ArrayLike) -> Floats:
    """Where "a is to b as c is to ?" points: b - a + c of unit rows, scaled to length 1.

    man : king :: woman : ? is king - man + woman. This is 3CosAdd (Levy and Goldberg 2014,
    "Linguistic regularities in sparse and explicit word representations", eq. 2). Leave out a, b
    and c when looking for the nearest, as everyone who reports a score does.

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
) -> tuple[Ids, Floats]:
    """The `n` rows of `unit` with the highest cosine to each query, exactly, nearest first.

        unit     (V, D) float32   rows of length 1 or 0, see `unit_rows`
        queries  (Q, D)           of any length
        exclude  Q collections    ids never to be named, one collection a query

    Returns ids (Q, m) int64 and cosines (Q, m) float32 with m = min(n, V). Equal cosines stand in
    the order of their ids. A query that has fewer than m rows left ends in id -1, cosine -inf.

    Memory is O(Q * (block_rows + m)), besides the arguments. Products are summed in float64 and
    then rounded, so that equal rows have equal cosines wherever in a block they stand.
    Raises ShapeError.
    """
    _check_shapes(unit, queries, exclude)
    m = min(n, len(unit))
    directions = unit_rows(queries).astype(np.float64)
    barred_queries, barred_ids = _flat_exclusions(exclude or ())

    ids = np.full((len(queries), m), NOBODY)
    cosines = np.full((len(queries), m), -np.inf, np.float32)
    for start in range(0, len(unit), block_rows):
        block = unit[start : start + block_rows]
        here = (start <= barred_ids) & (barred_ids < start + len(block))
        candidates = (directions @ block.T.astype(np.float64)).astype(np.float32)
        candidates[barred_queries[here], barred_ids[here] - start] = -np.inf
        # An equal cosine further on loses to the smaller id that set the floor.
        floor = cosines[:, -1] if start else _floor_of_first(candidates, m)
        rows, columns = np.nonzero(candidates > floor[:, np.newaxis])
        ids, cosines = _merged(ids, cosines, rows, start + columns, candidates[rows, columns])
    return ids, cosines


def closest_spellings(word: str, words: Iterable[str], n: int = 5) -> list[str]:
    """Up to `n` words spelt like `word`, closest first, for the message about an unknown word.

    `words` come in falling frequency; the first 100,000 are compared, by difflib, without regard to
    case. So a variant in case alone comes first, and a frequent variant before a rare one.
    """
    variants: dict[str, list[str]] = {}
    for known in islice(words, SPELLINGS_COMPARED):
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
            f"nearest expects one collection in exclude a query, got {len(exclude)} "
            f"for {len(queries)} queries"
        )


def _flat_exclusions(exclude: Sequence[Collection[int]]) -> tuple[Ids, Ids]:
    """(query, id) for every id left out, as two flat arrays."""
    sizes = [len(ids) for ids in exclude]
    queries = np.repeat(np.arange(len(sizes)), sizes)
    return queries, np.fromiter(chain.from_iterable(exclude), np.int64, sum(sizes))


def _floor_of_first(cosines: Floats, m: int) -> Floats:
    """Just below each query's m-th highest cosine (Q,), to spare `_merged` sorting whole blocks."""
    columns = cosines.shape[1]
    if m > columns:
        return np.full(len(cosines), -np.inf, np.float32)
    highest: Floats = np.partition(cosines, columns - m, axis=1)[:, columns - m]
    return np.nextafter(highest, np.float32(-np.inf))


def _merged(
    ids: Ids, cosines: Floats, more_queries: Ids, more_ids: Ids, more_cosines: Floats
) -> tuple[Ids, Floats]:
    """The m best of each query, (Q, m) each: of the m so far, (Q, m), and of C more, (C,)."""
    shape = ids.shape
    queries = np.concatenate([np.repeat(np.arange(shape[0]), shape[1]), more_queries])
    ids = np.concatenate([ids.ravel(), more_ids])
    cosines = np.concatenate([cosines.ravel(), more_cosines])
    order = np.lexsort((ids, -cosines, queries))
    queries = queries[order]
    rank = np.arange(len(queries)) - np.searchsorted(queries, queries)
    best = order[rank < shape[1]]
    return ids[best].reshape(shape), cosines[best].reshape(shape)
