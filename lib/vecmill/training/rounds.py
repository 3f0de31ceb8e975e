"""The loop of rounds: train, publish a checkpoint, report; and resume after the last round.

The strategy decides on the rounds and trains them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from vecmill.config import Config
from vecmill.core.arrays import Doubles
from vecmill.core.schedule import Pace
from vecmill.core.shards import Metrics
from vecmill.errors import ConfigError, InputError
from vecmill.formatting import format_duration
from vecmill.runs.manifest import Record, read_metrics, write_metrics
from vecmill.runs.run import Run
from vecmill.spark.session import LARGE_ROWS, using
from vecmill.storage import checkpoints

# The words of every (slice, shard).
Words = Mapping[tuple[int, int], int]


class RoundWork(NamedTuple):
    """What one round trains.

    shards  the words of each shard of its slice
    strata  the strata of the pass, in blocked training
    words   words of text that the round counts for
    """

    epoch: int
    slice_: int
    shards: Mapping[int, int]
    strata: range
    words: int


class Strategy(Protocol):
    """How many workers train one model, round by round."""

    schedule: Sequence[RoundWork]

    def resume(self, number: int) -> None:
        """Start from the checkpoint of round `number`, or from fresh tables if it is 0."""

    def train(self, number: int, work: RoundWork, pace: Pace) -> Doubles:
        """Train a round and publish its checkpoint; one row of `core.shards.Metrics` per worker."""

    def held_out_loss(self) -> float | None:
        """Nats per pair of the held-out texts after the last round; None if there are none."""

    def bytes_moved(self, work: RoundWork) -> int:
        """Bytes of parameters that a round sends to workers and back."""


def rounds_of_slices(words: Words, epochs: int, warm_up: int = 0) -> list[RoundWork]:
    """The rounds if a slice is a round.

    In the first `warm_up` slices every shard is a round, so that nothing is merged while the vectors still
    change much.
    """
    found = [
        RoundWork(epoch, slice_, shards, range(0), sum(shards.values()))
        for epoch in range(1, epochs + 1)
        for slice_, shards in _slices(words).items()
    ]
    alone = [
        work._replace(shards={shard: work.shards[shard]}, words=work.shards[shard])
        for work in found[:warm_up]
        for shard in sorted(work.shards)
    ]
    return alone + found[warm_up:]


def rounds_of_strata(words: Words, epochs: int, n_regions: int, strata_per_round: int) -> list[RoundWork]:
    """The rounds if a slice is a pass over all its strata, with some strata per round."""
    found = []
    for work in rounds_of_slices(words, epochs):
        for begin in range(0, n_regions, strata_per_round):
            end = min(begin + strata_per_round, n_regions)
            share = work.words * end // n_regions - work.words * begin // n_regions
            found.append(work._replace(strata=range(begin, end), words=share))
    return found


def _slices(words: Words) -> dict[int, dict[int, int]]:
    """The words of each shard, by slice; slices without words are left out."""
    return {
        slice_: {shard: n for (s, shard), n in words.items() if s == slice_}
        for slice_ in sorted({slice_ for slice_, _ in words})
    }


def train(run: Run, strategy: Strategy, say: Callable[[str], None]) -> Record:
    """Train from the last published round to the end; the counts of the whole training.

    Raises InputError if a round has no pair to train on, ConfigError if the training diverges.
    """
    config, manifest = run.config, run.manifest
    schedule = strategy.schedule
    done = _resume(run, strategy, say)
    lines = [line for line in read_metrics(run.files) if line["round"] <= done]
    total = sum(work.words for work in schedule)
    seen = sum(work.words for work in schedule[:done])
    started, seen_at_start = time.monotonic(), seen
    if done:
        say(f"resuming after round {done} of {len(schedule)}")

    for number, work in enumerate(schedule[done:], done + 1):
        round_started = time.monotonic()
        pace = pace_of(config, seen / total, (seen + work.words) / total)
        metrics = summed(strategy.train(number, work, pace), work, config)
        seen += work.words
        elapsed = time.monotonic() - round_started
        line = {
            "epoch": work.epoch,
            "slice": work.slice_,
            "round": number,
            "words": work.words,
            "pairs": int(metrics.pairs),
            "loss": metrics.loss / metrics.pairs,
            "held_out_loss": strategy.held_out_loss(),
            "learning_rate": float(pace.rates(np.array([1.0]))[0]),
            "words_per_second": round(work.words / elapsed),
            "cpu_microseconds_per_word": round(metrics.cpu_seconds / max(work.words, 1) * 1e6, 3),
            "bytes_moved": strategy.bytes_moved(work),
            "seconds": round(elapsed, 3),
        }
        lines.append(line)
        write_metrics(run.files, lines)
        manifest.update("train", round=number, rounds=len(schedule))
        checkpoints.prune(run.store, number)
        left = (time.monotonic() - started) / max(seen - seen_at_start, 1) * (total - seen)
        say(_format_round(line, len(schedule), config.train.epochs, pace.end, left))
    return {
        "rounds": len(schedule),
        "words": total,
        "pairs": sum(line["pairs"] for line in lines),
        "loss": lines[-1]["loss"],
        "held_out_loss": lines[-1]["held_out_loss"],
    }


def _resume(run: Run, strategy: Strategy, say: Callable[[str], None]) -> int:
    """Resume from the last checkpoint that is whole: the recorded one, or the one before it; its round.

    Raises InputError if both are damaged.
    """
    recorded = int(run.manifest.stage("train").get("round", 0))
    if not recorded:
        strategy.resume(0)
        return 0
    try:
        check_checkpoint(run, recorded)
        strategy.resume(recorded)
        return recorded
    except InputError as error:
        before = recorded - 1
        if before:
            try:
                check_checkpoint(run, before)
                strategy.resume(before)
            except InputError:
                raise error from None
        else:
            strategy.resume(0)
        since = f"after round {before}" if before else "from the start"
        say(f"the checkpoint of round {recorded} cannot be used; training again {since} ({error})")
        return before


def check_checkpoint(run: Run, round_: int) -> None:
    """Raise InputError unless a checkpoint is whole; reads all of it once, some blocks at a time."""
    name = checkpoints.name(round_)
    run.store.check_whole(name)
    with using(run.spark, LARGE_ROWS):
        found = checkpoints.read_rows(run.store, round_, np.zeros(0, np.int32))
    if not len(found.metrics):
        raise InputError(
            f"{run.files.path(name)} holds no parameters to resume from; remove it to train anew"
        )


def pace_of(config: Config, begin: float, end: float) -> Pace:
    """The learning rates of a round between two shares of the whole training."""
    return Pace(begin, end, config.train.learning_rate, config.train.min_learning_rate)


def summed(of_workers: Doubles, work: RoundWork, config: Config) -> Metrics:
    """The sum over all workers; InputError if they trained no pair, ConfigError if the loss diverged."""
    metrics = Metrics(*of_workers.sum(axis=0)) if len(of_workers) else None
    if metrics is None or metrics.pairs == 0:
        raise InputError(
            f"slice {work.slice_} of epoch {work.epoch} has no pairs to train on; use fewer "
            "train.slices or train.shards, or a corpus whose documents have more than one known word"
        )
    if not np.isfinite(metrics.loss):
        raise ConfigError(
            [
                f"train.learning_rate = {config.train.learning_rate} makes the training diverge: the "
                f"loss of epoch {work.epoch} is not finite; lower it"
            ]
        )
    return metrics


def _format_round(line: Record, rounds: int, epochs: int, share: float, seconds_left: float) -> str:
    held_out = line["held_out_loss"]
    return (
        f"round {line['round']}/{rounds}  epoch {line['epoch']}/{epochs}  {share:6.1%}  "
        f"loss {line['loss']:.4f}  "
        + (f"held-out {held_out:.4f}  " if held_out is not None else "")
        + f"rate {line['learning_rate']:.5f}  {line['words_per_second']:,} words/s"
        + (f"  {format_duration(seconds_left)} left" if line["round"] < rounds else "")
    )
