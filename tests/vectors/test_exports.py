"""The published vectors in every format, from both stores."""

from __future__ import annotations

import numpy as np
import pytest

from tests.storage.conftest import store, tasks_open_files
from vecmill.errors import InputError
from vecmill.storage.schemas import VECTORS
from vecmill.storage.task_table import TaskTable
from vecmill.vectors import exports
from vecmill.vectors.formats import EXPORTS, read_vectors

__all__ = ["store", "tasks_open_files"]


def write_vectors(spark, store, words: list[str]) -> list[list[float]]:
    vectors = [[id_ + 0.5, float(-id_)] for id_ in range(len(words))]
    rows = [(id_, word, 100 - id_, vectors[id_]) for id_, word in enumerate(words)]
    table = spark.createDataFrame(rows, VECTORS).repartitionByRange(2, "id").sortWithinPartitions("id")
    store.write([TaskTable(table)], "vectors", VECTORS)
    return vectors


def test_every_format_is_exported(spark, store, tmp_path):
    vectors = write_vectors(spark, store, ["the", "of", "é"])

    names = exports.write_all(store, 3, 2, pytest.fail)

    assert {export.file_name for export in EXPORTS.values()} <= set(names)
    assert sorted(names) == store.files.names("exports")
    read = read_vectors(tmp_path / "exports" / EXPORTS["npy"].file_name)
    assert read.words == ["the", "of", "é"]
    np.testing.assert_array_equal(read.vectors, np.array(vectors, np.float32))


def test_a_format_that_cannot_hold_a_word_is_left_out_and_reported(spark, store):
    write_vectors(spark, store, ["the", "New York"])
    messages: list[str] = []

    names = exports.write_all(store, 2, 2, messages.append)

    assert EXPORTS["npy"].file_name in names
    assert messages
    assert all(message.startswith("left out ") for message in messages)
    left_out = {message.split()[2].rstrip(":") for message in messages}
    assert not {EXPORTS[format_].file_name for format_ in left_out} & set(names)


def test_a_table_that_lacks_rows_is_not_exported(spark, store):
    write_vectors(spark, store, ["the", "of"])

    with pytest.raises(InputError, match=r"vectors: expected 3 rows, got 2$"):
        exports.write_all(store, 3, 2, pytest.fail)

    assert store.files.names("exports") == []


def test_vectors_are_read_in_blocks_of_bounded_size(spark, store):
    vectors = write_vectors(spark, store, [f"w{id_}" for id_ in range(5)])

    blocks = list(exports.vector_blocks(store, 5, 2, block_numbers=4))

    assert max(len(block.words) for block in blocks) <= 2
    assert [word for block in blocks for word in block.words.to_pylist()] == ["w0", "w1", "w2", "w3", "w4"]
    assert [count for block in blocks for count in block.counts] == [100, 99, 98, 97, 96]
    assert np.concatenate([block.vectors for block in blocks]).tolist() == vectors
