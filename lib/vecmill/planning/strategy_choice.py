"""`train.strategy = "auto"`: which strategy, and with how many shards, slices and threads.

What was measured (README, "How good it is"): one shard with threads is as good as training gets, and
quickest while one machine has the text done in time. Blocked training is as good with any number of
workers, provided that an epoch is cut into a few passes; averaging is not, whatever it is merged by. So the
choice is between one shard and blocked training, and goes by the seconds that each is likely to take.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from vecmill.config import Config
from vecmill.core import kernels
from vecmill.formatting import format_duration
from vecmill.planning.corpus import Corpus
from vecmill.planning.requirements import needs
from vecmill.planning.resources import Place
from vecmill.planning.shortages import memory_misfits

# The best rate of one shard and of blocked training alike.
_LEARNING_RATE = 0.05

# Passes an epoch that blocked training needs to be as good as one shard: with 8, 32 and 128 workers 8 were
# enough, while 4 cost 128 workers a point of analogies, and all of them one of WordSim-353.
_SLICES = 8

# More regions than this leave a stratum so little text that starting its tasks takes longer.
_MOST_REGIONS = 1024

# Threads that share one copy of the tables, at most: what was tried does not reach further.
_MOST_THREADS = 32

# Regions of W weigh the same but for that of the hottest word, and buckets less so: the heaviest words meet
# each other. A stratum waits for its busiest worker, seen to have 1.03, 1.24 and 2.7 times the mean of 8,
# 32 and 128 workers on 16.7 million words whose hottest was 1.2 % of them.
_UNEVEN_REGIONS = 160

# Seconds of one core for a word of 100 dimensions, by kernel; of a round or a stratum beside its tasks,
# and of every wave of its tasks; and bytes a second at which an executor takes in or hands on parameters.
# With 2 cores an epoch of 16.5 million words took 5.6 s where the model says 6.7, and a stratum of eight
# workers on 4 million words 1.1 s, as it says.
_WORD_SECONDS = {"numba": 0.7e-6, "numpy": 4.5e-6}
_ROUND_SECONDS = 0.3
_WAVE_SECONDS = 0.03
_BYTES_A_SECOND = 200e6


class Choice(NamedTuple):
    """What "auto" stands for, and why, a sentence each."""

    strategy: str
    shards: int
    slices: int
    threads: int
    learning_rate: float
    reasons: tuple[str, ...]

    @property
    def settings(self) -> dict[str, Any]:
        """The keys of [train] that it sets."""
        return {key: value for key, value in self._asdict().items() if key != "reasons"}


class _Candidate(NamedTuple):
    config: Config
    seconds: float
    misfits: tuple[str, ...]


def with_settings(config: Config, settings: dict[str, Any]) -> Config:
    """The configuration with other values of [train]."""
    return config.model_copy(update={"train": config.train.model_copy(update=settings)})


def choose(corpus: Corpus, config: Config, place: Place) -> Choice:
    """What suits this text, this model and this place; the quickest of what fits into memory.

    Where nothing fits it is what needs least of a worker, so that the refusal names the true lack.
    """
    candidates = list(_candidates(corpus, config, place))
    alone = candidates[0]
    fitting = [candidate for candidate in candidates if not candidate.misfits]
    chosen = min(fitting, key=lambda candidate: candidate.seconds) if fitting else candidates[-1]
    train = chosen.config.train
    return Choice(
        train.strategy,
        train.shards,
        train.slices,
        train.threads,
        train.learning_rate,
        tuple(_reasons(corpus, alone, chosen, fitting)),
    )


def _candidates(corpus: Corpus, config: Config, place: Place) -> Iterator[_Candidate]:
    """One shard first, then blocked training with ever more workers."""
    compiled = kernels.choose(config.train.kernel).name == "numba"
    rate = config.train.learning_rate
    if "learning_rate" not in config.train.model_fields_set:
        rate = max(_LEARNING_RATE, config.train.min_learning_rate)
    of_all = {"merge": "mean", "learning_rate": rate}
    # One task has a whole executor's cores, since no other runs beside it.
    threads = min(place.slots * place.threads, _MOST_THREADS) if compiled else 1
    one = {"strategy": "averaging", "shards": 1, "slices": 1, "threads": threads}
    yield _candidate(corpus, with_settings(config, of_all | one), place)
    for shards in _worker_counts(place, min(_MOST_REGIONS, corpus.vocabulary)):
        if not config.pairs.materialize:
            break
        many = {"strategy": "blocked", "shards": shards, "slices": _SLICES}
        many["threads"] = min(place.threads, _MOST_THREADS) if compiled else 1
        yield _candidate(corpus, with_settings(config, of_all | many), place)


def _worker_counts(place: Place, most: int) -> list[int]:
    """Powers of two, and as many as run at once; rising."""
    counts = {2**power for power in range(1, _MOST_REGIONS.bit_length())}
    return sorted(count for count in counts | {place.executors * place.slots} if 2 <= count <= most)


def _candidate(corpus: Corpus, config: Config, place: Place) -> _Candidate:
    needed = needs(corpus, config, place.slots, by_files=place.by_files)
    seconds = _epoch_seconds(corpus, config, place, needed.model)
    return _Candidate(config, seconds, tuple(memory_misfits(needed, place, config)))


def _epoch_seconds(corpus: Corpus, config: Config, place: Place, model: int) -> float:
    """About how long an epoch takes."""
    train = config.train
    at_once = min(train.shards, place.executors * place.slots)
    work = corpus.covered * _WORD_SECONDS[kernels.choose(train.kernel).name] * train.dim / 100
    work *= max(1 / at_once, _busiest_share(corpus, train.shards)) / train.threads
    rounds = train.slices * (train.shards if train.strategy == "blocked" else 1)
    waves = -(-train.shards // at_once)
    moved = 2 * model / min(place.executors, train.shards)
    return work + rounds * (_ROUND_SECONDS + waves * _WAVE_SECONDS + moved / _BYTES_A_SECOND)


def _busiest_share(corpus: Corpus, shards: int) -> float:
    """Of a stratum's work, that of the worker for which the others wait; of one shard's, all."""
    if shards == 1:
        return 1.0
    return max(1 / shards, corpus.hottest) * (1 + shards / _UNEVEN_REGIONS)


def _reasons(
    corpus: Corpus, alone: _Candidate, chosen: _Candidate, fitting: list[_Candidate]
) -> Iterator[str]:
    train = chosen.config.train
    yield (
        f"{_told(chosen.config)}: {corpus.covered:,} words in {train.dim} dimensions take about "
        f"{format_duration(chosen.seconds)} an epoch"
    )
    if not fitting:
        yield "nothing fits into the memory that is there"
    elif chosen is not alone and alone.misfits:
        yield f"one shard does not fit: {alone.misfits[0]}"
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


def _told(config: Config) -> str:
    train = config.train
    workers = "one shard" if train.shards == 1 else f"{train.strategy}, {train.shards} workers"
    passes = f", {train.slices} passes an epoch" if train.strategy == "blocked" else ""
    threads = f", {train.threads} threads each" if train.threads > 1 else ""
    return f"{workers}{passes}{threads} at a rate of {train.learning_rate:g}"
