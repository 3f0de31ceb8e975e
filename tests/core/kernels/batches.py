"""Rows and buckets to train on: random ones, and ones whose topics are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from vecmill.core.buckets import STEP_PAIRS, TILE_NOISE, TILE_WORDS, Bucket, with_noise
from vecmill.core.rows import Rows

Floats = npt.NDArray[np.float32]
Batch = tuple[Floats, Floats, Rows, Floats]
BucketBatch = tuple[Floats, Floats, Bucket, Floats]


def make_rows(
    centers: list[int], windows: list[list[int]], negatives: list[list[int]], skipped: int = 0
) -> Rows:
    """Rows whose words begin after `skipped` words that belong to no row."""
    lengths = [len(window) for window in windows]
    return Rows(
        np.array(centers, np.int32),
        (skipped + np.cumsum([0, *lengths])).astype(np.int32),
        np.array([0] * skipped + [word for window in windows for word in window], np.int32),
        np.array(negatives, np.int32).reshape(len(centers), -1 if centers else 0),
    )


def random_batch(
    seed: int,
    vocabulary_size: int = 12,
    dim: int = 5,
    n_rows: int = 20,
    n_negatives: int = 3,
    longest: int = 6,
    skipped: int = 0,
) -> Batch:
    rng = np.random.default_rng(seed)
    W, C = rng.normal(size=(2, vocabulary_size, dim)).astype(np.float32)
    lengths = rng.integers(0, longest + 1, n_rows)
    rows = make_rows(
        rng.integers(0, vocabulary_size, n_rows).tolist(),
        [rng.integers(0, vocabulary_size, length).tolist() for length in lengths],
        rng.integers(0, vocabulary_size, (n_rows, n_negatives)).tolist(),
        skipped,
    )
    if n_negatives == 0:
        rows = rows._replace(negatives=np.empty((n_rows, 0), np.int32))
    return W, C, rows, rng.uniform(0, 0.1, n_rows).astype(np.float32)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """A small vocabulary makes repeated ids, and negatives equal to their centre, the rule."""
    return random_batch(
        seed=draw(st.integers(0, 2**32 - 1)),
        vocabulary_size=draw(st.integers(1, 40)),
        dim=draw(st.integers(1, 9)),
        n_rows=draw(st.integers(0, 40)),
        n_negatives=draw(st.integers(0, 6)),
        longest=draw(st.integers(0, 12)),
        skipped=draw(st.integers(0, 3)),
    )


def planted_rows(n_rows: int, seed: int = 0) -> tuple[int, Rows]:
    """Words of two topics: a window holds words of its centre's topic alone."""
    rng = np.random.default_rng(seed)
    n_words, topic_size, window, n_negatives = 20, 10, 4, 5
    topics = rng.integers(0, 2, n_rows)
    return n_words, make_rows(
        (topics * topic_size + rng.integers(0, topic_size, n_rows)).tolist(),
        (topics[:, None] * topic_size + rng.integers(0, topic_size, (n_rows, window))).tolist(),
        rng.integers(0, n_words, (n_rows, n_negatives)).tolist(),
    )


def random_bucket(
    seed: int,
    n_words: int = 12,
    n_contexts: int = 9,
    dim: int = 5,
    n_pairs: int = 50,
    n_noisy: int = 30,
    more_steps: int = 0,
) -> BucketBatch:
    """A bucket in as few steps as its pairs and noisy words can have, or in some more.

    At higher rates hundreds of gradients of one row, taken at the same place, overshoot, and what
    float32 leaves out grows from step to step.
    """
    rng = np.random.default_rng(seed)
    steps = max(-(-n_pairs // STEP_PAIRS), -(-n_noisy // TILE_WORDS)) + more_steps
    ids = {
        "words": rng.integers(0, n_words, n_pairs, np.int32),
        "contexts": rng.integers(0, n_contexts, n_pairs, np.int32),
        "noisy": rng.integers(0, n_words, n_noisy, np.int32),
        "noise": rng.integers(0, n_contexts, (steps, TILE_NOISE), np.int32),
    }
    W, C = (rng.normal(size=(rows, dim)).astype(np.float32) for rows in (n_words, n_contexts))
    return W, C, Bucket(**ids), rng.uniform(0, 0.01, steps).astype(np.float32)


@st.composite
def buckets(draw: st.DrawFn) -> BucketBatch:
    """Small regions make repeated ids the rule: among a step's pairs, its noise, and both."""
    return random_bucket(
        seed=draw(st.integers(0, 2**32 - 1)),
        n_words=draw(st.integers(1, 40)),
        n_contexts=draw(st.integers(1, 40)),
        dim=draw(st.integers(1, 40)),
        n_pairs=draw(st.integers(0, 120)),
        n_noisy=draw(st.integers(0, 60)),
        more_steps=draw(st.integers(0, 5)),
    )


def planted_bucket(n_pairs: int, seed: int = 0) -> tuple[int, Bucket]:
    """Words of two topics, of which each meets its own topic's ten contexts, and all twenty as noise.

    Five noise words a pair, all equally likely.
    """
    rng = np.random.default_rng(seed)
    n_words, topic_size, n_negatives = 20, 10, 5
    words = rng.integers(0, n_words, n_pairs, np.int32)
    contexts = (words // topic_size * topic_size + rng.integers(0, topic_size, n_pairs)).astype(np.int32)
    expected = n_negatives * np.bincount(words, minlength=n_words) / TILE_NOISE
    return n_words, with_noise(words, contexts, expected=expected, noise=np.ones(n_words), rng=rng)
