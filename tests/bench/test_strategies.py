"""The simulator merges as training does; `tests.end_to_end.test_simulate` compares whole trainings."""

from __future__ import annotations

import numpy as np
import pytest
from tests.bench.strategies import Merging

from vecmill.core.merging import MERGES


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize("shards", [1, 2, 3, 5, 8, 11])
def test_changes_merged_one_by_one_give_the_bytes_of_a_merge_of_all(merge, shards):
    rng = np.random.default_rng(shards)
    changes = [rng.normal(size=(7, 4)).astype(np.float32) for _ in range(shards)]
    expected = MERGES[merge](changes)
    merging = Merging(merge)

    for change in changes:
        merging.add(change.copy())

    np.testing.assert_array_equal(merging.result(), expected)
