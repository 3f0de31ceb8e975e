"""The pairs of one region of words and one of contexts, with the noise that is due to them.

Every pair (w, c) has K noise words drawn from P(n) over the whole vocabulary, of which a bucket can
train only those of its own region of contexts. To draw all K there would give w noise wherever it has
pairs, and so take from the score of a word and its own contexts the logarithm of how much they belong
together. So noise does not follow the pairs: each word w of the region of words meets

    K * (pairs of w in the whole pass) * P(region of contexts)

noise words here, however many of its pairs lie here. Over a pass that is K for each of its pairs, of
which the regions have their parts of P: the expectation of skip-gram with negative sampling itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Doubles, Ids, Places
from vecmill.core.rows import Rows
from vecmill.core.sampling import alias_table

# A tile: so many words of a bucket meet so many noise words. The latter fill a block of the compiled
# kernel; the former are as many as a window has, so that noise is shared no wider than in `core.sgns`.
TILE_WORDS = 8
TILE_NOISE = 6

# Pairs between two tiles, at most: about as many as a tile stands for at five noise words a pair.
STEP_PAIRS = 16


class Bucket(NamedTuple):
    """What one worker trains in one stratum: P pairs and M words with noise, in G steps.

    Step g has the pairs and the noisy words that `part(P, g, G)` and `part(M, g, G)` say: first its pairs
    (w, c, +) one after another, then (w, n, -) for each of its noisy words w and each n of `noise[g]`.
    All ids are rows of the two tables that the bucket is trained on.

        words, contexts  (P,)             int32  at most STEP_PAIRS a step
        noisy            (M,)             int32  at most TILE_WORDS a step
        noise            (G, TILE_NOISE)  int32
    """

    words: Ids
    contexts: Ids
    noisy: Ids
    noise: Ids


def part(items: int, step: int, steps: int) -> slice:
    """The items of one step of `steps` equal ones."""
    return slice(step * items // steps, (step + 1) * items // steps)


def with_noise(
    words: Ids, contexts: Ids, *, expected: Doubles, noise: Doubles, rng: np.random.Generator
) -> Bucket:
    """A bucket from its pairs and from what noise is due to it.

        expected  (rows of W,)  how often each word is to meet TILE_NOISE noise words here
        noise     (rows of C,)  what each context weighs as noise; their sum does not matter

    A word meets its noise as often as `expected` says, rounded up or down so that the expectation is
    exact (systematic sampling), in an order that chance gives.
    """
    upto = np.cumsum(expected)
    total = upto[-1] if len(upto) and noise.any() else 0.0
    # One draw decides on all roundings: whole numbers lie in [upto + u - expected, upto + u).
    times = np.diff(np.floor(upto + rng.random()), prepend=0.0) if total > 0 else np.zeros(len(upto))
    meets = times.astype(np.int64)
    noisy = rng.permutation(np.repeat(np.arange(len(meets), dtype=np.int32), meets))
    steps = max(-(-len(noisy) // TILE_WORDS), -(-len(words) // STEP_PAIRS))
    shape = (steps, TILE_NOISE)
    drawn = alias_table(noise).draw(rng, shape) if len(noisy) else np.zeros(shape, np.int32)
    return Bucket(words, contexts, noisy, drawn)


def pairs_of(rows: Rows) -> tuple[Ids, Ids]:
    """Every pair of the rows: its word and its context, (P,) int32 each."""
    lengths = np.diff(rows.offsets)
    return rows.words[rows.offsets[0] : rows.offsets[-1]], np.repeat(rows.centers, lengths)


def sorted_by_bucket(
    words: Ids, contexts: Ids, word_region: Ids, context_region: Ids, n_regions: int
) -> tuple[Ids, Ids, Places]:
    """The same pairs bucket after bucket, otherwise in their order, and where each bucket begins.

    Bucket `i * n_regions + j` has the words of region i and the contexts of region j; `word_region` and
    `context_region` (V,) tell every id's. The bounds are (n_regions ** 2 + 1,).
    """
    bucket = word_region[words] * np.int32(n_regions) + context_region[contexts]
    # NumPy sorts 16 bits by radix, several times as quickly.
    kind = np.uint16 if n_regions <= 256 else np.int32
    order = np.argsort(bucket.astype(kind), kind="stable")
    bounds = np.zeros(n_regions**2 + 1, np.int64)
    np.cumsum(np.bincount(bucket, minlength=n_regions**2), out=bounds[1:])
    return words[order], contexts[order], bounds
