"""The loop of rounds: broadcast, train every shard, merge, checkpoint, report; and from where to go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pyspark import Broadcast
from pyspark.sql import DataFrame

from vecmill.config import Config
from vecmill.core import kernels, keyed_random, sgns
from vecmill.core.kernels import Tables
from vecmill.core.rows import Rows
from vecmill.core.schedule import learning_rates
from vecmill.errors import ConfigError, InputError
from vecmill.io import checkpoints
from vecmill.io.files import Folder
from vecmill.io.run_directory import Manifest, Record, read_metrics, write_metrics
from vecmill.session import ONE_FILE_ONE_TASK, using
from vecmill.stages.train import Metrics, Round, TaskRows, train_round


class Part(NamedTuple):
    """One round: an epoch's slice, and how many words each shard has in it."""

    epoch: int
    slice_: int
    words: Mapping[int, int]

    @property
    def total_words(self) -> int:
        """The words of all shards."""
        return sum(self.words.values())


class Source(NamedTuple):
    """Where a round's rows come from: the partitions to read, and how their batches become rows."""

    partitions: Callable[[Part], DataFrame]
    rows_of: Callable[[Part], TaskRows]


def parts(words: Mapping[tuple[int, int], int], epochs: int) -> list[Part]:
    """The rounds of a training, from the words of every (slice, shard); slices without words are out."""
    slices = sorted({slice_ for slice_, _ in words})
    of_slice = [{shard: n for (s, shard), n in words.items() if s == slice_} for slice_ in slices]
    return [
        Part(epoch, slice_, shards)
        for epoch in range(1, epochs + 1)
        for slice_, shards in zip(slices, of_slice, strict=True)
    ]


def train(
    config: Config,
    folder: Folder,
    manifest: Manifest,
    schedule: Sequence[Part],
    source: Source,
    *,
    initial: Callable[[], Tables],
    held_out: Rows | None,
    keep_ratio: float,
    say: Callable[[str], None],
) -> Record:
    """Train from the last published round to the end; the counts of the whole training.

    `keep_ratio` is the share of tokens that subsampling keeps, by which a shard's words foretell its
    rows. The driver holds the model twice (as an array and as the pickle that is broadcast) and the
    held-out rows.

    Raises InputError where a round has no row to train on.
    """
    done = int(manifest.stage("train").get("round", 0))
    lines = [line for line in read_metrics(folder) if line["round"] <= done]
    model: Tables = checkpoints.read(folder, done).parameters if done else initial()
    total = sum(part.total_words for part in schedule)
    seen = sum(part.total_words for part in schedule[:done])
    started, began_at = time.monotonic(), seen
    settings = config.train
    chosen = kernels.choose(settings.kernel)
    say(f"kernel {chosen.name}: {chosen.reason}")
    if done:
        say(f"going on after round {done} of {len(schedule)}")

    for number, part in enumerate(schedule[done:], done + 1):
        round_started = time.monotonic()
        task = Round(
            kernel=kernels.kernel(chosen.name, settings.threads),
            merge=settings.merge,
            expected_rows={shard: words * keep_ratio for shard, words in part.words.items()},
            begin=seen / total,
            end=(seen + part.total_words) / total,
            learning_rate=settings.learning_rate,
            min_learning_rate=settings.min_learning_rate,
        )
        model, metrics = _one_round(folder, number, part, source, model, task)
        seen += part.total_words
        elapsed = time.monotonic() - round_started
        model_bytes = sum(table.nbytes for table in model.values())
        line = {
            "epoch": part.epoch,
            "slice": part.slice_,
            "round": number,
            "words": part.total_words,
            "rows": int(metrics.rows),
            "pairs": int(metrics.pairs),
            "loss": metrics.loss / metrics.pairs,
            "held_out_loss": _held_out_loss(model, held_out),
            "learning_rate": _rate_at(seen / total, config),
            "words_per_second": round(part.total_words / elapsed),
            "cpu_microseconds_per_word": round(metrics.cpu_seconds / part.total_words * 1e6, 3),
            "bytes_moved": 2 * model_bytes * len(part.words),
            "seconds": round(elapsed, 3),
        }
        lines.append(line)
        write_metrics(folder, lines)
        manifest.update("train", round=number, rounds=len(schedule))
        checkpoints.prune(folder, number)
        left = (time.monotonic() - started) / (seen - began_at) * (total - seen)
        say(_told(line, len(schedule), settings.epochs, seen / total, left))
    return {
        "kernel": chosen.name,
        "rounds": len(schedule),
        "words": total,
        "pairs": sum(line["pairs"] for line in lines),
        "loss": lines[-1]["loss"],
        "held_out_loss": lines[-1]["held_out_loss"],
    }


def initial_tables(vocabulary_size: int, dim: int, seed: int) -> dict[str, npt.NDArray[np.float32]]:
    """The two tables of SGNS before any training, from the seed alone."""
    rng = keyed_random.generator(seed, keyed_random.Purpose.INITIALISE)
    words, contexts = sgns.initialise(vocabulary_size, dim, rng)
    return {"W": words, "C": contexts}


def _one_round(
    folder: Folder, number: int, part: Part, source: Source, model: Tables, task: Round
) -> tuple[Tables, Metrics]:
    spark = folder.spark
    broadcast: Broadcast[Tables] = spark.sparkContext.broadcast(model)
    try:
        with using(spark, ONE_FILE_ONE_TASK):
            result = train_round(source.partitions(part), source.rows_of(part), broadcast, task)
            checkpoints.write(result, folder, number)
    finally:
        broadcast.destroy()
    checkpoint = checkpoints.read(folder, number)
    return checkpoint.parameters, _summed(checkpoint.metrics, part, task)


def _summed(of_shards: npt.NDArray[np.float64], part: Part, task: Round) -> Metrics:
    """What all shards did; InputError where that is nothing, ConfigError where it is nonsense."""
    metrics = Metrics(*of_shards.sum(axis=0)) if len(of_shards) else None
    if metrics is None or metrics.pairs == 0:
        raise InputError(
            f"slice {part.slice_} of epoch {part.epoch} has no pairs to train on; use fewer "
            "train.slices, or a corpus whose documents have more than one known word"
        )
    if not np.isfinite(metrics.loss):
        raise ConfigError(
            [
                f"train.learning_rate = {task.learning_rate} makes the training diverge: the loss of "
                f"epoch {part.epoch} is no finite number any more; lower it"
            ]
        )
    return metrics


def _held_out_loss(model: Tables, rows: Rows | None) -> float | None:
    if rows is None:
        return None
    return sgns.loss(model["W"], model["C"], rows) / int(rows.offsets[-1] - rows.offsets[0])


def _rate_at(progress: float, config: Config) -> float:
    train = config.train
    rates = learning_rates(np.array([progress]), train.learning_rate, train.min_learning_rate)
    return float(rates[0])


def _told(line: Record, rounds: int, epochs: int, share: float, seconds_left: float) -> str:
    held_out = line["held_out_loss"]
    return (
        f"round {line['round']}/{rounds}  epoch {line['epoch']}/{epochs}  {share:6.1%}  "
        f"loss {line['loss']:.4f}  "
        + (f"held-out {held_out:.4f}  " if held_out is not None else "")
        + f"rate {line['learning_rate']:.5f}  {line['words_per_second']:,} words/s  "
        f"{told_duration(seconds_left)} left"
    )


def told_duration(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
