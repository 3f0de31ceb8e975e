"""Arrow batches as mapInArrow hands them to a function on a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

Item = TypeVar("Item")
ArrowMap = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def unchanged(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches as they are: how a partition is read that holds the table itself."""
    return batches


def gathered(batches: Iterator[pa.RecordBatch], column: str, elements: int) -> Iterator[pa.Table]:
    """Batches put together until the lists of `column` have `elements` elements or more.

    Spark bounds a batch by rows and by bytes; what is done once a batch pays only where it is large.
    """
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += len(batch.column(column).flatten())
        if count >= elements:
            yield pa.Table.from_batches(held)
            held, count = [], 0
    if held:
        yield pa.Table.from_batches(held)


def one_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each being made by a thread while the one before it is used."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
