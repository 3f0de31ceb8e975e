"""The requirements of a run that exceed its resources, and remedies."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from vecmill.config import Config
from vecmill.errors import ConfigError, VecmillError
from vecmill.formatting import GIB, MIB, format_bytes
from vecmill.planning.requirements import Requirements
from vecmill.planning.resources import Resources


class Shortage(NamedTuple):
    """What is needed, what is available, and the remedy, in a sentence.

    is_passing  whether this machine has enough, and other processes or files hold it at this moment
    """

    sentence: str
    is_passing: bool = False


def shortages(needed: Requirements, resources: Resources, config: Config) -> list[Shortage]:
    """All shortages."""
    return [
        *_memory_shortages(needed, resources, config),
        *(Shortage(sentence, True) for sentence in _disk_shortages(needed, resources, config)),
    ]


def memory_shortages(needed: Requirements, resources: Resources, config: Config) -> list[str]:
    """One sentence per shortage of memory."""
    return [shortage.sentence for shortage in _memory_shortages(needed, resources, config)]


def check_memory(needed: Requirements, resources: Resources, config: Config) -> None:
    """Raise ConfigError if a run cannot fit into the memory of this machine or of its executors.

    Raises VecmillError, whose exit code says to retry, if other processes hold the memory at this moment.
    """
    found = list(_memory_shortages(needed, resources, config))
    if found and all(shortage.is_passing for shortage in found):
        raise VecmillError(
            "; ".join(f"this run does not fit now: {shortage.sentence}" for shortage in found)
        )
    if found:
        raise ConfigError([f"this run cannot fit: {shortage.sentence}" for shortage in found])


def _smaller(config: Config) -> str:
    """The remedy that makes the model smaller, or the part of it that a worker holds."""
    if config.train.strategy == "blocked":
        return "raise train.shards, or lower train.dim or vocabulary.max_size"
    return (
        "lower train.dim or vocabulary.max_size, or set train.strategy = 'blocked', whose workers hold a "
        "part of the model"
    )


def _memory_shortages(needed: Requirements, resources: Resources, config: Config) -> Iterator[Shortage]:
    smaller = _smaller(config)
    here = needed.driver + resources.driver_heap + (needed.executor if resources.local else 0)
    if resources.available is not None and here > resources.available:
        fewer = (
            "name fewer cores (spark.master local[N]), " if resources.local and resources.slots > 1 else ""
        )
        lack = (
            f"memory of this machine: {format_bytes(here)} needed, {format_bytes(resources.available)} free"
        )
        if resources.total is not None and here <= resources.total:
            yield Shortage(
                f"{lack} of {format_bytes(resources.total)}, other processes hold the rest; try again when "
                f"they have ended, or {fewer}{smaller}",
                is_passing=True,
            )
        else:
            yield Shortage(f"{lack}; {fewer}{smaller}")
    yield from map(Shortage, _small_settings(needed, resources, smaller))


def _small_settings(needed: Requirements, resources: Resources, smaller: str) -> Iterator[str]:
    """The settings of Spark that are too small, one sentence for each."""
    if needed.heap > resources.heap:
        key = "spark.driver.memory" if resources.local else "spark.executor.memory"
        yield (
            f"{key}: {format_bytes(needed.heap)} needed to read a checkpoint, "
            f"{format_bytes(resources.heap)} given; set {key} {_setting(needed.heap)}, or {smaller}"
        )
    if 0 < resources.max_result < needed.collected:
        yield (
            f"spark.driver.maxResultSize: a round collects {format_bytes(needed.collected)}, "
            f"{format_bytes(resources.max_result)} allowed; set spark.driver.maxResultSize "
            f"{_setting(needed.collected * 1.1)}, or {smaller}"
        )
    if resources.contained and needed.executor > resources.overhead:
        yield (
            f"spark.executor.memoryOverhead: the Python workers of an executor take "
            f"{format_bytes(needed.executor)}, {format_bytes(resources.overhead)} given; set "
            f"spark.executor.memoryOverhead {_setting(needed.executor)}, or lower "
            f"spark.executor.cores, or {smaller}"
        )


def _disk_shortages(needed: Requirements, resources: Resources, config: Config) -> Iterator[str]:
    if resources.output_free is not None and needed.output > resources.output_free:
        biggest = max(needed.disk, key=lambda name: needed.disk[name])
        remedy = "lower train.dim or vocabulary.max_size"
        if biggest == "pairs":
            remedy = "lower train.epochs"
            if config.train.strategy != "blocked":
                remedy = "set pairs.materialize = false, or lower train.epochs"
        yield (
            f"disk of output.path ({config.output.path}): {format_bytes(needed.output)} needed, most of "
            f"it {biggest}, {format_bytes(resources.output_free)} free; {remedy}, or name another folder"
        )
    if resources.scratch_free is not None and needed.scratch > resources.scratch_free:
        yield (
            f"disk of spark.local.dir: {format_bytes(needed.scratch)} needed, "
            f"{format_bytes(resources.scratch_free)} free; set spark.local.dir to a larger disk"
        )


def _setting(count: float) -> str:
    """A size in the notation of Spark's settings, rounded up."""
    if count < 4 * GIB:
        return f"{math.ceil(count / MIB / 128) * 128}m"
    return f"{math.ceil(count / GIB)}g"
