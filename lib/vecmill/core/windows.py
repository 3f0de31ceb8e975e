"""Drawing the rows of the pairs table from a corpus of word ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from vecmill.core.arrays import Floats, Ids, Places
from vecmill.core.rows import Rows
from vecmill.core.sampling import AliasTable

# Tokens per draw. Another number would give other rows for the same seed.
BLOCK_TOKENS = 1 << 17
_OUTSIDE = -1


def draw_rows(
    ids: Ids,
    ends: Places,
    *,
    keep: Floats,
    noise: AliasTable,
    window: int,
    negatives: int,
    rng: np.random.Generator,
) -> Rows:
    """One draw of subsampling, window radii and noise words for a block of texts.

    Subsampling drops tokens first, so a window reaches over dropped tokens. Then each position draws a
    radius, uniform on 1..`window`, and `negatives` noise words. Its row has the words of the same text
    within the radius. A position with an empty window gives no row.

        ids   (T,)  int32    word ids, text after text
        ends  (N,)  int64    where each text ends in `ids`; ends[-1] == T
        keep  (V,)  float32  the probability that subsampling keeps a token of each word
    """
    kept = rng.random(len(ids), dtype=np.float32) < keep[ids]
    text = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))[kept]
    tokens = ids[kept]

    # `window` empty positions before the first text and after each text keep windows within their texts.
    positions = np.arange(len(tokens)) + window * (text + 1)
    # One more position, so that there is a window to look at even if no token was kept.
    padded = np.full(len(tokens) + window * (len(ends) + 1) + 1, _OUTSIDE, np.int32)
    padded[positions] = tokens
    radius = np.zeros(len(padded), np.int8 if window < 127 else np.int32)
    radius[positions] = rng.integers(1, window + 1, len(tokens), dtype=radius.dtype)

    around, lengths = _windows(padded != _OUTSIDE, radius, window)
    filled = np.flatnonzero(lengths)
    offsets = np.zeros(len(filled) + 1, np.int32)
    np.cumsum(lengths[filled], out=offsets[1:])
    centers = padded[window:][filled]
    return Rows(centers, offsets, padded[around], noise.draw(rng, (len(centers), negatives)))


def _windows(
    is_token: npt.NDArray[np.bool_], radius: npt.NDArray[Any], window: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int16]]:
    """The positions in the window of each position, and their number; without the first and last `window`.

        is_token  (P,)  whether the position has a token
        radius    (P,)  the radius of its window; 0 without a token

    One row per distance, so that each distance takes one comparison of whole arrays.
    """
    width, count = 2 * window + 1, len(radius) - 2 * window
    inside = np.zeros((width, count), np.bool_)
    lengths = np.zeros(count, np.int16)
    for shift in range(width):
        if shift != window:
            reaches = radius[window : window + count] >= abs(shift - window)
            np.logical_and(reaches, is_token[shift : shift + count], out=inside[shift])
            lengths += inside[shift]
    # Cell number = position * width + shift; it stands for position + shift.
    cells = np.flatnonzero(np.ascontiguousarray(inside.T))
    return cells - np.repeat(np.arange(count) * (width - 1), lengths), lengths


def blocks_of_texts(
    batches: Iterable[tuple[Ids, Places]],
    tokens: int = BLOCK_TOKENS,
) -> Iterator[tuple[Ids, Places]]:
    """The same texts in blocks. A block ends with the first text that brings it to `tokens` tokens or more.

    The ends depend on the texts alone and not on the batches. So rows that are drawn block by block from
    one generator do not depend on the batches either. Holds one block and one batch. Each (ids, ends) is as
    in `draw_rows`.
    """
    held_ids: list[Ids] = []
    held_ends: list[Places] = []
    held = 0
    for ids, ends in batches:
        begin, first = 0, 0
        while len(ends) > first:
            last = int(np.searchsorted(ends, begin + tokens - held))
            stop = min(last + 1, len(ends))
            held_ids.append(ids[begin : ends[stop - 1]])
            held_ends.append(ends[first:stop] - begin + held)
            held += int(ends[stop - 1]) - begin
            begin, first = int(ends[stop - 1]), stop
            if last < len(ends):
                yield np.concatenate(held_ids), np.concatenate(held_ends)
                held_ids, held_ends, held = [], [], 0
    if held:
        yield np.concatenate(held_ids), np.concatenate(held_ends)
