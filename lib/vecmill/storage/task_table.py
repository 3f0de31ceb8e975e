"""Tables as tasks compute and read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame

ArrowMap = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def unchanged(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches: the map of partitions that hold the rows of the table itself."""
    return batches


class TaskTable(NamedTuple):
    """A table of partitions, and the map from the Arrow batches of a partition to those of the table."""

    partitions: DataFrame
    read: ArrowMap = unchanged


class TablePart(NamedTuple):
    """The rows of a table that have the same values in the columns by which it is partitioned.

    elements  total number of elements in its first list column; 0 if it has none
    """

    values: tuple[int, ...]
    rows: int
    elements: int


class StagedTable(NamedTuple):
    """A table that was written but not published: where it lies, and its parts."""

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
