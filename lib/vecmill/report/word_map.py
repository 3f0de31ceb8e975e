"""Word vectors laid out in a plane, so that a picture can show them."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from vecmill.core.measures.similarity import Floats

Points = npt.NDArray[np.float32]
Method = Literal["t-SNE", "PCA"]

PERPLEXITY = 30.0
# Below this there are no neighbourhoods for t-SNE to keep.
LEAST_FOR_TSNE = 50
# Van der Maaten's start: so small that the first steps move words freely.
INITIAL_SPREAD = 1e-4


class Map(NamedTuple):
    """Words in a plane.

    points  (n, 2) float32  within -1..1, both axes to one scale
    method  how they were laid out
    """

    points: Points
    method: Method


def lay_out(unit: Floats, seed: int) -> Map:
    """The rows of `unit` (n, D), of length 1, in a plane: by t-SNE, by PCA where that is missing.

    t-SNE (van der Maaten and Hinton 2008, "Visualizing data using t-SNE") comes with the extra `viz`
    and starts from PCA. It runs in one thread, because several would add up in another order each
    time; 2,000 words take 12 seconds. PCA also serves fewer than 50 words.
    """
    plane = principal_plane(unit)
    moved = _tsne(unit, plane, seed) if len(unit) >= LEAST_FOR_TSNE else None
    return Map(_framed(plane), "PCA") if moved is None else Map(_framed(moved), "t-SNE")


def principal_plane(rows: Floats) -> Points:
    """Coordinates (n, 2) of `rows` (n, D) on their first two principal components; 0 where none is.

    Each axis points to the side of the row that lies furthest out on it, so that no map is mirrored.
    """
    centred = rows - rows.mean(axis=0, dtype=np.float64) if len(rows) else rows.astype(np.float64)
    _, components = np.linalg.eigh(centred.T @ centred)
    found = centred @ components[:, ::-1][:, :2]
    points = np.zeros((len(rows), 2), np.float32)
    if len(rows):
        furthest = np.take_along_axis(found, np.abs(found).argmax(axis=0)[np.newaxis], axis=0)
        points[:, : found.shape[1]] = found * np.where(furthest < 0, -1, 1)
    return points


def _tsne(unit: Floats, plane: Points, seed: int) -> Points | None:
    """The rows laid out by t-SNE, None where scikit-learn is missing or all rows are one."""
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
        moved: Points = layout.fit_transform(unit)
    return moved


def _framed(points: Points) -> Points:
    """`points` (n, 2) moved and scaled alike on both axes to fill -1..1."""
    if not len(points):
        return points
    low, high = points.min(axis=0), points.max(axis=0)
    half = float((high - low).max()) / 2
    framed: Points = (points - (low + high) / 2) / (half or 1)
    return framed
