"""A model that only tests know: the vector of a word is the average of random vectors of its neighbours.

`python -m tests.end_to_end.toy_model run ...` is the command line with this model registered.

W holds the vectors and starts uniform. C holds one random vector per word and is never trained. `seen`
counts the pairs of each word; counts of shards are added. Every step moves a word toward the mean of its
neighbours' rows of C, by a share that depends on the learning rate and on the option model.pull.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from vecmill import cli
from vecmill.core import keyed_random
from vecmill.core.arrays import Floats
from vecmill.core.kernels import Tables
from vecmill.core.rows import Rows
from vecmill.core.starts import uniform_rows, zero_rows
from vecmill.models import MODELS, Model, ModelKind, Option, Size, Table

NAME = "neighbour-averages"
TITLE = "averages of random vectors of neighbours"
NOT_BLOCKED = "its averages are merged, and it has no noise to correct"


def random_rows(columns: int, rows: range, seed: int) -> Floats:
    """Normal values, one stream for all rows, so that a row depends only on the seed and its number."""
    rng = keyed_random.generator(seed, keyed_random.Purpose.INITIALISE, shard=1)
    return rng.standard_normal((rows.stop, columns), dtype=np.float32)[rows.start :]


def tables(size: Size) -> tuple[Table, ...]:
    return (
        Table("W", size.words, size.dim, uniform_rows(size.dim)),
        Table("C", size.words, size.dim, partial(random_rows, size.dim)),
        Table("seen", size.words, 1, zero_rows(1), merge="sum"),
    )


def _pairs(tables: Tables, rows: Rows) -> tuple[Any, Floats]:
    """The words of all pairs (P,), and from their vectors to the rows of C of their contexts (P, D)."""
    words = rows.words[rows.offsets[0] : rows.offsets[-1]]
    contexts = np.repeat(rows.centers, np.diff(rows.offsets))
    return words, tables["C"][contexts] - tables["W"][words]


def loss(tables: Tables, rows: Rows) -> float:
    """Half the squared distance of every word to its contexts, summed."""
    _, distances = _pairs(tables, rows)
    return 0.5 * float(np.square(distances, dtype=np.float64).sum())


def train_rows(tables: Tables, rows: Rows, learning_rates: Floats, *, pull: float) -> float:
    """Move every word of the batch toward the mean of its contexts, and count its pairs."""
    before = loss(tables, rows)
    words, distances = _pairs(tables, rows)
    ids, places, counts = np.unique(words, return_inverse=True, return_counts=True)
    toward = np.zeros((len(ids), distances.shape[1]), np.float64)
    np.add.at(toward, places, distances)
    rates = np.zeros(len(ids), np.float64)
    np.add.at(rates, places, np.repeat(learning_rates, np.diff(rows.offsets)))
    # As many small steps as the word has pairs; together they never pass the mean.
    share = -np.expm1(-pull * rates)
    tables["W"][ids] += (share / counts)[:, None].astype(np.float32) * toward.astype(np.float32)
    tables["seen"][ids, 0] += counts
    return before


def vectors(tables: Tables) -> Floats:
    """The rows of W; zeros for words without a pair."""
    return np.where(tables["seen"] > 0, tables["W"], np.float32(0))


def build(options: Mapping[str, Any]) -> Model:
    return Model(
        tables=tables,
        kernels={"numpy": partial(train_rows, pull=options["pull"])},
        held_out_loss=loss,
        vector_tables=("W", "seen"),
        vectors=vectors,
        learning_rate=0.1,
        word_seconds={"numpy": 1e-6},
        not_blocked=NOT_BLOCKED,
    )


PULL = Option(
    Annotated[float, Field(gt=0, le=1)], 0.5, "share of the learning rate by which a word moves; 0 to 1"
)
KIND = ModelKind(TITLE, build, {"pull": PULL})


def main() -> int:
    MODELS[NAME] = KIND
    return cli.main()


if __name__ == "__main__":
    # The functions must have the names of this module, by which workers import them.
    from tests.end_to_end import toy_model

    sys.exit(toy_model.main())
