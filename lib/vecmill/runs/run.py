"""A run: its configuration, store and manifest, and the data that several stages read."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from vecmill.config import Config
from vecmill.core import sampling
from vecmill.examples.pairs import DRAWN_FROM, PairSettings, SamplingTables
from vecmill.models import Model, Size
from vecmill.runs.manifest import Manifest
from vecmill.storage.files import Files
from vecmill.storage.schemas import TEXTS, TEXTS_BY, VOCABULARY
from vecmill.storage.store import Store
from vecmill.storage.task_table import TaskTable


@dataclass(frozen=True)
class Run:
    """A locked run directory with the configuration of what is computed in it."""

    config: Config
    store: Store
    manifest: Manifest

    @property
    def spark(self) -> SparkSession:
        """The session that the store was opened with."""
        return self.store.spark

    @property
    def files(self) -> Files:
        """The files of the run directory that are not tables."""
        return self.store.files

    @property
    def model(self) -> Model:
        """The model to train."""
        return self.config.build_model()

    def size_of_model(self) -> Size:
        """The size of the model; the stage vocabulary must be done."""
        return Size(self.manifest.stage("vocabulary")["words"], self.config.train.dim)

    def say(self, stage: str, text: str) -> None:
        """Print one line with the time and the stage to stderr."""
        print(f"{time.strftime('%H:%M:%S')} {stage:<10} {text}", file=sys.stderr, flush=True)

    def texts(
        self, slices: Collection[int] | None = None, shards: Collection[int] | None = None
    ) -> TaskTable:
        """The texts to train on, or those of some slices and shards; one partition per slice and shard."""
        only = {"slice": {slice_ for slice_, _ in self.words_of} if slices is None else slices}
        if shards is not None:
            only["shard"] = shards
        return self.store.read_parts("texts", TEXTS, TEXTS_BY, DRAWN_FROM, only)

    @property
    def words_of(self) -> dict[tuple[int, int], int]:
        """Words of the texts to train on, by slice and shard."""
        return {(slice_, shard): n for slice_, shard, n in self.manifest.stage("texts")["words_of"]}


def pair_settings(config: Config) -> PairSettings:
    """The settings of a configuration by which rows are drawn."""
    return PairSettings(config.pairs.window, config.pairs.negatives, config.train.seed)


def vocabulary_columns(store: Store, *names: str) -> dict[str, pa.Array]:
    """Columns of the vocabulary (words,) in the order of the ids, on the driver."""
    table = store.collect("vocabulary", VOCABULARY, columns=["id", *names])
    ordered = table.sort_by("id").combine_chunks()
    return {name: ordered[name].chunk(0) for name in names}


def read_sampling_tables(store: Store) -> SamplingTables:
    """The sampling tables from the vocabulary: 16 bytes per word on the driver and on each worker."""
    columns = vocabulary_columns(store, "keep_probability", "noise_probability")
    keep = columns["keep_probability"].to_numpy().astype(np.float32)
    noise = sampling.alias_table(columns["noise_probability"].to_numpy())
    return SamplingTables(keep, noise)
