from __future__ import annotations

import threading
import time

import pyarrow as pa
import pytest

from vecmill.storage.arrow import gathered, side_by_side


def batch(*lists: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"tokens": pa.array(lists, pa.list_(pa.string()))})


def test_batches_are_put_together_until_they_hold_enough():
    tables = list(
        gathered(iter([batch(["a"], ["b"]), batch([]), batch(["c"] * 5), batch(["d"])]), "tokens", 3)
    )

    assert [table["tokens"].to_pylist() for table in tables] == [[["a"], ["b"], [], ["c"] * 5], [["d"]]]


def test_no_batches_give_no_table():
    assert list(gathered(iter([]), "tokens", 3)) == []


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_every_item_is_worked_on_once_and_results_come_in_the_order_of_the_items(threads):
    def slow_at_first(number):
        time.sleep(0.01 if number == 0 else 0)
        return number, threading.current_thread()

    found = list(side_by_side(slow_at_first, iter(range(20)), threads))

    assert [number for number, _ in found] == list(range(20))
    assert threading.main_thread() not in {worker for _, worker in found}


def test_as_many_items_are_worked_on_at_once_as_there_are_threads():
    together = threading.Barrier(3, timeout=10)

    def wait(number):
        return together.wait() >= 0

    assert list(side_by_side(wait, iter(range(6)), 3)) == [True] * 6


def test_two_items_are_made_ahead_at_most():
    made = []

    def numbers():
        for number in range(10):
            made.append(number)
            yield number

    results = side_by_side(str, numbers(), 2)
    next(results)
    assert made == [0, 1, 2, 3]
    next(results)
    assert made == [0, 1, 2, 3, 4]


def test_faults_in_making_an_item_and_in_working_on_it_reach_who_wants_the_results():
    def broken():
        yield 1
        raise ValueError("no second item")

    with pytest.raises(ValueError, match="no second item"):
        list(side_by_side(str, broken(), 2))
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(lambda number: 1 / number, iter([1, 0, 2]), 2))
