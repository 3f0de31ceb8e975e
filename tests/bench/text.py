"""Text to measure with: words that follow Zipf's law, and the tables that go with them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vecmill.core import sampling, windows
from vecmill.core.rows import Ids, Rows
from vecmill.stages.pairs import PIECE_TOKENS, SamplingTables

WINDOW, NEGATIVES, SUBSAMPLE, NOISE_EXPONENT = 5, 5, 1e-3, 0.75

# Mandelbrot's shift: what English has.
_SHIFT = 2.7


class Text(NamedTuple):
    """Pieces of a synthetic corpus, as the pairs are drawn from: see `core.windows.draw_rows`."""

    ids: Ids
    ends: npt.NDArray[np.int64]
    tables: SamplingTables


def text(words: int, vocabulary: int, seed: int) -> Text:
    """So many words that were kept as often as the vocabulary's frequencies say."""
    weights = 1 / (np.arange(vocabulary, dtype=np.float64) + _SHIFT)
    counts = np.maximum(weights / weights.sum() * words, 1).astype(np.int64)
    drawn = sampling.alias_table(weights).draw(np.random.default_rng(seed), (words,))
    ends = np.append(np.arange(PIECE_TOKENS, words, PIECE_TOKENS), words)
    keep = sampling.keep_probability(counts, int(counts.sum()), SUBSAMPLE).astype(np.float32)
    noise = sampling.alias_table(sampling.noise_weight(counts, NOISE_EXPONENT))
    return Text(drawn, ends, SamplingTables(keep, noise))


def rows(of: Text, seed: int) -> Rows:
    """One epoch's rows of the whole text."""
    return windows.draw_rows(
        of.ids,
        of.ends,
        keep=of.tables.keep,
        noise=of.tables.noise,
        window=WINDOW,
        negatives=NEGATIVES,
        rng=np.random.default_rng(seed),
    )
