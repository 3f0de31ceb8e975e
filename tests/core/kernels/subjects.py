"""The kernels under test: those of every oracle's model, library by library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests.core.kernels.oracles import ORACLES, Oracle
from tests.core.kernels.sgns_oracle import Updated
from vecmill import models
from vecmill.core.arrays import Floats
from vecmill.core.kernels import has_numba
from vecmill.models import Model

Tables = dict[str, Floats]


@dataclass(frozen=True)
class Subject:
    """One kernel of one model, as train(tables, batch, rates), with its oracle.

    expected_update  the update of the oracle with the minibatches of this kernel
    """

    oracle: Oracle
    model: Model
    train: Callable[..., float]
    expected_update: Callable[..., Updated]

    def assert_equals_the_oracle(self, tables: Tables, batch: Any, rates: Floats) -> None:
        expected_tables, expected_loss = self.expected_update(tables, batch, rates)

        loss = self.train(tables, batch, rates)

        for name, expected in expected_tables.items():
            np.testing.assert_allclose(tables[name], expected, rtol=1e-5, atol=1e-5, err_msg=name)
        assert loss == pytest.approx(expected_loss, rel=1e-5, abs=1e-5)


def row_subjects() -> list[Any]:
    """A pytest parameter per kernel that trains on rows."""
    return _subjects(lambda model: model.kernels, lambda oracle: oracle.update)


def bucket_subjects() -> list[Any]:
    """A pytest parameter per kernel that trains on buckets; without a range of steps it trains all."""
    return _subjects(
        lambda model: {
            library: _with_all_steps(kernel) for library, kernel in model.bucket_kernels.items()
        },
        lambda oracle: oracle.update_bucket,
    )


def _with_all_steps(kernel: Callable[..., float]) -> Callable[..., float]:
    def train(tables: Tables, bucket: Any, rates: Floats, steps: range | None = None) -> float:
        return kernel(tables, bucket, rates, range(len(rates)) if steps is None else steps)

    return train


def _subjects(
    kernels: Callable[[Model], Mapping[str, Callable[..., float]]],
    updates: Callable[[Oracle], Mapping[str, Callable[..., Updated]]],
) -> list[Any]:
    parameters = []
    for name, oracle in ORACLES.items():
        model = models.build(oracle.kind, oracle.options)
        for library, kernel in kernels(model).items():
            missing = library == "numba" and not has_numba()
            parameters.append(
                pytest.param(
                    Subject(oracle, model, kernel, updates(oracle)[library]),
                    id=f"{name}-{library}",
                    marks=pytest.mark.skipif(missing, reason="needs Numba"),
                )
            )
    return parameters


def copy_of(tables: Tables) -> Tables:
    return {name: table.copy() for name, table in tables.items()}


def assert_same(tables: Tables, others: Tables) -> None:
    for name, table in tables.items():
        np.testing.assert_array_equal(table, others[name], err_msg=name)
