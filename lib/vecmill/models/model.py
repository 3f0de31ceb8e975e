"""A model as a value. Strategies, planning, export and reports ask it, and none of them names a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vecmill.core.arrays import Floats
from vecmill.core.kernels import BucketKernel, Kernel, Tables
from vecmill.core.rows import Rows


class Size(NamedTuple):
    """Decides on the sizes of a model's tables: words of the vocabulary, and dimensions."""

    words: int
    dim: int


class Table(NamedTuple):
    """One float32 table of parameters.

    start   start(rows, seed) -> (len(rows), columns) float32: these rows before any training. The values of
            a row depend only on the seed and not on the other requested rows, so that every strategy starts
            from the same tables.
    merge   how the changes of shards are merged, a name of `core.merging.MERGES`; None means train.merge
    region  "words" or "contexts": how its rows are cut in blocked training; None if they cannot be cut
    """

    name: str
    rows: int
    columns: int
    start: Callable[[range, int], Floats]
    merge: str | None = None
    region: str | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of all its rows."""
        return 4 * self.rows * self.columns


@dataclass(frozen=True)
class Model:
    """A model with its options, as a value.

    tables          the tables of a model of this size
    kernels         by library, "numba" or "numpy": the kernel that trains on rows of pairs/
    held_out_loss   nats, summed over the rows; does not change the tables
    vector_tables   the tables that word vectors are computed from; each has one row per word, and all have
                    the same number of columns
    vectors         some rows of these tables -> (rows, columns) float32: the vector of each row's word
    learning_rate   the best known rate, which `train.strategy = "auto"` uses
    word_seconds    by library: seconds of one core per word and epoch at 100 dimensions, for planning
    bucket_kernels  by library: the kernel of blocked training; without one, strategy "blocked" is refused
    not_blocked     the reason for that refusal
    """

    tables: Callable[[Size], tuple[Table, ...]]
    kernels: Mapping[str, Kernel]
    held_out_loss: Callable[[Tables, Rows], float]
    vector_tables: tuple[str, ...]
    vectors: Callable[[Tables], Floats]
    learning_rate: float
    word_seconds: Mapping[str, float]
    bucket_kernels: Mapping[str, BucketKernel] = field(default_factory=dict)
    not_blocked: str = "it has no kernel for buckets"

    def start(self, size: Size, seed: int) -> dict[str, Floats]:
        """Every table by name before any training, (rows, columns) float32."""
        return {table.name: table.start(range(table.rows), seed) for table in self.tables(size)}

    def nbytes(self, size: Size) -> int:
        """Bytes of all tables."""
        return sum(table.nbytes for table in self.tables(size))


class Option(NamedTuple):
    """A key of [model] that a kind of model adds: its type for pydantic, its default and its meaning."""

    type: Any
    default: Any
    description: str


@dataclass(frozen=True)
class ModelKind:
    """A kind of model, by its name in `model.kind`.

    title    a short description
    build    builds the model from the values of its options, by name
    options  its keys in [model], beside `kind`
    """

    title: str
    build: Callable[[Mapping[str, Any]], Model]
    options: Mapping[str, Option] = field(default_factory=dict)
