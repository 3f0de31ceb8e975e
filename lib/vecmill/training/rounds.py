"""The loop of rounds: train, publish a checkpoint, report; and from where to go on.

The loop knows parts of the training and checkpoints. How a part is trained is a strategy's affair.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from vecmill.config import Config
from vecmill.core.schedule import learning_rates
from vecmill.errors import ConfigError, InputError
from vecmill.formatting import format_duration
from vecmill.runs.directory import Record, read_metrics, write_metrics
from vecmill.runs.run import Run
from vecmill.storage import checkpoints
from vecmill.storage.checkpoints import MetricsTable
from vecmill.training.averaging.worker import Metrics

Words = Mapping[tuple[int, int], int]


class Part(NamedTuple):
    """One round's part of the training.

    shards  the words of each shard of the slice that trains
    strata  which strata of the pass, where training is blocked
    words   those that the round counts for
    """

    epoch: int
    slice_: int
    shards: Mapping[int, int]
    strata: range
    words: int


class Span(NamedTuple):
    """The share of the whole training done before and after a round."""

    begin: float
    end: float


class Strategy(Protocol):
    """How many workers train one model, a round at a time."""

    parts: Sequence[Part]

    def resume(self, number: int) -> None:
        """Go on from the checkpoint of round `number`, or from fresh tables where it is 0."""

    def train(self, number: int, part: Part, span: Span) -> MetricsTable:
        """Train a part and publish its checkpoint; a row of numbers a worker."""

    def held_out_loss(self) -> float | None:
        """Nats a pair of the held-out texts after the last round; None where there are none."""

    def bytes_moved(self, part: Part) -> int:
        """Bytes of parameters that a round sends to workers and back."""


def parts(words: Words, epochs: int, warm_up: int = 0) -> list[Part]:
    """The rounds where a slice is a round, from the words of every (slice, shard).

    Of the first `warm_up` slices every shard is a round, so that nothing is merged while the vectors
    are still far from where they will be.
    """
    found = [
        Part(epoch, slice_, shards, range(0), sum(shards.values()))
        for epoch in range(1, epochs + 1)
        for slice_, shards in _slices(words).items()
    ]
    alone = [
        part._replace(shards={shard: part.shards[shard]}, words=part.shards[shard])
        for part in found[:warm_up]
        for shard in sorted(part.shards)
    ]
    return alone + found[warm_up:]


def parts_of_strata(words: Words, epochs: int, n_regions: int, strata_a_round: int) -> list[Part]:
    """The rounds where a slice is a pass over all its strata, some strata a round."""
    found = []
    for part in parts(words, epochs):
        for begin in range(0, n_regions, strata_a_round):
            end = min(begin + strata_a_round, n_regions)
            share = part.words * end // n_regions - part.words * begin // n_regions
            found.append(part._replace(strata=range(begin, end), words=share))
    return found


def _slices(words: Words) -> dict[int, dict[int, int]]:
    """The words of each shard, by slice; slices without words are out."""
    return {
        slice_: {shard: n for (s, shard), n in words.items() if s == slice_}
        for slice_ in sorted({slice_ for slice_, _ in words})
    }


def train(run: Run, strategy: Strategy, say: Callable[[str], None]) -> Record:
    """Train from the last published round to the end; the counts of the whole training.

    Raises InputError where a round has no pair to train on, ConfigError where the training diverges.
    """
    config, folder, manifest = run.config, run.folder, run.manifest
    schedule = strategy.parts
    done = int(manifest.stage("train").get("round", 0))
    lines = [line for line in read_metrics(folder) if line["round"] <= done]
    strategy.resume(done)
    total = sum(part.words for part in schedule)
    seen = sum(part.words for part in schedule[:done])
    started, began_at = time.monotonic(), seen
    if done:
        say(f"going on after round {done} of {len(schedule)}")

    for number, part in enumerate(schedule[done:], done + 1):
        round_started = time.monotonic()
        span = Span(seen / total, (seen + part.words) / total)
        metrics = summed(strategy.train(number, part, span), part, config)
        seen += part.words
        elapsed = time.monotonic() - round_started
        line = {
            "epoch": part.epoch,
            "slice": part.slice_,
            "round": number,
            "words": part.words,
            "rows": int(metrics.rows),
            "pairs": int(metrics.pairs),
            "loss": metrics.loss / metrics.pairs,
            "held_out_loss": strategy.held_out_loss(),
            "learning_rate": _rate_at(span.end, config),
            "words_per_second": round(part.words / elapsed),
            "cpu_microseconds_per_word": round(metrics.cpu_seconds / max(part.words, 1) * 1e6, 3),
            "bytes_moved": strategy.bytes_moved(part),
            "seconds": round(elapsed, 3),
        }
        lines.append(line)
        write_metrics(folder, lines)
        manifest.update("train", round=number, rounds=len(schedule))
        checkpoints.prune(folder, number)
        left = (time.monotonic() - started) / max(seen - began_at, 1) * (total - seen)
        say(_told(line, len(schedule), config.train.epochs, span.end, left))
    return {
        "rounds": len(schedule),
        "words": total,
        "pairs": sum(line["pairs"] for line in lines),
        "loss": lines[-1]["loss"],
        "held_out_loss": lines[-1]["held_out_loss"],
    }


def summed(of_workers: MetricsTable, part: Part, config: Config) -> Metrics:
    """What all workers did; InputError where that is nothing, ConfigError where it is nonsense."""
    metrics = Metrics(*of_workers.sum(axis=0)) if len(of_workers) else None
    if metrics is None or metrics.pairs == 0:
        raise InputError(
            f"slice {part.slice_} of epoch {part.epoch} has no pairs to train on; use fewer "
            "train.slices or train.shards, or a corpus whose documents have more than one known word"
        )
    if not np.isfinite(metrics.loss):
        raise ConfigError(
            [
                f"train.learning_rate = {config.train.learning_rate} makes the training diverge: the "
                f"loss of epoch {part.epoch} is no finite number any more; lower it"
            ]
        )
    return metrics


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
        f"{format_duration(seconds_left)} left"
    )
