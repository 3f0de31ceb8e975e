"""Of a large run, only the rows that somebody wants are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.storage import tables
from vecmill.storage.files import Folder
from vecmill.storage.schemas import VECTORS
from vecmill.vectors import sources
from vecmill.vectors.sources import wanted_of

WORDS = ["the", "The", "of", "straße", "STRASSE", "king", "King", "ödipus", "KING", "queen", "it's"]


@pytest.fixture(scope="module")
def run(spark, tmp_path_factory) -> str:
    root = str(tmp_path_factory.mktemp("sources"))
    rows = [(id_, word, 100 - id_, [float(id_), 1.0]) for id_, word in enumerate(WORDS)]
    table = spark.createDataFrame(rows[::-1], VECTORS).repartition(3)
    tables.write(table, Folder(spark, root), "vectors")
    return root


WANTED = [
    (3, [], True, ["the", "The", "of"]),
    (1, ["kinG", "unheard"], True, ["the", "king", "King", "KING"]),
    (1, ["King", "unheard"], False, ["the", "King"]),
    (1, ["Straße", "Ödipus"], True, ["the", "straße", "STRASSE", "ödipus"]),
    (1, ["the"], True, ["the", "The"]),
    (99, ["king"], True, WORDS),
    (1, [], True, ["the"]),
]


@pytest.mark.parametrize(("most_frequent", "words", "ignore_case", "expected"), WANTED)
def test_only_what_is_wanted_is_read_by_either_way(spark, run, most_frequent, words, ignore_case, expected):
    wanted = wanted_of(most_frequent, words, ignore_case=ignore_case)

    for found in (
        sources.read(run, wanted=wanted),
        sources.read_table(Folder(spark, run), wanted),
    ):
        assert found.words == expected
        np.testing.assert_array_equal(found.vectors[:, 0], [WORDS.index(word) for word in expected])


def test_a_file_gives_only_what_is_wanted(tmp_path: Path):
    path = tmp_path / "v.txt"
    path.write_text("3 1\nthe 1\nof 2\nThe 3\n")

    found = sources.read(str(path), wanted=wanted_of(1, ["THE"], ignore_case=True))

    assert found.words == ["the", "The"]
    np.testing.assert_array_equal(found.vectors, [[1], [3]])


@given(
    words=st.lists(st.text(min_size=1), unique=True),
    asked=st.lists(st.text(min_size=1)),
    most_frequent=st.integers(0, 5),
    ignore_case=st.booleans(),
)
def test_what_is_wanted_holds_the_frequent_and_every_spelling_asked(
    words, asked, most_frequent, ignore_case
):
    wanted = wanted_of(most_frequent, asked, ignore_case=ignore_case)

    def fold(word: str) -> str:
        return word.upper() if ignore_case else word

    for id_, word in enumerate(words):
        is_asked = any(fold(word) == fold(one) for one in asked)
        assert wanted.has(id_, word) == (id_ < most_frequent or is_asked)


def test_a_run_elsewhere_is_read_by_spark(spark, run):
    scheme = "viewfs://sources"
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    hadoop.set("fs.viewfs.mounttable.sources.link./run", Path(run).as_uri())

    found = sources.read(f"{scheme}/run", spark, wanted_of(2, [], ignore_case=True))

    assert found.words == ["the", "The"]
