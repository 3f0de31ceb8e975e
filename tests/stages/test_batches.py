from __future__ import annotations

import threading

import pyarrow as pa
import pytest

from vecmill.stages.batches import gathered, one_ahead


def batch(*lists: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"tokens": pa.array(lists, pa.list_(pa.string()))})


def test_batches_are_put_together_until_they_hold_enough():
    tables = list(
        gathered(iter([batch(["a"], ["b"]), batch([]), batch(["c"] * 5), batch(["d"])]), "tokens", 3)
    )

    assert [table["tokens"].to_pylist() for table in tables] == [[["a"], ["b"], [], ["c"] * 5], [["d"]]]


def test_no_batches_give_no_table():
    assert list(gathered(iter([]), "tokens", 3)) == []


def test_items_come_in_their_order_made_in_another_thread():
    makers = []

    def numbers():
        for number in range(5):
            makers.append(threading.current_thread())
            yield number + 1

    assert list(one_ahead(numbers())) == [1, 2, 3, 4, 5]
    assert threading.current_thread() not in makers


def test_only_one_item_is_made_ahead():
    made = []

    def numbers():
        for number in range(1, 6):
            made.append(number)
            yield number

    items = one_ahead(numbers())
    next(items)
    items.close()

    assert made in ([1], [1, 2])


def test_a_fault_in_making_an_item_reaches_who_uses_them():
    def broken():
        yield 1
        raise ValueError("no second item")

    items = one_ahead(broken())

    assert next(items) == 1
    with pytest.raises(ValueError, match="no second item"):
        next(items)
