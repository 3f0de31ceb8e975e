"""From a corpus of word ids to the rows of the pairs table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from vecmill.core.rows import Rows
from vecmill.core.sampling import AliasTable

# Tokens drawn at once. Part of the meaning of a seed: another number draws other rows.
BLOCK_TOKENS = 1 << 17
_OUTSIDE = -1


def draw_rows(
    ids: npt.NDArray[np.int32],
    ends: npt.NDArray[np.int64],
    *,
    keep: npt.NDArray[np.float32],
    noise: AliasTable,
    window: int,
    negatives: int,
    rng: np.random.Generator,
) -> Rows:
    """One draw of subsampling, window radii and noise words for a block of texts.

    Tokens are dropped first, so a window reaches over what is gone; then each position draws a radius
    uniform on 1..`window`, the words within it that belong to the same text, and `negatives` noise
    words. A position left without any word in its window gives no row.

        ids   (T,)  int32    the texts' word ids, one text after another
        ends  (N,)  int64    where each text ends in `ids`; ends[-1] == T
        keep  (V,)  float32  each word's probability to be kept
    """
    kept = rng.random(len(ids), dtype=np.float32) < keep[ids]
    text = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))[kept]
    tokens = ids[kept]

    # `window` empty places after each text and before the first stand for "outside the text".
    places = np.arange(len(tokens)) + window * (text + 1)
    # One place more, or there would be no window to look at where no token was kept.
    padded = np.full(len(tokens) + window * (len(ends) + 1) + 1, _OUTSIDE, np.int32)
    padded[places] = tokens
    radius = np.zeros(len(padded), np.int8 if window < 127 else np.int32)
    radius[places] = rng.integers(1, window + 1, len(tokens), dtype=radius.dtype)

    around, lengths = _windows(padded != _OUTSIDE, radius, window)
    filled = np.flatnonzero(lengths)
    offsets = np.zeros(len(filled) + 1, np.int32)
    np.cumsum(lengths[filled], out=offsets[1:])
    centers = padded[window:][filled]
    return Rows(centers, offsets, padded[around], noise.draw(rng, (len(centers), negatives)))


def _windows(
    is_token: npt.NDArray[np.bool_], radius: npt.NDArray[Any], window: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int16]]:
    """Which places lie in the window of each place but the first and last `window`, and how many.

        is_token  (P,)  whether there is a token at a place
        radius    (P,)  of the window around it; 0 where there is none

    A distance is a row here, whole arrays long, so that each takes one comparison of all places.
    """
    width, count = 2 * window + 1, len(radius) - 2 * window
    inside = np.zeros((width, count), np.bool_)
    lengths = np.zeros(count, np.int16)
    for shift in range(width):
        if shift != window:
            reaches = radius[window : window + count] >= abs(shift - window)
            np.logical_and(reaches, is_token[shift : shift + count], out=inside[shift])
            lengths += inside[shift]
    # Place after place: the number of a cell is place * width + shift, that of what it shows place + shift.
    cells = np.flatnonzero(np.ascontiguousarray(inside.T))
    return cells - np.repeat(np.arange(count) * (width - 1), lengths), lengths


def blocks_of_texts(
    batches: Iterable[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]],
    tokens: int = BLOCK_TOKENS,
) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]]:
    """The same texts in blocks that end with the first text that brings them to `tokens` or more.

    Where a block ends depends on the texts alone and not on how they came in `batches`, so that what
    is drawn block by block from one generator does not depend on it either. Holds one block and one
    batch; each (ids, ends) pair is as in `draw_rows`.
    """
    held_ids: list[npt.NDArray[np.int32]] = []
    held_ends: list[npt.NDArray[np.int64]] = []
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
