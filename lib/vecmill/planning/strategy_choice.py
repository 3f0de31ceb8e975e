"""`train.strategy = "auto"`: which strategy, and with how many shards, slices and threads.

Measurements show: one shard with threads is as accurate as training gets, and fastest as long as one
machine trains the text in time. Blocked training is as accurate with any number of workers if an epoch
is cut into a few passes; averaging is not, however it merges. So the choice is between one shard and
blocked training, by the estimated seconds of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from vecmill.config import Config
from vecmill.formatting import format_duration
from vecmill.planning.corpus import Corpus
from vecmill.planning.requirements import requirements
from vecmill.planning.resources import Resources
from vecmill.planning.shortages import memory_shortages

# Passes per epoch that blocked training needs to be as good as one shard: 8 were enough with 8, 32 and 128
# workers, while 4 cost 128 workers a point of analogies, and all of them a point of WordSim-353.
_SLICES = 8

# With more regions a stratum has so little text that starting its tasks takes longer than training it.
_MOST_REGIONS = 1024

# The speed of several threads on one copy of the tables relative to one thread: 2.96, 4.71, 6.83, 10.1 and
# 13.2 million words per second on a machine of 16 hardware threads, with the same accuracy.
_THREADS = (1, 2, 4, 8, 16)
_SPEED_UP = (1.0, 1.59, 2.31, 3.41, 4.46)
# More threads were not measured.
_MOST_THREADS = _THREADS[-1]

# Regions have about the same work, except that of the most frequent word. Buckets differ more, since
# frequent words are paired with each other. A stratum ends with its busiest worker, which had 1.03, 1.24
# and 2.7 times the mean work of 8, 32 and 128 workers on 16.7 million words, 1.2 % of which were one word.
_UNEVEN_REGIONS = 160

# Seconds of a round or a stratum beside its tasks, and per wave of its tasks; and the bytes of parameters
# that an executor receives or sends per second. With 2 cores an epoch of 16.5 million words took 5.6 s, and
# a stratum of eight workers on 4 million words 1.1 s.
_ROUND_SECONDS = 0.3
_WAVE_SECONDS = 0.03
_BYTES_PER_SECOND = 200e6


class StrategyChoice(NamedTuple):
    """The settings that "auto" stands for, and the reasons, one sentence each."""

    strategy: str
    shards: int
    slices: int
    threads: int
    learning_rate: float
    reasons: tuple[str, ...]

    @property
    def settings(self) -> dict[str, Any]:
        """The keys of [train] that the choice sets."""
        return {key: value for key, value in self._asdict().items() if key != "reasons"}


class _Candidate(NamedTuple):
    config: Config
    seconds: float
    shortages: tuple[str, ...]


def with_settings(config: Config, settings: dict[str, Any]) -> Config:
    """The configuration with other values of [train]."""
    return config.model_copy(update={"train": config.train.model_copy(update=settings)})


def choose(corpus: Corpus, config: Config, resources: Resources) -> StrategyChoice:
    """The fastest candidate that fits into memory.

    If none fits, it is the one that needs least memory per worker, so that the refusal names the true
    shortage.
    """
    candidates = list(_candidates(corpus, config, resources))
    alone = candidates[0]
    fitting = [candidate for candidate in candidates if not candidate.shortages]
    chosen = min(fitting, key=lambda candidate: candidate.seconds) if fitting else candidates[-1]
    train = chosen.config.train
    return StrategyChoice(
        train.strategy,
        train.shards,
        train.slices,
        train.threads,
        train.learning_rate,
        tuple(_reasons(corpus, alone, chosen, fitting)),
    )


def _candidates(corpus: Corpus, config: Config, resources: Resources) -> Iterator[_Candidate]:
    """One shard, then blocked training with rising numbers of workers."""
    compiled = config.kernel.library == "numba"
    model = config.build_model()
    rate = config.train.learning_rate
    if "learning_rate" not in config.train.model_fields_set:
        rate = max(model.learning_rate, config.train.min_learning_rate)
    of_all = {"merge": "mean", "learning_rate": rate}
    # One task has all cores of an executor, since no other task runs beside it.
    threads = min(resources.slots * resources.threads, _MOST_THREADS) if compiled else 1
    one = {"strategy": "averaging", "shards": 1, "slices": 1, "threads": threads}
    yield _candidate(corpus, with_settings(config, of_all | one), resources)
    for shards in _worker_counts(resources, min(_MOST_REGIONS, corpus.vocabulary)):
        if not config.pairs.materialize or config.kernel.library not in model.bucket_kernels:
            break
        many = {"strategy": "blocked", "shards": shards, "slices": _SLICES}
        many["threads"] = min(resources.threads, _MOST_THREADS) if compiled else 1
        yield _candidate(corpus, with_settings(config, of_all | many), resources)


def _worker_counts(resources: Resources, most: int) -> list[int]:
    """Powers of two, and the number of tasks that run at once, in rising order."""
    counts = {2**power for power in range(1, _MOST_REGIONS.bit_length())}
    return sorted(count for count in counts | {resources.executors * resources.slots} if 2 <= count <= most)


def _candidate(corpus: Corpus, config: Config, resources: Resources) -> _Candidate:
    needed = requirements(corpus, config, resources.slots, by_files=resources.by_files)
    seconds = _epoch_seconds(corpus, config, resources, needed.model)
    return _Candidate(config, seconds, tuple(memory_shortages(needed, resources, config)))


def _epoch_seconds(corpus: Corpus, config: Config, resources: Resources, model: int) -> float:
    """The approximate seconds of an epoch."""
    train = config.train
    at_once = min(train.shards, resources.executors * resources.slots)
    word_seconds = config.build_model().word_seconds[config.kernel.library]
    work = corpus.covered * word_seconds * train.dim / 100
    work *= max(1 / at_once, _busiest_share(corpus, train.shards)) / speed_up(train.threads)
    rounds = train.slices * (train.shards if train.strategy == "blocked" else 1)
    waves = -(-train.shards // at_once)
    moved = 2 * model / min(resources.executors, train.shards)
    return work + rounds * (_ROUND_SECONDS + waves * _WAVE_SECONDS + moved / _BYTES_PER_SECOND)


def speed_up(threads: int) -> float:
    """How many times as fast as one thread several threads are, interpolated by log2 of their number."""
    return float(np.interp(np.log2(threads), np.log2(_THREADS), _SPEED_UP))


def _busiest_share(corpus: Corpus, shards: int) -> float:
    """The share of the busiest worker in the work of a stratum; 1 with one shard."""
    if shards == 1:
        return 1.0
    return max(1 / shards, corpus.hottest) * (1 + shards / _UNEVEN_REGIONS)


def _reasons(
    corpus: Corpus, alone: _Candidate, chosen: _Candidate, fitting: list[_Candidate]
) -> Iterator[str]:
    train = chosen.config.train
    yield (
        f"{_format_strategy(chosen.config)}: {corpus.covered:,} words in {train.dim} dimensions take about "
        f"{format_duration(chosen.seconds)} per epoch"
    )
    if not fitting:
        yield "no strategy fits into the available memory"
    elif chosen is not alone and alone.shortages:
        yield f"one shard does not fit: {alone.shortages[0]}"
    elif chosen is not alone:
        yield f"one shard would take about {format_duration(alone.seconds)}"
    else:
        others = [candidate for candidate in fitting if candidate is not alone]
        if others:
            best = min(others, key=lambda candidate: candidate.seconds)
            yield (
                f"{best.config.train.shards} workers would take about {format_duration(best.seconds)}, "
                "most of it to start tasks and to send parameters"
            )


def _format_strategy(config: Config) -> str:
    train = config.train
    workers = "one shard" if train.shards == 1 else f"{train.strategy}, {train.shards} workers"
    passes = f", {train.slices} passes per epoch" if train.strategy == "blocked" else ""
    threads = f", {train.threads} threads each" if train.threads > 1 else ""
    return f"{workers}{passes}{threads} at a rate of {train.learning_rate:g}"
