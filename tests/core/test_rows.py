"""Taking, concatenating and regrouping rows keeps their content."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vecmill.core.rows import Rows, concatenate, regroup, take

Plain = list[tuple[int, list[int], list[int]]]

ids = st.integers(0, 9)


@st.composite
def plain_rows(draw: st.DrawFn) -> tuple[Plain, int]:
    """Rows as (centre, words, negatives), and the number of negatives per row."""
    negatives = draw(st.integers(0, 3))
    row = st.tuples(
        ids,
        st.lists(ids, max_size=4),
        st.lists(ids, min_size=negatives, max_size=negatives),
    )
    return draw(st.lists(row, max_size=12)), negatives


def to_rows(plain: Plain, negatives: int, skipped: int = 0) -> Rows:
    """`plain` as Rows whose words begin after `skipped` words that belong to no row."""
    offsets = skipped + np.cumsum([0, *(len(words) for _, words, _ in plain)])
    words = [9] * skipped + [word for _, some, _ in plain for word in some]
    return Rows(
        np.array([center for center, _, _ in plain], np.int32),
        offsets.astype(np.int32),
        np.array(words, np.int32),
        np.array([noise for _, _, noise in plain], np.int32).reshape(len(plain), negatives),
    )


def to_plain(rows: Rows) -> Plain:
    return [
        (center, rows.words[rows.offsets[b] : rows.offsets[b + 1]].tolist(), noise)
        for b, (center, noise) in enumerate(
            zip(rows.centers.tolist(), rows.negatives.tolist(), strict=True)
        )
    ]


def cut(plain: Plain, negatives: int, ends: list[int], skipped: int) -> list[Rows]:
    """`plain` in batches that end at `ends`; repeated ends give empty batches."""
    bounds = [0, *sorted(min(end, len(plain)) for end in ends), len(plain)]
    return [to_rows(plain[begin:end], negatives, skipped) for begin, end in pairwise(bounds)]


def assert_int32(rows: Rows) -> None:
    assert {array.dtype for array in rows} == {np.dtype(np.int32)}


@given(plain_rows(), st.integers(0, 12), st.integers(0, 12), st.integers(0, 3))
def test_take_returns_the_rows_from_begin_to_end(drawn, begin, length, skipped):
    plain, negatives = drawn
    begin = min(begin, len(plain))
    end = min(begin + length, len(plain))

    taken = take(to_rows(plain, negatives, skipped), begin, end)

    assert to_plain(taken) == plain[begin:end]
    assert taken.negatives.shape == (end - begin, negatives)


def test_take_copies_nothing():
    rows = to_rows([(1, [2, 3], [4]), (5, [6], [7])], 1)

    taken = take(rows, 1, 2)

    assert all(np.shares_memory(part, whole) for part, whole in zip(taken, rows, strict=True))


@given(plain_rows(), st.lists(st.integers(0, 12), min_size=1, max_size=4), st.integers(0, 3))
def test_concatenate_returns_the_rows_of_all_parts_in_order(drawn, ends, skipped):
    plain, negatives = drawn

    joined = concatenate(cut(plain, negatives, ends, skipped))

    assert to_plain(joined) == plain
    assert_int32(joined)
    assert joined.negatives.shape == (len(plain), negatives)
    assert joined.offsets[0] == 0
    assert len(joined.words) == joined.offsets[-1]


@given(
    plain_rows(),
    st.lists(st.integers(0, 12), max_size=5),
    st.integers(1, 14),
    st.integers(0, 3),
)
def test_regroup_returns_the_same_rows_in_batches_of_one_size(drawn, ends, size, skipped):
    plain, negatives = drawn

    regrouped = list(regroup(cut(plain, negatives, ends, skipped), size))

    assert [row for batch in regrouped for row in to_plain(batch)] == plain
    sizes = [len(batch.centers) for batch in regrouped]
    assert sizes == [size] * (len(plain) // size) + [len(plain) % size] * (len(plain) % size > 0)
    for batch in regrouped:
        assert_int32(batch)
        assert batch.negatives.shape == (len(batch.centers), negatives)


def test_regroup_returns_a_batch_as_soon_as_it_has_enough_rows():
    read = []

    def batches():
        for number in range(4):
            read.append(number)
            yield to_rows([(number, [1], [2])], 1)

    first = next(regroup(batches(), 2))

    assert to_plain(first) == [(0, [1], [2]), (1, [1], [2])]
    assert read == [0, 1]
