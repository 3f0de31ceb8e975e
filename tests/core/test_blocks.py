from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.core.blocks import block_rows, blocks


@pytest.mark.parametrize(
    ("columns", "rows"), [(1, 262_144), (100, 2621), (262_144, 1), (262_145, 1), (1_000_000, 1)]
)
def test_a_block_has_as_many_whole_rows_as_fit_into_a_mebibyte_and_at_least_one(columns, rows):
    assert block_rows(columns) == rows


@given(st.integers(0, 25), st.sampled_from([60_000, 100_000, 200_000, 300_000]))
def test_blocks_cover_every_row_once_in_order_and_only_the_last_is_smaller(rows, columns):
    cut = list(blocks(rows, columns))

    assert [row for part in cut for row in part] == list(range(rows))
    assert all(len(part) == block_rows(columns) for part in cut[:-1])
