from __future__ import annotations

import pyarrow as pa

from vecmill.storage.arrow import combined, flat_words


def batch(*lists: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"tokens": pa.array(lists, pa.list_(pa.string()))})


def test_batches_are_combined_until_they_have_enough_elements():
    batches = iter([batch(["a"], ["b"]), batch([]), batch(["c"] * 5), batch(["d"])])

    tables = list(combined(batches, "tokens", 3))

    assert [table["tokens"].to_pylist() for table in tables] == [[["a"], ["b"], [], ["c"] * 5], [["d"]]]


def test_no_batches_give_no_table():
    assert list(combined(iter([]), "tokens", 3)) == []


def test_words_of_lists_become_one_dictionary_array():
    words = flat_words(pa.array([["a", "b"], [], ["a"]]))

    assert words.to_pylist() == ["a", "b", "a"]
    assert words.dictionary.to_pylist() == ["a", "b"]


def test_a_dictionary_of_a_file_is_used_as_it_is():
    words = pa.DictionaryArray.from_arrays(pa.array([1, 1], pa.int32()), pa.array(["unused", "a"]))

    flat = flat_words(pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), words))

    assert flat.equals(words)
