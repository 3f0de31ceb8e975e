"""Rows, buckets and tables for tests of kernels: random ones, and ones with two planted topics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from vecmill.core.arrays import Floats
from vecmill.core.buckets import STEP_PAIRS, TILE_NOISE, TILE_WORDS, Bucket, with_noise
from vecmill.core.rows import Rows
from vecmill.models import Table

RowBatch = tuple[Floats, Floats, Rows, Floats]
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


def random_rows(
    seed: int,
    vocabulary_size: int = 12,
    n_rows: int = 20,
    n_negatives: int = 3,
    longest: int = 6,
    skipped: int = 0,
) -> Rows:
    """Rows with windows of 0 to `longest` words."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, longest + 1, n_rows)
    rows = make_rows(
        rng.integers(0, vocabulary_size, n_rows).tolist(),
        [rng.integers(0, vocabulary_size, length).tolist() for length in lengths],
        rng.integers(0, vocabulary_size, (n_rows, n_negatives)).tolist(),
        skipped,
    )
    if n_negatives == 0:
        rows = rows._replace(negatives=np.empty((n_rows, 0), np.int32))
    return rows


def random_rates(seed: int, count: int, largest: float = 0.1) -> Floats:
    return np.random.default_rng(seed).uniform(0, largest, count).astype(np.float32)


def random_tables(tables: Iterable[Table], seed: int = 0, scale: float = 1.0) -> dict[str, Floats]:
    """Normally distributed parameters of a model."""
    rng = np.random.default_rng(seed)
    return {
        table.name: rng.normal(scale=scale, size=(table.rows, table.columns)).astype(np.float32)
        for table in tables
    }


def random_batch(seed: int, vocabulary_size: int = 12, dim: int = 5, **of_rows: int) -> RowBatch:
    """W, C, rows and learning rates."""
    W, C = np.random.default_rng(seed).normal(size=(2, vocabulary_size, dim)).astype(np.float32)
    rows = random_rows(seed, vocabulary_size, **of_rows)
    return W, C, rows, random_rates(seed, len(rows.centers))


class RowSizes(NamedTuple):
    """The arguments of `random_rows`."""

    seed: int
    vocabulary_size: int
    n_rows: int
    n_negatives: int
    longest: int
    skipped: int


# Small vocabularies, so that ids repeat and negatives are equal to their centre.
row_sizes = st.builds(
    RowSizes,
    seed=st.integers(0, 2**32 - 1),
    vocabulary_size=st.integers(1, 40),
    n_rows=st.integers(0, 40),
    n_negatives=st.integers(0, 6),
    longest=st.integers(0, 12),
    skipped=st.integers(0, 3),
)


def planted_rows(n_rows: int, seed: int = 0) -> tuple[int, Rows]:
    """The size of the vocabulary, and rows of two topics: a window has words of its centre's topic only."""
    rng = np.random.default_rng(seed)
    n_words, topic_size, window, n_negatives = 20, 10, 4, 5
    topics = rng.integers(0, 2, n_rows)
    return n_words, make_rows(
        (topics * topic_size + rng.integers(0, topic_size, n_rows)).tolist(),
        (topics[:, None] * topic_size + rng.integers(0, topic_size, (n_rows, window))).tolist(),
        rng.integers(0, n_words, (n_rows, n_negatives)).tolist(),
    )


class BucketSizes(NamedTuple):
    """The arguments of `make_bucket`."""

    seed: int = 0
    n_words: int = 12
    n_contexts: int = 9
    n_pairs: int = 50
    n_noisy: int = 30
    more_steps: int = 0


def make_bucket(sizes: BucketSizes) -> Bucket:
    """A random bucket in as few steps as its pairs and noisy words allow, plus `more_steps`."""
    rng = np.random.default_rng(sizes.seed)
    steps = max(-(-sizes.n_pairs // STEP_PAIRS), -(-sizes.n_noisy // TILE_WORDS)) + sizes.more_steps
    return Bucket(
        words=rng.integers(0, sizes.n_words, sizes.n_pairs, np.int32),
        contexts=rng.integers(0, sizes.n_contexts, sizes.n_pairs, np.int32),
        noisy=rng.integers(0, sizes.n_words, sizes.n_noisy, np.int32),
        noise=rng.integers(0, sizes.n_contexts, (steps, TILE_NOISE), np.int32),
    )


def bucket_rates(bucket: Bucket, seed: int = 0) -> Floats:
    """Low rates. At higher ones hundreds of gradients of one row overshoot, and rounding errors grow."""
    return random_rates(seed, len(bucket.noise), 0.01)


def random_bucket(seed: int, dim: int = 5, **sizes: int) -> BucketBatch:
    """W, C, a bucket and learning rates."""
    of = BucketSizes(seed, **sizes)
    rng = np.random.default_rng(seed)
    W, C = (rng.normal(size=(rows, dim)).astype(np.float32) for rows in (of.n_words, of.n_contexts))
    bucket = make_bucket(of)
    return W, C, bucket, bucket_rates(bucket, seed)


# Small regions, so that ids repeat among the pairs of a step, among its noise, and between them.
bucket_sizes = st.builds(
    BucketSizes,
    seed=st.integers(0, 2**32 - 1),
    n_words=st.integers(1, 40),
    n_contexts=st.integers(1, 40),
    n_pairs=st.integers(0, 120),
    n_noisy=st.integers(0, 60),
    more_steps=st.integers(0, 5),
)


def planted_bucket(n_pairs: int, seed: int = 0) -> tuple[int, Bucket]:
    """The size of both regions, and a bucket of two topics with five noise words per pair.

    A word is paired with the ten contexts of its own topic, and meets all twenty contexts as noise, all
    equally often.
    """
    rng = np.random.default_rng(seed)
    n_words, topic_size, n_negatives = 20, 10, 5
    words = rng.integers(0, n_words, n_pairs, np.int32)
    contexts = (words // topic_size * topic_size + rng.integers(0, topic_size, n_pairs)).astype(np.int32)
    expected = n_negatives * np.bincount(words, minlength=n_words) / TILE_NOISE
    return n_words, with_noise(words, contexts, expected=expected, noise=np.ones(n_words), rng=rng)
