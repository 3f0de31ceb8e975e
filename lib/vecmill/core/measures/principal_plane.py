"""Principal component analysis to two dimensions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Doubles, Floats


class PrincipalPlane(NamedTuple):
    """Rows projected on their first two principal components.

    points     (n, 2)   coordinates, relative to the mean of the rows
    explained  (2,)     each component's share of the variance
    """

    points: Doubles
    explained: Doubles


def principal_plane(rows: Floats) -> PrincipalPlane:
    """The PrincipalPlane of `rows` (n, D).

    The row with the largest coordinate on an axis has a positive one. So pictures are not mirrored
    between machines, whose eigenvectors may differ in sign. A component along which the rows do not
    vary has coordinates 0 and share 0. Cost: O(n D^2 + D^3).
    """
    points, explained = np.zeros((len(rows), 2)), np.zeros(2)
    if not len(rows):
        return PrincipalPlane(points, explained)
    centred = rows - rows.mean(axis=0, dtype=np.float64)
    variances, components = np.linalg.eigh(centred.T @ centred)
    projected = centred @ components[:, ::-1][:, :2]
    furthest = np.take_along_axis(projected, np.abs(projected).argmax(axis=0)[np.newaxis], axis=0)
    points[:, : projected.shape[1]] = projected * np.where(furthest < 0, -1, 1)
    # Rounding may put a variance of 0 a little below it.
    variances = np.maximum(variances[::-1], 0)
    if variances.sum() > 0:
        explained[: projected.shape[1]] = variances[:2] / variances.sum()
    return PrincipalPlane(points, explained)
