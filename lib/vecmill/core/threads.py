"""Work done by several threads of one task."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_threads(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """The results of `work` for every item, in the order of the items, computed by `threads` threads.

    The caller's thread makes the items meanwhile, at most two more than are in work. No thread waits for
    another before it takes its next item. Where `work` trains shared tables, it does so without locks
    (Recht et al. 2011, "Hogwild", arXiv:1106.5730).
    """
    under_way: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            under_way.append(pool.submit(work, item))
            if len(under_way) == threads + 2:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def split(items: int, parts: int) -> list[range]:
    """The numbers 0 .. items - 1 in `parts` neighbouring ranges of about equal length."""
    bounds = [items * part // parts for part in range(parts + 1)]
    return [range(begin, end) for begin, end in zip(bounds[:-1], bounds[1:], strict=True)]
