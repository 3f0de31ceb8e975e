from __future__ import annotations

import time
import warnings

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vecmill.core.measures.similarity import analogy_query, closest_spellings, nearest, unit_rows
from vecmill.errors import ShapeError

# Powers of two in few dimensions: equal rows, zero rows and equal products are frequent, and every
# sum of products is exact, so that plain loops and matrix products agree to the last bit.
small_tables = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 12), st.just(3)),
    elements=st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]),
)
some_queries = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 4), st.just(3)),
    elements=st.sampled_from([-1.0, 0.0, 1.0, 3.0]),
)


def nearest_in_plain_loops(
    unit: npt.NDArray[np.float32], query: npt.NDArray[np.float32], n: int, excluded: set[int]
) -> list[tuple[int, float]]:
    length = sum(float(x) ** 2 for x in query) ** 0.5 or 1.0
    direction = [np.float32(float(x) / length) for x in query]
    negative_cosines = []
    for row, vector in enumerate(unit):
        if row not in excluded:
            cosine = sum(float(x) * float(y) for x, y in zip(vector, direction, strict=True))
            negative_cosines.append((-float(np.float32(cosine)), row))
    return [(row, -negative) for negative, row in sorted(negative_cosines)[:n]]


@given(hnp.arrays(np.float32, (5, 4), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_unit_rows_have_length_one_and_zero_rows_stay_zero(vectors):
    unit = unit_rows(vectors)

    lengths = np.sqrt((unit.astype(np.float64) ** 2).sum(axis=1))
    assert unit.dtype == np.float32
    np.testing.assert_allclose(lengths, np.where(vectors.any(axis=1), 1, 0), atol=1e-6)


def test_unit_rows_do_not_change_their_argument():
    vectors = np.array([[3, 4]], np.float32)

    np.testing.assert_allclose(unit_rows(vectors), [[0.6, 0.8]], rtol=1e-6)
    np.testing.assert_array_equal(vectors, [[3, 4]])


@given(
    table=small_tables,
    queries=some_queries,
    n=st.integers(1, 15),
    block_rows=st.integers(1, 13),
    data=st.data(),
)
def test_nearest_agrees_with_plain_loops_for_every_block_size(table, queries, n, block_rows, data):
    exclude = [data.draw(st.sets(st.integers(0, 11))) for _ in queries]

    ids, cosines = nearest(table, queries, n, exclude=exclude, block_rows=block_rows)

    width = min(n, len(table))
    assert ids.shape == cosines.shape == (len(queries), width)
    for row, query in enumerate(queries):
        expected = nearest_in_plain_loops(table, query, n, exclude[row])
        padding = [(-1, -np.inf)] * (width - len(expected))
        answers = list(zip(ids[row].tolist(), cosines[row].tolist(), strict=True))
        assert answers == expected + padding


def test_nearest_gives_true_cosines_of_vectors_of_any_length():
    random = np.random.default_rng(2)
    vectors = random.normal(size=(300, 30)).astype(np.float32)
    queries = 7 * random.normal(size=(5, 30))
    lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(vectors, axis=1)
    every_cosine = queries @ vectors.T / lengths

    ids, cosines = nearest(unit_rows(vectors), queries, 20)

    np.testing.assert_array_equal(ids, np.argsort(-every_cosine, axis=1)[:, :20])
    np.testing.assert_allclose(cosines, -np.sort(-every_cosine, axis=1)[:, :20], atol=1e-6)


@pytest.mark.parametrize("block_rows", [1, 7, 64, 1000])
def test_the_block_size_changes_no_bit(block_rows):
    random = np.random.default_rng(3)
    unit = unit_rows(random.normal(size=(500, 20)))
    queries = random.normal(size=(9, 20)).astype(np.float32)
    whole_ids, whole_cosines = nearest(unit, queries, 10, block_rows=500)

    ids, cosines = nearest(unit, queries, 10, block_rows=block_rows)

    np.testing.assert_array_equal(ids, whole_ids)
    np.testing.assert_array_equal(cosines, whole_cosines)


def test_equal_rows_come_in_the_order_of_their_ids_across_blocks():
    random = np.random.default_rng(5)
    row = random.normal(size=50)
    unit = unit_rows(np.tile(row, (40, 1)))

    ids, cosines = nearest(unit, row[np.newaxis], 12, block_rows=7)

    assert ids.tolist() == [list(range(12))]
    assert len(set(cosines[0].tolist())) == 1


def test_exclusions_hold_only_for_their_own_query():
    unit = np.eye(3, dtype=np.float32)

    ids, _ = nearest(unit, unit[[0, 0]], 1, exclude=[[0], []])

    assert ids.tolist() == [[1], [0]]


def test_a_query_with_every_row_excluded_has_no_answers():
    ids, cosines = nearest(np.eye(2, dtype=np.float32), np.ones((1, 2)), 5, exclude=[{0, 1}])

    assert ids.tolist() == [[-1, -1]]
    assert cosines.tolist() == [[-np.inf, -np.inf]]


def test_nearest_refuses_mismatched_shapes():
    unit = np.eye(3, dtype=np.float32)

    with pytest.raises(ShapeError, match=r"got \(3, 3\) and \(1, 2\)"):
        nearest(unit, np.ones((1, 2)), 1)
    with pytest.raises(ShapeError, match="got 2 for 1 queries"):
        nearest(unit, np.ones((1, 3)), 1, exclude=[[], []])


def test_man_is_to_king_as_woman_is_to_queen():
    man, king, woman, queen, apple = range(5)
    gender, crown, fruit = np.eye(3, dtype=np.float32)
    unit = unit_rows(np.array([gender, gender + crown, -gender, crown - gender, fruit], dtype=np.float32))

    query = analogy_query(unit, [man], [king], [woman])
    ids, _ = nearest(unit, query, 1, exclude=[{man, king, woman}])

    assert ids.tolist() == [[queen]]
    expected = unit[king] - unit[man] + unit[woman]
    np.testing.assert_allclose(query[0], expected / np.linalg.norm(expected), rtol=1e-6)
    np.testing.assert_array_equal(analogy_query(unit, man, king, woman), query[0])
    assert apple not in ids


def test_words_that_differ_only_in_case_come_first():
    words = ["pairs", "parish", "paris", "PARIS", "london"]

    assert closest_spellings("Paris", words, n=3) == ["paris", "PARIS", "parish"]


def test_the_word_itself_and_unrelated_words_are_no_close_spellings():
    assert closest_spellings("queen", ["queen", "queens", "zebra"]) == ["queens"]
    assert closest_spellings("xylophone", ["queen", "king"]) == []


def test_only_the_most_frequent_100_000_words_are_compared():
    words = ["zzz"] * 99_999 + ["queens", "queen's"]

    assert closest_spellings("queen", words) == ["queens"]


@pytest.mark.parametrize("n", [0, -1])
def test_the_number_of_answers_is_at_least_one(n):
    with pytest.raises(ShapeError, match=f"nearest expects n of at least 1, got {n}"):
        nearest(np.eye(2, dtype=np.float32), np.eye(2), n)


def test_all_words_are_sorted_in_time_that_grows_with_their_number():
    unit = unit_rows(np.random.default_rng(1).normal(size=(200_000, 4)))

    began = time.process_time()
    ids, cosines = nearest(unit, unit[:1], len(unit), block_rows=1024)

    assert time.process_time() - began < 10
    assert sorted(ids[0]) == list(range(len(unit)))
    assert (np.diff(cosines[0]) <= 0).all()


def test_very_long_words_have_no_close_spellings_and_are_none():
    assert closest_spellings("a" * 1000, ["a" * 999]) == []
    assert closest_spellings("aa", ["a" * 1_000_000, "a"]) == ["a"]


def test_rows_that_are_not_finite_have_nan_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unit = unit_rows(np.array([[np.inf, 1], [np.nan, 1], [3, 4]], np.float32))

    assert not np.isfinite(unit[:2]).all(axis=1).any()
    assert unit[2].tolist() == pytest.approx([0.6, 0.8])
