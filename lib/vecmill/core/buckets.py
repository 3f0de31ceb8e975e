"""Buckets: the pairs of one region of words and one region of contexts, with the noise due to them.

Every pair (w, c) has K noise words drawn from P(n) over the whole vocabulary. A bucket can train only the
noise words of its own region of contexts. If all K were drawn there, w would have noise only in buckets
where it has pairs, and the score of w and its contexts would lose the logarithm of how strongly they are
associated. So noise does not follow the pairs. Each word w of the region of words meets

    K * (pairs of w in the whole pass) * P(region of contexts)

noise words in this bucket, whatever the number of its pairs in it. Over a pass that is K noise words per
pair, which is the expectation of skip-gram with negative sampling.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Doubles, Ids, Places
from vecmill.core.rows import Rows
from vecmill.core.sampling import alias_table

# A tile: TILE_WORDS words of a bucket meet TILE_NOISE noise words. The noise words fill a block of the
# compiled kernel. The words are as many as a window has, so that no more words share noise words than in
# `core.kernels.sgns_compiled`.
TILE_WORDS = 8
TILE_NOISE = 6

# Most pairs between two tiles: about as many as belong to one tile at five noise words per pair.
STEP_PAIRS = 16


class Bucket(NamedTuple):
    """What one worker trains in one stratum: P pairs and M noisy words, in G steps.

    Step g has the pairs `part(P, g, G)` and the noisy words `part(M, g, G)`. It trains its pairs (w, c, +)
    one after another, and then (w, n, -) for each of its noisy words w and each noise word n of `noise[g]`.
    Ids are rows of the two tables that the bucket is trained on.

        words, contexts  (P,)             int32  at most STEP_PAIRS per step
        noisy            (M,)             int32  at most TILE_WORDS per step
        noise            (G, TILE_NOISE)  int32
    """

    words: Ids
    contexts: Ids
    noisy: Ids
    noise: Ids


def part(items: int, step: int, steps: int) -> slice:
    """The items of one step, if `steps` steps share them equally."""
    return slice(step * items // steps, (step + 1) * items // steps)


def with_noise(
    words: Ids, contexts: Ids, *, expected: Doubles, noise: Doubles, rng: np.random.Generator
) -> Bucket:
    """The bucket of pairs, with the noise due to it.

        words, contexts  (P,)         the pairs
        expected         (rows of W,) how often each word is expected to meet TILE_NOISE noise words
        noise            (rows of C,) the weight of each context as a noise word; any sum

    A word meets its noise as often as `expected` says, rounded up or down such that the expectation is
    exact (systematic sampling). The order of the noisy words is random.
    """
    upto = np.cumsum(expected)
    total = upto[-1] if len(upto) and noise.any() else 0.0
    # One draw decides all roundings: it counts the whole numbers in [upto + u - expected, upto + u).
    times = np.diff(np.floor(upto + rng.random()), prepend=0.0) if total > 0 else np.zeros(len(upto))
    meets = times.astype(np.int64)
    noisy = rng.permutation(np.repeat(np.arange(len(meets), dtype=np.int32), meets))
    steps = max(-(-len(noisy) // TILE_WORDS), -(-len(words) // STEP_PAIRS))
    shape = (steps, TILE_NOISE)
    drawn = alias_table(noise).draw(rng, shape) if len(noisy) else np.zeros(shape, np.int32)
    return Bucket(words, contexts, noisy, drawn)


def pairs_of(rows: Rows) -> tuple[Ids, Ids]:
    """The word and the context of every pair of the rows, (P,) int32 each."""
    lengths = np.diff(rows.offsets)
    return rows.words[rows.offsets[0] : rows.offsets[-1]], np.repeat(rows.centers, lengths)


def sorted_by_bucket(
    words: Ids, contexts: Ids, word_region: Ids, context_region: Ids, n_regions: int
) -> tuple[Ids, Ids, Places]:
    """The pairs sorted by bucket, in the given order within a bucket, and where each bucket begins.

        words, contexts              (P,)                  int32  the pairs
        word_region, context_region  (V,)                  int32  the region of each id
        bounds (returned)            (n_regions ** 2 + 1,) int64

    Bucket `i * n_regions + j` has the words of region i and the contexts of region j.
    """
    bucket = word_region[words] * np.int32(n_regions) + context_region[contexts]
    # NumPy sorts numbers of 16 bits by radix, which is several times as fast.
    kind = np.uint16 if n_regions <= 256 else np.int32
    order = np.argsort(bucket.astype(kind), kind="stable")
    bounds = np.zeros(n_regions**2 + 1, np.int64)
    np.cumsum(np.bincount(bucket, minlength=n_regions**2), out=bounds[1:])
    return words[order], contexts[order], bounds
