from __future__ import annotations

import numpy as np
import pytest

from vecmill.core.measures.similarity import unit_rows
from vecmill.report import word_map


def clusters(of_each: int) -> np.ndarray:
    """Three heaps of rows, far from each other."""
    rng = np.random.default_rng(1)
    centres = np.repeat(np.eye(10, dtype=np.float32)[:3], of_each, axis=0)
    return unit_rows(centres + rng.normal(scale=0.05, size=centres.shape).astype(np.float32))


def test_the_principal_plane_finds_the_plane_that_points_lie_in():
    flat = np.array([[3, 0], [-1, 0], [-1, 1], [-1, -1]], np.float64)
    turned, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))
    rows = (flat @ turned[:2] + 7).astype(np.float32)

    points = word_map.principal_plane(rows)

    np.testing.assert_allclose(points[:, 0], flat[:, 0], atol=1e-5)
    np.testing.assert_allclose(np.abs(points[:, 1]), np.abs(flat[:, 1]), atol=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_axis_points_to_the_row_that_lies_furthest_out(sign):
    rows = sign * np.array([[3, 1], [-1, 0], [-1, -1], [-1, 0]], np.float32)

    points = word_map.principal_plane(rows)

    assert points[0, 0] == np.abs(points[:, 0]).max()


def test_rows_of_one_number_lie_on_a_line():
    points = word_map.principal_plane(np.array([[1], [2], [4]], np.float32))

    assert points.shape == (3, 2)
    assert (points[:, 1] == 0).all()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_words_have_a_map_too(count):
    found = word_map.lay_out(np.eye(4, dtype=np.float32)[:count], seed=1)

    assert found.method == "PCA"
    assert found.points.shape == (count, 2)
    assert np.isfinite(found.points).all()


def test_words_that_are_all_alike_have_a_map_too():
    found = word_map.lay_out(np.ones((60, 4), np.float32) / 2, seed=1)

    assert found.method == "PCA"
    np.testing.assert_allclose(found.points, 0, atol=1e-6)


def test_a_map_fills_its_frame_and_keeps_its_proportions():
    points = word_map.lay_out(
        np.array([[0, 0, 1], [4, 0, 1], [4, 1, 1], [0, 1, 1]], np.float32), seed=1
    ).points

    np.testing.assert_allclose(np.abs(points[:, 0]), 1, rtol=1e-6)
    np.testing.assert_allclose(np.abs(points[:, 1]), 0.25, rtol=1e-5)


def test_without_scikit_learn_the_map_is_by_pca(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.manifold", None)

    assert word_map.lay_out(clusters(20), seed=1).method == "PCA"


class TestTsne:
    @pytest.fixture(autouse=True)
    def _needs_the_extra(self):
        pytest.importorskip("sklearn")

    def test_words_of_a_heap_stay_together(self):
        found = word_map.lay_out(clusters(30), seed=1)

        assert found.method == "t-SNE"
        heaps = found.points.reshape(3, 30, 2)
        middles = heaps.mean(axis=1)
        widest = np.linalg.norm(heaps - middles[:, np.newaxis], axis=2).max()
        apart = min(np.linalg.norm(middles[a] - middles[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
        assert apart > 2 * widest

    def test_the_same_words_have_the_same_map(self):
        first, again = (word_map.lay_out(clusters(20), seed=3).points for _ in range(2))

        np.testing.assert_array_equal(first, again)
