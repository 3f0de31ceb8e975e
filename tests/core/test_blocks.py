from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.core.blocks import block_rows, blocks


@pytest.mark.parametrize(
    ("columns", "rows"), [(1, 262_144), (100, 2621), (262_144, 1), (262_145, 1), (1_000_000, 1)]
)
def test_a_block_is_as_many_whole_rows_as_fit_into_a_mebibyte_and_at_least_one(columns, rows):
    assert block_rows(columns) == rows


@given(st.integers(0, 25), st.sampled_from([60_000, 100_000, 200_000, 300_000]))
def test_blocks_cover_every_row_once_and_in_order(rows, columns):
    # One number seen as a whole table: no memory for what is never read.
    table = np.broadcast_to(np.float32(0), (rows, columns))

    cut = list(blocks(table))

    assert [number for number, _ in cut] == list(range(len(cut)))
    covered = [row for _, part in cut for row in range(rows)[part]]
    assert covered == list(range(rows))


@given(st.integers(1, 25), st.sampled_from([60_000, 100_000, 200_000]))
def test_the_number_of_a_block_and_its_size_tell_where_it_begins(rows, columns):
    table = np.broadcast_to(np.float32(0), (rows, columns))
    size = block_rows(columns)

    for number, part in blocks(table):
        assert part.start == number * size
        assert part.stop == min(part.start + size, rows)
