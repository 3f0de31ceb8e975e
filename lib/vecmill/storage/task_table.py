"""Tables as tasks make and read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame

ArrowMap = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def unchanged(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches as they are: how a partition is read that holds the table itself."""
    return batches


class TaskTable(NamedTuple):
    """A table as partitions, and what turns the Arrow batches of a partition into those of the table."""

    partitions: DataFrame
    read: ArrowMap = unchanged


class TablePart(NamedTuple):
    """The part of a table that has the same values in the columns that partition it.

    elements  total number of elements in its first list column
    """

    values: tuple[int, ...]
    rows: int
    elements: int


class StagedTable(NamedTuple):
    """A table that is written and not yet published: where it lies, and its parts."""

    place: str
    parts: list[TablePart]

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def elements(self) -> int:
        """Elements of all parts."""
        return sum(part.elements for part in self.parts)
