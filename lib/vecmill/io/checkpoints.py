"""The parameters after each round: written by Spark, read by the driver for the next round."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame

from vecmill.io import tables
from vecmill.io.files import Folder
from vecmill.io.schemas import BLOCKS, METRICS

# The last round is what a run goes on from; the one before it is there should a person doubt it.
_KEPT = 2


MetricsTable = npt.NDArray[np.float64]


class Checkpoint(NamedTuple):
    """One round's result as the driver holds it: the whole model, and a row of numbers a shard.

    parameters  every table by its name, (V, D) float32
    metrics     (shards, M) float64, in the order of the shards
    """

    parameters: dict[str, npt.NDArray[np.float32]]
    metrics: MetricsTable


def name(round_: int) -> str:
    """Where the parameters after round `round_` lie; rounds count from 1."""
    return f"model/round={round_}"


def write(blocks: DataFrame, folder: Folder, round_: int) -> None:
    """BLOCKS -> the checkpoint of a round. Uncompressed: floats that were trained do not compress."""
    tables.write(blocks, folder, name(round_), compression="none")


def read(folder: Folder, round_: int) -> Checkpoint:
    """The checkpoint of a round; takes the memory of one model, twice while it is put together."""
    return assemble(tables.collect(folder, name(round_), BLOCKS))


def assemble(rows: pa.Table) -> Checkpoint:
    """Rows of BLOCKS, in any order, as what they hold; blocks that are not there leave no gap."""
    names, numbers = rows["table"].to_pylist(), rows["block"].to_pylist()
    parts: dict[str, list[npt.NDArray[Any]]] = {}
    for place in sorted(range(len(names)), key=lambda place: (names[place], numbers[place])):
        kind = np.float64 if names[place] == METRICS else np.float32
        values = np.frombuffer(rows["values"][place].as_buffer(), kind)
        parts.setdefault(names[place], []).append(values.reshape(rows["rows"][place].as_py(), -1))
    whole = {table: np.concatenate(found) for table, found in parts.items()}
    return Checkpoint(whole, whole.pop(METRICS, np.zeros((0, 0))))


def prune(folder: Folder, round_: int) -> None:
    """Remove the checkpoints that no run will go on from once round `round_` is recorded."""
    kept = {name(number) for number in range(round_ - _KEPT + 1, round_ + 1)}
    for found in folder.names("model"):
        if found.startswith("round=") and f"model/{found}" not in kept:
            folder.delete(f"model/{found}")
