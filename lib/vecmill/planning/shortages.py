"""What of a run does not fit where it would happen, and the remedy."""

from __future__ import annotations

import math
from collections.abc import Iterator

from vecmill.config import Config
from vecmill.formatting import GIB, MIB, format_bytes
from vecmill.planning.requirements import Needs
from vecmill.planning.resources import Place


def misfits(needed: Needs, place: Place, config: Config) -> list[str]:
    """What does not fit, a sentence each: what is needed, what is there, and the remedy."""
    return [*memory_misfits(needed, place, config), *_disk_misfits(needed, place, config)]


def memory_misfits(needed: Needs, place: Place, config: Config) -> list[str]:
    """The same of memory alone."""
    return list(_memory_misfits(needed, place, config))


def _smaller(config: Config) -> str:
    """What makes a model smaller, or a worker's part of it."""
    if config.train.strategy == "blocked":
        return "raise train.shards, or lower train.dim or vocabulary.max_size"
    return (
        "lower train.dim or vocabulary.max_size, or set train.strategy = 'blocked', whose workers hold a "
        "part of the model"
    )


def _memory_misfits(needed: Needs, place: Place, config: Config) -> Iterator[str]:
    smaller = _smaller(config)
    here = needed.driver + place.driver_heap + (needed.executor if place.local else 0)
    if place.available is not None and here > place.available:
        fewer = "name fewer cores (spark.master local[N]), " if place.local and place.slots > 1 else ""
        yield (
            f"memory of this machine: {format_bytes(here)} needed, {format_bytes(place.available)} free; "
            f"{fewer}{smaller}"
        )
    if needed.heap > place.heap:
        key = "spark.driver.memory" if place.local else "spark.executor.memory"
        yield (
            f"{key}: {format_bytes(needed.heap)} needed to read a checkpoint, {format_bytes(place.heap)} "
            f"given; set {key} {_setting(needed.heap)}, or {smaller}"
        )
    if 0 < place.max_result < needed.collected:
        yield (
            f"spark.driver.maxResultSize: a round collects {format_bytes(needed.collected)}, "
            f"{format_bytes(place.max_result)} allowed; set spark.driver.maxResultSize "
            f"{_setting(needed.collected * 1.1)}, or {smaller}"
        )
    if place.contained and needed.executor > place.overhead:
        yield (
            f"spark.executor.memoryOverhead: the Python workers of an executor take "
            f"{format_bytes(needed.executor)}, {format_bytes(place.overhead)} given; set "
            f"spark.executor.memoryOverhead {_setting(needed.executor)}, or lower "
            f"spark.executor.cores, or {smaller}"
        )


def _disk_misfits(needed: Needs, place: Place, config: Config) -> Iterator[str]:
    if place.output_free is not None and needed.output > place.output_free:
        biggest = max(needed.disk, key=lambda name: needed.disk[name])
        remedy = "lower train.dim or vocabulary.max_size"
        if biggest == "pairs":
            remedy = "lower train.epochs"
            if config.train.strategy != "blocked":
                remedy = "set pairs.materialize = false, or lower train.epochs"
        yield (
            f"disk of output.path ({config.output.path}): {format_bytes(needed.output)} needed, most of "
            f"it {biggest}, {format_bytes(place.output_free)} free; {remedy}, or name another place"
        )
    if place.scratch_free is not None and needed.scratch > place.scratch_free:
        yield (
            f"disk of spark.local.dir: {format_bytes(needed.scratch)} needed, "
            f"{format_bytes(place.scratch_free)} free; set spark.local.dir to a larger disk"
        )


def _setting(count: float) -> str:
    """A size as Spark's settings want it, rounded up."""
    if count < 4 * GIB:
        return f"{math.ceil(count / MIB / 128) * 128}m"
    return f"{math.ceil(count / GIB)}g"
