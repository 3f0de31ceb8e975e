"""What a model is: a value that strategies, planning, export and reports ask; none of them names one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vecmill.core.arrays import Floats
from vecmill.core.kernels import BucketKernel, Kernel, Tables
from vecmill.core.rows import Rows


class Size(NamedTuple):
    """What the sizes of a model's tables follow from: words of the vocabulary, and dimensions."""

    words: int
    dim: int


class Table(NamedTuple):
    """One float32 table of parameters.

    start  start(rows, seed) -> (len(rows), columns) float32: these rows before any training. The values of
           a row depend on the seed alone and not on which rows are requested together, so that every
           strategy starts alike.
    merge  how the changes of shards become one, a name of `core.merging.MERGES`; None takes train.merge
    region "words" or "contexts": whose regions its rows follow in blocked training; None: it cannot be cut
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

    tables          the tables of a model of some size
    kernels         by library, "numba" or "numpy": the kernel that trains on rows of pairs/
    held_out_loss   nats, summed over the rows, with the tables unchanged
    vector_tables   the tables that word vectors are made of, each with one row per word
    vectors         those rows of some words -> (words, columns) float32, one vector per word, row by row
    learning_rate   the best rate known; `train.strategy = "auto"` takes it
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
    """A key of [model] that a kind of model adds: its type as pydantic takes it, default and meaning."""

    type: Any
    default: Any
    description: str


@dataclass(frozen=True)
class ModelKind:
    """A kind of model as `model.kind` names it.

    title    what it is, in a few words
    build    the model with the values of its options, by name
    options  its keys in [model], beside `kind`
    """

    title: str
    build: Callable[[Mapping[str, Any]], Model]
    options: Mapping[str, Option] = field(default_factory=dict)
