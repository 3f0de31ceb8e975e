"""What the stages read from a run directory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from vecmill.core import sampling
from vecmill.runs.run import read_sampling_tables, vocabulary_columns
from vecmill.storage.schemas import VOCABULARY
from vecmill.storage.task_table import TaskTable

# In another order than that of the ids.
WORDS = [(2, "c", 1, 1.0, 0.2), (0, "a", 3, 0.25, 0.5), (1, "b", 2, 0.5, 0.3)]


@pytest.fixture
def with_vocabulary(spark, store):
    store.write(
        [TaskTable(spark.createDataFrame(WORDS, VOCABULARY).repartition(2))], "vocabulary", VOCABULARY
    )
    return store


def test_columns_of_the_vocabulary_are_in_the_order_of_the_ids(with_vocabulary):
    columns = vocabulary_columns(with_vocabulary, "word", "count")

    assert {name: column.to_pylist() for name, column in columns.items()} == {
        "word": ["a", "b", "c"],
        "count": [3, 2, 1],
    }
    assert all(isinstance(column, pa.Array) for column in columns.values())


def test_sampling_tables_are_those_of_the_vocabulary(with_vocabulary):
    tables = read_sampling_tables(with_vocabulary)

    assert tables.keep.dtype == np.float32
    assert tables.keep.tolist() == [0.25, 0.5, 1.0]
    for found, expected in zip(tables.noise, sampling.alias_table(np.array([0.5, 0.3, 0.2])), strict=True):
        np.testing.assert_array_equal(found, expected)
