"""Synthetic text for measurements: words that follow Zipf's law, and their sampling tables."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vecmill.core import passes, sampling, windows
from vecmill.core.arrays import Ids, Places
from vecmill.core.buckets import Bucket, pairs_of, sorted_by_bucket
from vecmill.core.regions import context_region
from vecmill.core.rows import Rows, concatenate
from vecmill.corpus.texts import PIECE_TOKENS
from vecmill.examples.pairs import SamplingTables

WINDOW, NEGATIVES, SUBSAMPLE, NOISE_EXPONENT = 5, 5, 1e-3, 0.75

# Mandelbrot's shift of the ranks for English.
_SHIFT = 2.7


class Text(NamedTuple):
    """Pieces of a synthetic corpus as arguments of `core.windows.draw_rows`."""

    ids: Ids
    ends: Places
    tables: SamplingTables


def text(words: int, vocabulary: int, seed: int) -> Text:
    """Text of that many words, drawn from the frequencies of a vocabulary of that size."""
    weights = 1 / (np.arange(vocabulary, dtype=np.float64) + _SHIFT)
    counts = np.maximum(weights / weights.sum() * words, 1).astype(np.int64)
    drawn = sampling.alias_table(weights).draw(np.random.default_rng(seed), (words,))
    ends = np.append(np.arange(PIECE_TOKENS, words, PIECE_TOKENS), words)
    keep = sampling.keep_probability(counts, int(counts.sum()), SUBSAMPLE).astype(np.float32)
    noise = sampling.alias_table(sampling.noise_weight(counts, NOISE_EXPONENT))
    return Text(drawn, ends, SamplingTables(keep, noise))


def rows(of: Text, seed: int) -> Rows:
    """The rows of the whole text in one epoch."""
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


class RegionBucket(NamedTuple):
    """A bucket, and the rows of its regions in tables that are in the order of their regions."""

    words: slice
    contexts: slice
    bucket: Bucket


def buckets(of: Text, n_regions: int, seed: int) -> list[RegionBucket]:
    """The same pairs as the buckets of one pass, stratum after stratum."""
    words, contexts = pairs_of(rows(of, seed))
    vocabulary = len(of.tables.keep)
    pairs = np.bincount(words, minlength=vocabulary).astype(np.float64)
    noise = sampling.noise_weight(np.bincount(of.ids, minlength=vocabulary), NOISE_EXPONENT)
    expected = passes.Expected(pairs / pairs.sum(), noise / noise.sum())
    layout = passes.layout(expected, n_regions, NEGATIVES, seed=seed, epoch=1, slice_=0)
    of_pass = passes.Pass(seed, 1, 0, NEGATIVES, layout, expected, len(words))
    words, contexts, bounds = sorted_by_bucket(
        words, contexts, layout.words.of_ids(), layout.contexts.of_ids(), n_regions
    )
    words, contexts = layout.words.places()[words], layout.contexts.places()[contexts]
    found = []
    for stratum in range(n_regions):
        for worker in range(n_regions):
            other = context_region(worker, stratum, n_regions)
            own = _between(bounds, worker * n_regions + other)
            bucket = passes.draw_bucket(of_pass, worker, stratum, words[own], contexts[own])
            regions = _between(layout.words.bounds, worker), _between(layout.contexts.bounds, other)
            found.append(RegionBucket(*regions, bucket))
    return found


def _between(bounds: Places, number: int) -> slice:
    return slice(bounds[number], bounds[number + 1])
