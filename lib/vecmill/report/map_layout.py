"""Layout of word vectors in a plane, for the map."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from vecmill.core.arrays import Floats
from vecmill.core.measures.principal_plane import principal_plane

Method = Literal["t-SNE", "PCA"]

PERPLEXITY = 30.0
# Fewer words have no neighbourhoods that t-SNE could preserve.
MIN_WORDS_FOR_TSNE = 50
# The start of van der Maaten's implementation: small, so that words move freely in the first steps.
INITIAL_SPREAD = 1e-4


class Layout(NamedTuple):
    """Words in a plane.

    points  (n, 2) float32   within -1..1, both axes to the same scale
    method  the method of the layout
    """

    points: Floats
    method: Method


def lay_out(unit: Floats, seed: int) -> Layout:
    """Lay out the rows of `unit` (n, D), of length 1, by t-SNE, or by PCA without scikit-learn.

    t-SNE (van der Maaten and Hinton 2008, "Visualizing data using t-SNE") needs the extra `viz` and
    starts from PCA. It runs in one thread, because the order of sums in several threads varies.
    2,000 words take 12 seconds. Fewer than 50 words are laid out by PCA.
    """
    plane = principal_plane(unit).points.astype(np.float32)
    points = _tsne(unit, plane, seed) if len(unit) >= MIN_WORDS_FOR_TSNE else None
    return Layout(_fit_to_frame(plane), "PCA") if points is None else Layout(_fit_to_frame(points), "t-SNE")


def _tsne(unit: Floats, plane: Floats, seed: int) -> Floats | None:
    """The layout by t-SNE, None if scikit-learn is not installed or all rows are equal."""
    spread = float(plane[:, 0].std())
    if spread == 0:
        return None
    try:
        from sklearn.manifold import TSNE
        from threadpoolctl import threadpool_limits
    except ImportError:
        return None
    layout = TSNE(
        2,
        perplexity=min(PERPLEXITY, (len(unit) - 1) / 3),
        init=plane / spread * INITIAL_SPREAD,
        learning_rate="auto",
        random_state=seed,
    )
    with threadpool_limits(1):
        points: Floats = layout.fit_transform(unit)
    return points


def _fit_to_frame(points: Floats) -> Floats:
    """`points` (n, 2), centred and scaled to -1..1, both axes to the same scale."""
    if not len(points):
        return points
    low, high = points.min(axis=0), points.max(axis=0)
    half = float((high - low).max()) / 2
    framed: Floats = (points - (low + high) / 2) / (half or 1)
    return framed
