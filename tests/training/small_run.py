"""A run directory with a vocabulary and texts, and without the stages that would have written them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pyspark.sql import SparkSession

from vecmill.config import Config
from vecmill.core.sampling import keep_probability, noise_weight
from vecmill.corpus.texts import HOLDOUT_SLICE
from vecmill.runs.manifest import Manifest
from vecmill.runs.run import Run
from vecmill.storage.schemas import TEXTS, TEXTS_BY, VOCABULARY
from vecmill.storage.stores import open_store
from vecmill.storage.task_table import TaskTable

WORDS, SLICES, SHARDS = 40, 2, 3
TEXTS_OF_SHARD, TEXT_WORDS = 4, 25


def make_run(spark: SparkSession, folder: Path, *overrides: str, tasks_open_files: bool = True) -> Run:
    """The same texts for every strategy, in 2 slices of 3 shards, and a few that are held out."""
    rng = np.random.default_rng(0)
    places = [(slice_, shard) for slice_ in range(SLICES) for shard in range(SHARDS)]
    texts = [
        (*place, number, 0, np.minimum(rng.zipf(1.2, TEXT_WORDS), WORDS) - 1)
        for place in [*places, (HOLDOUT_SLICE, 0)]
        for number in range(TEXTS_OF_SHARD)
    ]
    counts = np.bincount(np.concatenate([ids for *_, ids in texts]), minlength=WORDS) + 1
    order = np.argsort(-counts, kind="stable")
    rank = np.argsort(order)
    counts = counts[order]
    keep = keep_probability(counts, int(counts.sum()), 0.05)
    noise = noise_weight(counts, 0.75)
    store = open_store(str(folder), spark, tasks_open_files=tasks_open_files)
    settings = {"slices": SLICES, "shards": SHARDS, "dim": 8, "epochs": 1}
    paths = ["input.path=unused", f"output.path={folder}"]
    config = Config.load(None, [*paths, *(f"train.{k}={v}" for k, v in settings.items()), *overrides])

    names = [f"w{number}" for number in range(WORDS)]
    columns = (range(WORDS), names, counts.tolist(), keep.tolist(), (noise / noise.sum()).tolist())
    vocabulary = spark.createDataFrame(list(zip(*columns, strict=True)), VOCABULARY)
    store.write([TaskTable(vocabulary.coalesce(1))], "vocabulary", VOCABULARY)
    rows = [(*row[:4], rank[row[4]].tolist()) for row in texts]
    of_shards = (
        spark.createDataFrame(rows, TEXTS).coalesce(1).sortWithinPartitions(*TEXTS_BY, "document_id")
    )
    staged = store.stage([TaskTable(of_shards)], "texts", TEXTS, TEXTS_BY)
    store.publish(staged, "texts")
    manifest = Manifest(store.files)
    manifest.update("vocabulary", words=WORDS)
    words = TEXTS_OF_SHARD * TEXT_WORDS
    manifest.update("texts", words_of=[[*place, words] for place in places], held_out_words=words)
    return Run(config, store, manifest)
