"""Of a large run, only the rows that are needed are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.core.measures.lookup import query_keys, word_key
from vecmill.errors import ConfigError, InputError
from vecmill.storage.schemas import VECTORS
from vecmill.storage.stores import open_store
from vecmill.storage.task_table import TaskTable
from vecmill.vectors import sources
from vecmill.vectors.sources import select

WORDS = ["the", "The", "of", "straße", "STRASSE", "king", "King", "ödipus", "KING", "queen", "it's"]


@pytest.fixture(scope="module")
def run(spark, tmp_path_factory) -> str:
    root = str(tmp_path_factory.mktemp("sources"))
    rows = [(id_, word, 100 - id_, [float(id_), 1.0]) for id_, word in enumerate(WORDS)]
    table = spark.createDataFrame(rows[::-1], VECTORS).repartition(3)
    open_store(root, spark).write([TaskTable(table)], "vectors", VECTORS)
    return root


SELECTIONS = [
    (3, [], True, ["the", "The", "of"]),
    (1, ["kinG", "unheard"], True, ["the", "king", "King", "KING"]),
    (1, ["King", "unheard"], False, ["the", "King"]),
    (1, ["Straße", "Ödipus"], True, ["the", "straße", "STRASSE", "ödipus"]),
    (1, ["the"], True, ["the", "The"]),
    (99, ["king"], True, WORDS),
    (1, [], True, ["the"]),
]


@pytest.mark.parametrize(("most_frequent", "words", "ignore_case", "expected"), SELECTIONS)
def test_only_the_selected_words_are_read(spark, run, most_frequent, words, ignore_case, expected):
    selection = select(most_frequent, words, ignore_case=ignore_case)

    for found in (
        sources.read(run, selection=selection),
        sources.read_store(open_store(run, spark), selection),
        sources.read_store(open_store(run, spark, tasks_open_files=False), selection),
    ):
        assert found.words == expected
        np.testing.assert_array_equal(found.vectors[:, 0], [WORDS.index(word) for word in expected])


def test_all_words_are_read_without_a_selection(spark, run):
    for store in (open_store(run), open_store(run, spark, tasks_open_files=False)):
        found = sources.read_store(store)

        assert found.words == WORDS
        assert found.vectors.dtype == np.float32
        assert found.vectors.tolist() == [[float(id_), 1.0] for id_ in range(len(WORDS))]


def test_only_the_selected_words_of_a_file_are_kept(tmp_path: Path):
    path = tmp_path / "v.txt"
    path.write_text("3 1\nthe 1\nof 2\nThe 3\n")

    found = sources.read(str(path), selection=select(1, ["THE"], ignore_case=True))

    assert found.words == ["the", "The"]
    np.testing.assert_array_equal(found.vectors, [[1], [3]])


@given(
    words=st.lists(st.text(min_size=1), unique=True),
    selected=st.lists(st.text(min_size=1)),
    most_frequent=st.integers(0, 5),
    ignore_case=st.booleans(),
)
def test_a_selection_has_the_most_frequent_words_and_every_spelling_of_the_others(
    words, selected, most_frequent, ignore_case
):
    selection = select(most_frequent, selected, ignore_case=ignore_case)

    for id_, word in enumerate(words):
        key = word_key(word, ignore_case=ignore_case)
        is_selected = any(key in query_keys(one, ignore_case=ignore_case) for one in selected)
        assert selection.has(id_, word) == (id_ < most_frequent or is_selected)


def test_a_run_on_another_file_system_is_read_by_spark(spark, run):
    scheme = "viewfs://sources"
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    hadoop.set("fs.viewfs.mounttable.sources.link./run", Path(run).as_uri())

    found = sources.read(f"{scheme}/run", spark, select(2, [], ignore_case=True))

    assert found.words == ["the", "The"]


def test_a_run_on_another_file_system_cannot_be_read_without_spark():
    with pytest.raises(ConfigError, match="cannot be read without Spark"):
        sources.read("viewfs://sources/run")


def test_a_run_without_vectors_is_reported(spark, tmp_path):
    with pytest.raises(InputError, match=r"vectors does not exist; run "):
        sources.read(str(tmp_path))
    for open_files in (True, False):
        with pytest.raises(InputError, match=r"vectors does not exist; run "):
            sources.read_store(open_store(str(tmp_path), spark, tasks_open_files=open_files))


@pytest.mark.parametrize("which", ["first", "last"])
@pytest.mark.parametrize("tasks_open_files", [True, False])
def test_a_run_that_lost_a_file_of_its_vectors_is_reported(spark, tmp_path, which, tasks_open_files):
    rows = [(id_, word, 100 - id_, [float(id_), 1.0]) for id_, word in enumerate(WORDS)]
    table = spark.createDataFrame(rows, VECTORS).repartitionByRange(3, "id").sortWithinPartitions("id")
    store = open_store(str(tmp_path), spark, tasks_open_files=tasks_open_files)
    store.write([TaskTable(table)], "vectors", VECTORS)
    parts = sorted((tmp_path / "vectors").glob("*.parquet"))
    parts[0 if which == "first" else -1].unlink()

    for selection in (None, select(1, ["king"], ignore_case=True)):
        with pytest.raises(InputError, match=r"vectors is damaged: its file .*\.parquet is missing"):
            sources.read(str(tmp_path), selection=selection)
        with pytest.raises(InputError, match=r"vectors is damaged: its file .*\.parquet is missing"):
            sources.read_store(open_store(str(tmp_path), spark, tasks_open_files=False), selection)
