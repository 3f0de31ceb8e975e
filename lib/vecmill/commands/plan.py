"""The command that tells what a run would need."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from vecmill.config import Config
from vecmill.errors import InputError
from vecmill.formatting import format_bytes
from vecmill.pipeline import engine
from vecmill.planning.corpus import EXPANSION, Corpus, counted_corpus, estimate
from vecmill.planning.requirements import Needs, needs
from vecmill.planning.resources import Place, place_of
from vecmill.planning.shortages import misfits
from vecmill.planning.strategy_choice import choose, with_settings
from vecmill.runs.directory import Manifest
from vecmill.spark import session
from vecmill.storage.files import Folder, list_input


def plan(arguments: argparse.Namespace) -> str:
    """The needs of a configuration and what of them does not fit, as text. Reads, and writes nothing.

    Raises ConfigError, or InputError where there is no input to measure.
    """
    config = Config.load(arguments.config, arguments.overrides)
    path = arguments.spark_conf
    properties = session.read_properties(path) if path else {}
    spark = session.build(properties)
    try:
        corpus = _look(spark, config)
        place = place_of(Folder(spark, config.output.path), properties)
    finally:
        spark.stop()
    reasons: tuple[str, ...] = ()
    if config.train.strategy == "auto":
        choice = choose(corpus, config, place)
        config, reasons = with_settings(config, choice.settings), choice.reasons
    needed = needs(corpus, config, place.slots, by_files=place.by_files)
    return "\n".join([*reasons, *([""] if reasons else []), told(corpus, needed, place, config)])


def told(corpus: Corpus, needed: Needs, place: Place, config: Config) -> str:
    """The whole plan as text, a line an item."""
    train = config.train
    executor = "this machine" if place.local else "one executor"
    passing = (
        [("what shards change", format_bytes(needed.left), "until it is merged")] if needed.left else []
    )
    lines = [
        ("tokens", f"{corpus.tokens:,}", f"{corpus.covered / corpus.tokens:.1%} in the vocabulary"),
        ("vocabulary", f"{corpus.vocabulary:,}", f"words of {train.dim} dimensions"),
        (
            "rows of pairs an epoch",
            f"{corpus.covered * corpus.keep_ratio:,.0f}",
            f"{corpus.keep_ratio:.1%} of tokens are kept by subsampling",
        ),
        ("model", format_bytes(needed.model), "the tables W and C"),
        *_section("memory"),
        ("one training task", format_bytes(needed.training_task), _task_note(config)),
        (
            f"Python workers of {executor}",
            format_bytes(needed.executor),
            f"{_many(place.slots, 'core')}, {_many(train.shards, 'shard')}",
        ),
        ("driver, Python", format_bytes(needed.driver), ""),
        ("JVM heap", format_bytes(needed.heap), "to read a checkpoint"),
        ("collected to the driver", format_bytes(needed.collected), "under spark.driver.maxResultSize"),
        *_section("moved"),
        ("a round", format_bytes(needed.moved_round), _round_note(config)),
        ("the whole training", format_bytes(needed.moved), _many(needed.rounds, "round")),
        *_section("disk"),
        *((f"{name}/", format_bytes(size), _disk_note(name, config)) for name, size in needed.disk.items()),
        *passing,
        ("output, in all", format_bytes(needed.output), _free(place.output_free)),
        ("spark.local.dir", format_bytes(needed.scratch), _free(place.scratch_free)),
    ]
    faults = misfits(needed, place, config)
    verdict = ["Everything that was looked at fits."]
    if faults:
        verdict = ["This does not fit:", *(f"- {fault}" for fault in faults)]
    return "\n".join([*_aligned(lines), "", *corpus.origin, *verdict])


def _section(name: str) -> list[tuple[str, str, str]]:
    return [("", "", ""), (name, "", "")]


def _aligned(lines: Sequence[tuple[str, str, str]]) -> Iterable[str]:
    names, values = (max(len(line[column]) for line in lines) for column in (0, 1))
    return (f"{a:<{names}}  {b:>{values}}  {c}".rstrip() for a, b, c in lines)


def _task_note(config: Config) -> str:
    if config.train.strategy == "blocked":
        return "Python: two regions, compiler, a bucket of pairs"
    return "Python: the model twice, compiler, rows"


def _round_note(config: Config) -> str:
    if config.train.strategy == "blocked":
        return "the pairs, and the model once a stratum and to the checkpoint"
    return f"{_many(config.train.shards, 'shard')}, the model out and back"


def _disk_note(name: str, config: Config) -> str:
    if name == "pairs" and not config.pairs.materialize:
        return "pairs.materialize is off"
    return {
        "pairs": _many(config.train.epochs, "epoch"),
        "model": "two checkpoints and the one being written",
    }.get(name, "")


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _free(count: int | None) -> str:
    return "" if count is None else f"{format_bytes(count)} free"


def _look(spark: SparkSession, config: Config) -> Corpus:
    """The corpus: counted where the output has its counts, else estimated."""
    folder = Folder(spark, config.output.path)
    files = list_input(spark, config.input.path) if config.input.path else []
    manifest = Manifest(folder)
    keys = engine.keys(config, files)
    if all(manifest.is_done(name, keys[name]) for name in ("tokenize", "vocabulary")):
        return counted_corpus(folder, manifest)
    if not files:
        raise InputError(
            f"input.format '{config.input.format}' has no file whose size could be looked at; "
            "run 'vecmill vocabulary' first, then plan with its counts"
        )
    text = sum(file.size * EXPANSION.get(Path(file.path).suffix, 1.0) for file in files)
    return estimate(text, config)
