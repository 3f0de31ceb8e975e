"""Text to measure with: words that follow Zipf's law, and the tables that go with them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vecmill.core import regions, sampling, windows
from vecmill.core.arrays import Ids, Places
from vecmill.core.buckets import TILE_NOISE, Bucket, pairs_of, sorted_by_bucket, with_noise
from vecmill.core.rows import Rows, concatenate
from vecmill.corpus.texts import PIECE_TOKENS
from vecmill.examples.pairs import SamplingTables

WINDOW, NEGATIVES, SUBSAMPLE, NOISE_EXPONENT = 5, 5, 1e-3, 0.75

# Mandelbrot's shift: what English has.
_SHIFT = 2.7


class Text(NamedTuple):
    """Pieces of a synthetic corpus, as the pairs are drawn from: see `core.windows.draw_rows`."""

    ids: Ids
    ends: Places
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
    return concatenate(
        [
            *windows.draw_rows(
                of.ids,
                of.ends,
                keep=of.tables.keep,
                noise=of.tables.noise,
                window=WINDOW,
                negatives=NEGATIVES,
                rng=np.random.default_rng(seed),
            )
        ]
    )


class Part(NamedTuple):
    """A bucket and its rows of W and of C, where those of a region lie one after another."""

    words: slice
    contexts: slice
    bucket: Bucket


def buckets(of: Text, n_regions: int, seed: int) -> list[Part]:
    """The same pairs as one pass's buckets, stratum after stratum."""
    words, contexts = pairs_of(rows(of, seed))
    vocabulary = len(of.tables.keep)
    pairs = np.bincount(words, minlength=vocabulary)
    noise = sampling.noise_weight(np.bincount(of.ids, minlength=vocabulary), NOISE_EXPONENT)
    noise /= noise.sum()
    rng = np.random.default_rng(seed)
    of_words = regions.cut(pairs.astype(np.float64), n_regions, rng)
    of_contexts = regions.cut(pairs + NEGATIVES * len(words) * noise, n_regions, rng)
    words, contexts, bounds = sorted_by_bucket(
        words, contexts, of_words.of_ids(), of_contexts.of_ids(), n_regions
    )
    parts = []
    for stratum in range(n_regions):
        for i in range(n_regions):
            j = regions.context_region(i, stratum, n_regions)
            own = _between(bounds, i * n_regions + j)
            w_ids, c_ids = of_words.members(i), of_contexts.members(j)
            bucket = with_noise(
                np.searchsorted(w_ids, words[own]).astype(np.int32),
                np.searchsorted(c_ids, contexts[own]).astype(np.int32),
                expected=NEGATIVES * pairs[w_ids] * noise[c_ids].sum() / TILE_NOISE,
                noise=noise[c_ids],
                rng=rng,
            )
            parts.append(Part(_between(of_words.bounds, i), _between(of_contexts.bounds, j), bucket))
    return parts


def _between(bounds: Places, number: int) -> slice:
    return slice(bounds[number], bounds[number + 1])
