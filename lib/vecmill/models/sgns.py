"""Skip-gram with negative sampling (Mikolov et al. 2013, arXiv:1310.4546)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vecmill.core.arrays import Floats
from vecmill.core.buckets import Bucket
from vecmill.core.kernels import Tables, sgns_buckets_numpy, sgns_numpy
from vecmill.core.rows import Rows
from vecmill.core.starts import uniform_rows, zero_rows
from vecmill.models.model import Model, ModelKind, Size, Table


def tables(size: Size) -> tuple[Table, ...]:
    """W, one row per word, uniform in [-0.5, 0.5) / D; C, one row per context, zeros: as in word2vec.c."""
    return (
        Table("W", size.words, size.dim, uniform_rows(size.dim), region="words"),
        Table("C", size.words, size.dim, zero_rows(size.dim), region="contexts"),
    )


def train_rows_numpy(tables: Tables, rows: Rows, learning_rates: Floats) -> float:
    """The kernel in NumPy, see `core.kernels.sgns_numpy.update`."""
    return sgns_numpy.update(tables["W"], tables["C"], rows, learning_rates)


def train_rows_numba(tables: Tables, rows: Rows, learning_rates: Floats) -> float:
    """The compiled kernel, see `core.kernels.sgns_compiled.update`."""
    # Imported here, because the import compiles, and Numba is optional.
    from vecmill.core.kernels import sgns_compiled

    return sgns_compiled.update(tables["W"], tables["C"], rows, learning_rates)


def train_bucket_numpy(tables: Tables, bucket: Bucket, learning_rates: Floats, steps: range) -> float:
    """The kernel of blocked training in NumPy, see `core.kernels.sgns_buckets_numpy.update`."""
    return sgns_buckets_numpy.update(tables["W"], tables["C"], bucket, learning_rates, steps)


def train_bucket_numba(tables: Tables, bucket: Bucket, learning_rates: Floats, steps: range) -> float:
    """The compiled kernel of blocked training, see `core.kernels.sgns_buckets_compiled.update`."""
    from vecmill.core.kernels import sgns_buckets_compiled

    return sgns_buckets_compiled.update(tables["W"], tables["C"], bucket, learning_rates, steps)


def held_out_loss(tables: Tables, rows: Rows) -> float:
    """The loss of `rows` in nats, summed, see `core.kernels.sgns_numpy.loss`."""
    return sgns_numpy.loss(tables["W"], tables["C"], rows)


def word_vectors(tables: Tables) -> Floats:
    """The rows of W."""
    return tables["W"]


def build(options: Mapping[str, Any]) -> Model:
    """The model; it has no options."""
    return Model(
        tables=tables,
        kernels={"numba": train_rows_numba, "numpy": train_rows_numpy},
        held_out_loss=held_out_loss,
        vector_tables=("W",),
        vectors=word_vectors,
        # The best rate for one shard and for blocked training on 17 million words.
        learning_rate=0.05,
        word_seconds={"numba": 0.7e-6, "numpy": 4.5e-6},
        bucket_kernels={"numba": train_bucket_numba, "numpy": train_bucket_numpy},
    )


KIND = ModelKind("skip-gram with negative sampling", build)
