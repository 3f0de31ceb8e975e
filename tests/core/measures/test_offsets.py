from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecmill.core.measures.offsets import offset_plane
from vecmill.core.measures.similarity import unit_rows

words = ["slow", "slower", "slowest", "loud", "louder", "loudest", "blue"]
families = [("slow", "slower", "slowest"), ("loud", "louder", "loudest")]


def planted():
    """Degrees of comparison along the third axis, families along the first; not of length 1 on purpose."""
    return np.array(
        [[3, 0, 0], [3, 0, 1], [3, 0, 2], [-3, 0, 0], [-3, 0, 1], [-3, 0, 2], [0, 9, 0]],
        np.float32,
    )


def test_parallel_families_stay_parallel_in_the_plane():
    plane = offset_plane(words, planted(), families)

    slow, loud = plane.coordinates
    np.testing.assert_allclose(np.abs(slow[0] - loud[0]), [6, 0], atol=1e-6)
    for path in (slow, loud):
        np.testing.assert_allclose(np.diff(path, axis=0), [[0, 1], [0, 1]], atol=1e-6)


def test_the_axes_explain_their_share_of_the_variance_of_the_words():
    plane = offset_plane(words, planted(), families)

    # Six times 3 squared along the first axis, four times 1 squared along the third.
    np.testing.assert_allclose(plane.explained, [54 / 58, 4 / 58], atol=1e-6)


def test_families_with_equal_steps_are_aligned_and_shuffled_steps_are_less_so():
    plane = offset_plane(words, planted(), families)

    assert plane.alignment == pytest.approx(1)
    # From slow to louder is [-6, 0, 1], from loud to slower [6, 0, 1]; the second steps are the same.
    assert plane.by_chance == pytest.approx(-35 / 37)


def test_a_single_family_has_no_alignment():
    plane = offset_plane(words, planted(), families[:1])

    assert np.isnan([plane.alignment, plane.by_chance]).all()


def test_families_with_an_unknown_word_are_left_out():
    plane = offset_plane(words, planted(), [*families, ("blue", "bluer", "bluest")])

    assert plane.families == families
    assert plane.unknown == [("blue", "bluer", "bluest")]
    assert [path.shape for path in plane.coordinates] == [(3, 2), (3, 2)]


def test_case_is_ignored_unless_the_caller_forbids_it():
    in_capitals = [("SLOW", "Slower", "slowest")]

    assert offset_plane(words, planted(), in_capitals).families == in_capitals
    assert offset_plane(words, planted(), in_capitals, ignore_case=False).unknown == in_capitals


@pytest.mark.parametrize("families", [[], [("slow",)], [("slow", "SLOW")], [("hue", "hues")]])
def test_words_that_do_not_vary_lie_at_the_origin(families):
    plane = offset_plane(words, planted(), families)

    for path in plane.coordinates:
        np.testing.assert_array_equal(path, np.zeros((len(families[0]), 2)))
    np.testing.assert_array_equal(plane.explained, [0, 0])


def test_one_pair_lies_on_a_line():
    plane = offset_plane(words, planted(), [("slow", "loud")])

    np.testing.assert_allclose(plane.coordinates[0], [[-3, 0], [3, 0]], atol=1e-6)
    np.testing.assert_allclose(plane.explained, [1, 0], atol=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(2, 4))
@settings(max_examples=50)
def test_the_plane_keeps_the_most_variance_and_does_not_depend_on_rotations(seed, count, size):
    rng = np.random.default_rng(seed)
    names = [str(i) for i in range(count * size)]
    unit = unit_rows(rng.standard_normal((len(names), 6)))
    rotation, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    groups = [tuple(names[i : i + size]) for i in range(0, len(names), size)]

    plane = offset_plane(names, unit, groups)
    rotated = offset_plane(names, (unit @ rotation).astype(np.float32), groups)

    points = np.concatenate(plane.coordinates)
    centred = unit - unit.mean(axis=0, dtype=np.float64)
    variances = np.linalg.eigvalsh(centred.T @ centred)[::-1]
    np.testing.assert_allclose((points**2).sum(axis=0), variances[:2], atol=1e-5)
    np.testing.assert_allclose(plane.explained, variances[:2] / variances.sum(), atol=1e-5)
    # The sum of all paths gives the sign, unless it is almost 0 along an axis.
    total_step = sum(path[-1] - path[0] for path in plane.coordinates)
    assert (total_step >= -1e-9).all()
    gaps = -np.diff(variances[:3])
    clear = (total_step > 1e-3) & (gaps.min() > 1e-2)
    np.testing.assert_allclose(np.concatenate(rotated.coordinates)[:, clear], points[:, clear], atol=1e-3)
