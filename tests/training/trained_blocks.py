"""The result of a round as tests compare it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from pyspark.sql import DataFrame

from vecmill.core.arrays import Floats
from vecmill.core.shards import Metrics
from vecmill.storage.schemas import BLOCKS, METRICS


class Result(NamedTuple):
    """The tables after a round, the metrics of each worker, and the rows of BLOCKS without METRICS."""

    tables: dict[str, Floats]
    metrics: dict[int, Metrics]
    raw: list[tuple[Any, ...]]


def collect(blocks: DataFrame) -> Result:
    """The result of a round from its rows of BLOCKS."""
    assert blocks.schema == BLOCKS
    rows = sorted(tuple(row.values()) for row in blocks.toArrow().to_pylist())
    parts: dict[str, list[Floats]] = {}
    metrics = {}
    for name, first_row, count, values in rows:
        if name == METRICS:
            metrics[first_row] = Metrics(*np.frombuffer(values, np.float64))
        else:
            parts.setdefault(name, []).append(np.frombuffer(values, np.float32).reshape(count, -1))
    tables = {name: np.concatenate(found) for name, found in parts.items()}
    return Result(tables, metrics, [row for row in rows if row[0] != METRICS])


def assert_same_tables(found: dict[str, Floats], expected: dict[str, Floats]) -> None:
    assert set(found) == set(expected)
    for name, table in expected.items():
        np.testing.assert_array_equal(found[name], table)
