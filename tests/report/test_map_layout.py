from __future__ import annotations

import numpy as np
import pytest

from vecmill.core.measures.similarity import unit_rows
from vecmill.report.map_layout import lay_out


def clusters(of_each: int) -> np.ndarray:
    """Three clusters of rows, far from each other."""
    rng = np.random.default_rng(1)
    centres = np.repeat(np.eye(10, dtype=np.float32)[:3], of_each, axis=0)
    return unit_rows(centres + rng.normal(scale=0.05, size=centres.shape).astype(np.float32))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_words_have_a_layout_too(count):
    layout = lay_out(np.eye(4, dtype=np.float32)[:count], seed=1)

    assert layout.method == "PCA"
    assert layout.points.shape == (count, 2)
    assert np.isfinite(layout.points).all()


def test_equal_words_have_a_layout_too():
    layout = lay_out(np.ones((60, 4), np.float32) / 2, seed=1)

    assert layout.method == "PCA"
    np.testing.assert_allclose(layout.points, 0, atol=1e-6)


def test_a_layout_fills_its_frame_and_keeps_its_proportions():
    points = lay_out(np.array([[0, 0, 1], [4, 0, 1], [4, 1, 1], [0, 1, 1]], np.float32), seed=1).points

    np.testing.assert_allclose(np.abs(points[:, 0]), 1, rtol=1e-6)
    np.testing.assert_allclose(np.abs(points[:, 1]), 0.25, rtol=1e-5)


def test_without_scikit_learn_the_layout_is_by_pca(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.manifold", None)

    assert lay_out(clusters(20), seed=1).method == "PCA"


class TestTsne:
    @pytest.fixture(autouse=True)
    def needs_scikit_learn(self):
        pytest.importorskip("sklearn")

    def test_words_of_a_cluster_stay_together(self):
        layout = lay_out(clusters(30), seed=1)

        assert layout.method == "t-SNE"
        groups = layout.points.reshape(3, 30, 2)
        centres = groups.mean(axis=1)
        radius = np.linalg.norm(groups - centres[:, np.newaxis], axis=2).max()
        distance = min(np.linalg.norm(centres[a] - centres[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
        assert distance > 2 * radius

    def test_the_same_words_have_the_same_layout(self):
        first, second = (lay_out(clusters(20), seed=3).points for _ in range(2))

        np.testing.assert_array_equal(first, second)
