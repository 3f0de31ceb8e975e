"""The published vectors in every format, from both stores."""

from __future__ import annotations

from pathlib import Path

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


ODD = ["the", "New York", "a\tb", "x\ny", "nul\0", "of"]


@pytest.fixture
def exported(spark, store, tmp_path) -> tuple[Path, list[list[float]], list[str]]:
    """The exports of vectors with odd words, these vectors, and what was reported."""
    vectors, messages = write_vectors(spark, store, ODD), list[str]()
    names = exports.write_all(store, len(ODD), 2, messages.append)
    assert sorted(names) == store.files.names("exports")
    assert {export.file_name for export in EXPORTS.values()} <= set(names)
    return tmp_path / "exports", vectors, messages


@pytest.mark.parametrize(("form", "kept"), [("word2vec-text", [0, 5]), ("word2vec-binary", [0, 2, 5])])
def test_a_word_that_a_format_cannot_hold_is_left_out_of_it_alone(exported, form, kept):
    folder, vectors, _ = exported

    read = read_vectors(folder / EXPORTS[form].file_name)

    assert read.words == [ODD[id_] for id_ in kept]
    np.testing.assert_array_equal(read.vectors, np.array([vectors[id_] for id_ in kept], np.float32))


@pytest.mark.parametrize("form", ["npy", "safetensors"])
def test_a_format_with_a_file_of_words_has_all_rows_and_escapes_line_breaks(exported, form):
    folder, vectors, _ = exported

    read = read_vectors(folder / EXPORTS[form].file_name)

    assert read.words == ["the", "New York", "a\tb", "x\\ny", "nul\0", "of"]
    np.testing.assert_array_equal(read.vectors, np.array(vectors, np.float32))


def test_the_projector_has_one_line_per_word_in_both_files(exported):
    folder, _, _ = exported

    metadata = (folder / "vectors.metadata.tsv").read_text().splitlines()
    assert metadata[3:5] == ["a\\tb\t98", "x\\ny\t97"]
    assert len(metadata) - 1 == len((folder / "vectors.tsv").read_text().splitlines()) == len(ODD)


def test_odd_words_are_counted_and_named(exported):
    _, _, messages = exported

    assert len(messages) == 5
    assert messages[0] == (
        "vectors.txt: left out 4 of 6 words, because its format ends a word at a space or line break: "
        r"'New York', 'a\tb', 'x\ny', 'nul\x00'"
    )
    assert messages[2] == r"vectors.npy: escaped line breaks or tabs in 1 of 6 words: 'x\ny'"


def test_at_most_five_odd_words_are_named(spark, store):
    words = [f"w {id_}" for id_ in range(8)]
    write_vectors(spark, store, words)
    messages: list[str] = []

    exports.write_all(store, 8, 2, messages.append)

    assert messages[0].endswith("'w 0', 'w 1', 'w 2', 'w 3', 'w 4' and 3 more")
    assert len(messages) == 2


def test_a_format_without_a_word_that_fits_has_no_rows(spark, store, tmp_path):
    write_vectors(spark, store, ["New York"])

    exports.write_all(store, 1, 2, lambda message: None)

    assert (tmp_path / "exports" / "vectors.txt").read_text() == "0 2\n"


def test_exports_of_a_run_before_are_replaced_as_a_whole(spark, store):
    write_vectors(spark, store, ["the"])
    store.files.write_text("exports/old.txt", "old")

    names = exports.write_all(store, 1, 2, pytest.fail)

    assert store.files.names("exports") == sorted(names)


def test_a_failing_export_leaves_the_exports_before(spark, store):
    write_vectors(spark, store, ["the", "of"])
    store.files.write_text("exports/old.txt", "old")

    with pytest.raises(InputError):
        exports.write_all(store, 3, 2, pytest.fail)

    assert store.files.names("exports") == ["old.txt"]


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
