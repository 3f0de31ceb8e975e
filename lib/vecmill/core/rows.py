"""Rows of the pairs table as flat arrays, the form in which pairs are drawn and trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Ids


class Rows(NamedTuple):
    """B positions of the subsampled corpus, with P words in all windows and K noise words per position.

    Row b stands for the triples (w, c, +) and (w, n, -) for every word w of
    `words[offsets[b]:offsets[b + 1]]`, with c = `centers[b]` and n in `negatives[b]`.

        centers    (B,)      int32   the word at the position
        offsets    (B + 1,)  int32   where each row's words begin in `words`; offsets[0] need not be 0
        words      (P,)      int32   the words of the windows, row after row
        negatives  (B, K)    int32   noise words; K may be 0
    """

    centers: Ids
    offsets: Ids
    words: Ids
    negatives: Ids


def take(rows: Rows, begin: int, end: int) -> Rows:
    """Rows `begin` to `end` as views; `words` stays whole, since offsets point into it."""
    return Rows(
        rows.centers[begin:end],
        rows.offsets[begin : end + 1],
        rows.words,
        rows.negatives[begin:end],
    )


def concatenate(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts in order; a single part is returned as it is."""
    if len(parts) == 1:
        return parts[0]
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return Rows(
        np.concatenate([part.centers for part in parts]),
        offsets,
        np.concatenate([part.words[part.offsets[0] : part.offsets[-1]] for part in parts]),
        np.concatenate([part.negatives for part in parts]),
    )


def regroup(batches: Iterable[Rows], size: int) -> Iterator[Rows]:
    """The same rows in batches of exactly `size` rows; the last batch may be smaller.

    Kernels train several rows per step, and the steps must not depend on how many rows Arrow puts into a
    batch. Holds one batch and fewer than `size` rows.
    """
    held: list[Rows] = []
    count = 0
    for batch in batches:
        begin, end = 0, len(batch.centers)
        while end - begin >= size - count:
            stop = begin + size - count
            yield concatenate([*held, take(batch, begin, stop)])
            held, count, begin = [], 0, stop
        if begin < end:
            held.append(take(batch, begin, end))
            count += end - begin
    if held:
        yield concatenate(held)
