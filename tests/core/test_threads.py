"""Threads return every result once and in order, and items are not produced far ahead."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.core.threads import map_in_threads, split


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_results_come_once_and_in_the_order_of_the_items(threads):
    def slow_for_the_first(number):
        time.sleep(0.01 if number == 0 else 0)
        return number, threading.current_thread()

    results = list(map_in_threads(slow_for_the_first, iter(range(20)), threads))

    assert [number for number, _ in results] == list(range(20))
    workers = {worker for _, worker in results}
    assert threading.main_thread() not in workers
    assert len(workers) <= threads


def test_as_many_items_are_processed_at_once_as_there_are_threads():
    together = threading.Barrier(3, timeout=10)

    def wait(number):
        return together.wait() >= 0

    assert list(map_in_threads(wait, iter(range(6)), 3)) == [True] * 6


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_at_most_two_items_are_produced_ahead_of_the_threads(threads):
    produced = []

    def numbers():
        for number in range(10):
            produced.append(number)
            yield number

    results = map_in_threads(str, numbers(), threads)
    next(results)
    assert produced == list(range(threads + 2))
    next(results)
    assert produced == list(range(threads + 3))
    assert list(results) == list(map(str, range(2, 10)))


def test_no_items_give_no_results():
    assert list(map_in_threads(str, [], 3)) == []


def test_exceptions_of_the_items_and_of_the_work_reach_the_caller():
    def broken():
        yield 1
        raise ValueError("no second item")

    with pytest.raises(ValueError, match="no second item"):
        list(map_in_threads(str, broken(), 2))
    with pytest.raises(ZeroDivisionError):
        list(map_in_threads(lambda number: 1 / number, iter([1, 0, 2]), 2))


@given(st.integers(0, 200), st.integers(1, 50))
def test_parts_are_all_numbers_in_order_and_about_equally_long(items, parts):
    ranges = split(items, parts)

    assert len(ranges) == parts
    assert [number for part in ranges for number in part] == list(range(items))
    lengths = [len(part) for part in ranges]
    assert max(lengths) - min(lengths) <= 1
    assert all(part.step == 1 for part in ranges)
