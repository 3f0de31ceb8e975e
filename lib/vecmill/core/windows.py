"""Drawing the rows of the pairs table from a corpus of word ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from vecmill.core.arrays import Floats, Ids, Places
from vecmill.core.rows import Rows
from vecmill.core.sampling import AliasTable

# Tokens per draw. Another number would give other rows for the same seed.
BLOCK_TOKENS = 1 << 17
# Noise words per draw: with more of them per position than is usual, a block has fewer tokens.
_BLOCK_NOISE = BLOCK_TOKENS << 6

# Pairs of a word and its context per piece of a block, at some 20 bytes each while they are made.
PIECE_PAIRS = 1 << 22


def draw_rows(
    ids: Ids,
    ends: Places,
    *,
    keep: Floats,
    noise: AliasTable,
    window: int,
    negatives: int,
    rng: np.random.Generator,
    piece_pairs: int = PIECE_PAIRS,
) -> Iterator[Rows]:
    """One draw of subsampling, window radii and noise words for a block of texts.

    Subsampling drops tokens first, so a window reaches over dropped tokens. Then each position draws a
    radius, uniform on 1..`window`, and `negatives` noise words. Its row has the words of the same text
    within the radius. A position with an empty window gives no row.

        ids   (T,)  int32    word ids, text after text
        ends  (N,)  int64    where each text ends in `ids`; ends[-1] == T
        keep  (V,)  float32  the probability that subsampling keeps a token of each word

    The rows come in pieces of at most `piece_pairs` pairs, or of a single row; at least one piece comes,
    which may be empty. Takes memory for the block and for one piece, however wide the window.
    """
    kept = rng.random(len(ids), dtype=np.float32) < keep[ids]
    tokens = ids[kept]
    kept_before = np.zeros(len(ids) + 1, np.int32)
    np.cumsum(kept, out=kept_before[1:])
    text_end = kept_before[ends]
    text_length = np.diff(text_end, prepend=np.int32(0))
    radius = rng.integers(1, window + 1, len(tokens), dtype=np.int8 if window < 127 else np.int32)

    # The window of a position reaches from its first to its last position, within the text.
    position = np.arange(len(tokens), dtype=np.int32)
    first = np.maximum(position - radius, np.repeat(text_end - text_length, text_length))
    last = np.minimum(position + radius, np.repeat(text_end, text_length) - 1)
    filled = np.flatnonzero(last > first)
    first, position = first[filled], position[filled]
    length = last[filled] - first
    ends_of_rows = np.zeros(len(filled) + 1, np.int64)
    np.cumsum(length, out=ends_of_rows[1:])
    drawn = noise.draw(rng, (len(filled), negatives))

    begin = 0
    while begin == 0 or begin < len(filled):
        end = int(np.searchsorted(ends_of_rows, ends_of_rows[begin] + piece_pairs, side="right")) - 1
        end = min(max(end, begin + 1), len(filled))
        piece = slice(begin, end)
        offsets = (ends_of_rows[begin : end + 1] - ends_of_rows[begin]).astype(np.int32)
        around = np.arange(offsets[-1], dtype=np.int32)
        around += np.repeat(first[piece] - offsets[:-1], length[piece])
        # The position itself is not in its window.
        around += around >= np.repeat(position[piece], length[piece])
        yield Rows(tokens[position[piece]], offsets, tokens[around], drawn[piece])
        begin = max(end, 1)


def block_tokens(negatives: int) -> int:
    """Tokens per draw with so many noise words per position."""
    return min(BLOCK_TOKENS, max(1, _BLOCK_NOISE // max(negatives, 1)))


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
