"""A model that learns next to nothing: it counts centres, and follows the mean of its neighbours.

It has a table of counters, which must be added whatever train.merge is, and no kernel for buckets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vecmill.core.arrays import Floats
from vecmill.core.kernels import Tables
from vecmill.core.rows import Rows
from vecmill.core.starts import uniform_rows, zero_rows
from vecmill.models import Model, ModelKind, Size, Table


def tables(size: Size) -> tuple[Table, ...]:
    return (
        Table("vectors", size.words, size.dim, uniform_rows(size.dim)),
        Table("counts", size.words, 1, zero_rows(1), merge="sum"),
    )


def train(tables: Tables, rows: Rows, rates: Floats) -> float:
    """Count the centres, and move every vector of a centre by 1 per row."""
    np.add.at(tables["counts"], rows.centers, np.float32(1))
    np.add.at(tables["vectors"], rows.centers, np.float32(1))
    return float(len(rows.centers))


def held_out_loss(tables: Tables, rows: Rows) -> float:
    return float(tables["counts"][rows.centers].sum())


def build(options: Mapping[str, Any]) -> Model:
    return Model(
        tables=tables,
        kernels={"numpy": train},
        held_out_loss=held_out_loss,
        vector_tables=("vectors",),
        vectors=lambda of: of["vectors"],
        learning_rate=0.1,
        word_seconds={"numpy": 1e-6},
        not_blocked="it counts centres",
    )


KIND = ModelKind("counting of centres", build)
