"""Threads within one task."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_threads(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """The results of `work` for every item, in the order of the items, computed by `threads` threads.

    The caller's thread produces the items, at most two ahead of the threads. No thread waits for another
    before it takes the next item. If `work` changes shared tables, it does so without locks (Recht et al.
    2011, "Hogwild", arXiv:1106.5730). Exceptions of `work` and of `items` reach the caller.
    """
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) == threads + 2:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def split(items: int, parts: int) -> list[range]:
    """The range 0 .. items - 1 cut into `parts` consecutive ranges; their lengths differ by at most 1."""
    bounds = [items * part // parts for part in range(parts + 1)]
    return [range(begin, end) for begin, end in pairwise(bounds)]
