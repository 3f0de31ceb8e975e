from __future__ import annotations

import pyarrow as pa

from vecmill.storage.arrow import gathered


def batch(*lists: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"tokens": pa.array(lists, pa.list_(pa.string()))})


def test_batches_are_put_together_until_they_hold_enough():
    tables = list(
        gathered(iter([batch(["a"], ["b"]), batch([]), batch(["c"] * 5), batch(["d"])]), "tokens", 3)
    )

    assert [table["tokens"].to_pylist() for table in tables] == [[["a"], ["b"], [], ["c"] * 5], [["d"]]]


def test_no_batches_give_no_table():
    assert list(gathered(iter([]), "tokens", 3)) == []
