from __future__ import annotations

import numpy as np
import pytest

from vecmill.core.measures.principal_plane import principal_plane


def test_points_in_a_plane_keep_their_coordinates():
    flat = np.array([[3, 0], [-1, 0], [-1, 1], [-1, -1]], np.float64)
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))
    rows = (flat @ rotation[:2] + 7).astype(np.float32)

    points = principal_plane(rows).points

    np.testing.assert_allclose(points[:, 0], flat[:, 0], atol=1e-5)
    np.testing.assert_allclose(np.abs(points[:, 1]), np.abs(flat[:, 1]), atol=1e-5)


def test_components_explain_their_share_of_the_variance():
    rows = np.array([[3, 2, 1], [-3, 2, 1], [3, -2, 1], [-3, -2, 1], [0, 0, 4], [0, 0, -8]], np.float32)

    variances = np.linalg.eigvalsh(np.cov(rows.T, bias=True))[::-1]
    np.testing.assert_allclose(principal_plane(rows).explained, variances[:2] / variances.sum(), atol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_axis_points_to_the_row_with_the_largest_coordinate(sign):
    rows = sign * np.array([[3, 1], [-1, 0], [-1, -1], [-1, 0]], np.float32)

    points = principal_plane(rows).points

    assert points[0, 0] == np.abs(points[:, 0]).max()


def test_rows_of_one_number_lie_on_a_line():
    points, explained = principal_plane(np.array([[1], [2], [4]], np.float32))

    assert points.shape == (3, 2)
    assert (points[:, 1] == 0).all()
    assert explained.tolist() == [1, 0]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_equal_rows_lie_at_the_origin(count):
    points, explained = principal_plane(np.ones((count, 4), np.float32))

    np.testing.assert_array_equal(points, np.zeros((count, 2)))
    np.testing.assert_array_equal(explained, [0, 0])
