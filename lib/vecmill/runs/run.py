"""A run directory that is held, with what is to be computed in it; what every stage reads of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from vecmill.config import Config
from vecmill.core import sampling
from vecmill.examples import pairs
from vecmill.runs.directory import Manifest
from vecmill.storage import shard_files, tables
from vecmill.storage.files import Folder
from vecmill.storage.schemas import TEXTS, TEXTS_BY, VOCABULARY
from vecmill.storage.task_files import TaskTable


@dataclass(frozen=True)
class Run:
    """A run directory that is held, with what is to be computed in it."""

    config: Config
    folder: Folder
    manifest: Manifest

    @property
    def spark(self) -> SparkSession:
        """The session that the folder was opened with."""
        return self.folder.spark

    def say(self, stage: str, text: str) -> None:
        """One line for the screen and a scheduler's log."""
        print(f"{time.strftime('%H:%M:%S')} {stage:<10} {text}", file=sys.stderr, flush=True)

    def table(self, name: str, schema: StructType) -> DataFrame:
        """A published table of this run, its columns checked."""
        return tables.read(self.folder, name, schema)

    def texts(
        self, slices: Collection[int] | None = None, shards: Collection[int] | None = None
    ) -> TaskTable:
        """The texts to train on, or those of some slices and shards, a partition for each of them."""
        wanted = {"slice": {slice_ for slice_, _ in self.words_of} if slices is None else slices}
        only = wanted if shards is None else {**wanted, "shard": shards}
        return shard_files.read(self.folder, "texts", TEXTS, TEXTS_BY, pairs.DRAWN_FROM, only)

    @property
    def words_of(self) -> dict[tuple[int, int], int]:
        """How many words the texts of every slice and shard have."""
        return {(slice_, shard): n for slice_, shard, n in self.manifest.stage("texts")["words_of"]}


def pair_settings(config: Config) -> pairs.PairSettings:
    """What of a configuration decides how rows are drawn."""
    return pairs.PairSettings(config.pairs.window, config.pairs.negatives, config.train.seed)


def vocabulary_columns(folder: Folder, *names: str) -> dict[str, pa.Array]:
    """Columns of the vocabulary in the order of the ids, on the driver: one entry a word."""
    table = tables.collect(folder, "vocabulary", VOCABULARY, columns=["id", *names])
    ordered = table.sort_by("id").combine_chunks()
    return {name: ordered[name].chunk(0) for name in names}


def read_sampling_tables(folder: Folder) -> pairs.SamplingTables:
    """What drawing needs of the vocabulary: 16 bytes a word on the driver and on each worker."""
    columns = vocabulary_columns(folder, "keep_probability", "noise_probability")
    keep = columns["keep_probability"].to_numpy().astype(np.float32)
    noise = sampling.alias_table(columns["noise_probability"].to_numpy())
    return pairs.SamplingTables(keep, noise)
