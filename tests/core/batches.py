"""Rows to train on: random ones, and ones whose topics are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from vecmill.core.rows import Rows

Floats = npt.NDArray[np.float32]
Batch = tuple[Floats, Floats, Rows, Floats]


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
