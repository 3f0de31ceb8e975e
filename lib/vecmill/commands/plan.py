"""`vecmill plan`: estimate the memory, disk and traffic of a run, and check that they fit."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vecmill.commands.command import Command
from vecmill.errors import ConfigError, VecmillError
from vecmill.formatting import format_bytes

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from vecmill.config import Config
    from vecmill.planning.corpus import Corpus
    from vecmill.planning.requirements import Requirements
    from vecmill.planning.resources import Resources
    from vecmill.planning.shortages import Shortage
    from vecmill.storage.store import Store

# Name, value and explanation of one line.
Line = tuple[str, str, str]


def run(arguments: argparse.Namespace) -> int:
    """Print the plan. The exit code is 1 if the run does not fit at this moment, and 2 if it never will."""
    text, missing = plan(arguments)
    print(text)
    if not missing:
        return 0
    is_passing = all(shortage.is_passing for shortage in missing)
    return VecmillError.exit_code if is_passing else ConfigError.exit_code


def plan(arguments: argparse.Namespace) -> tuple[str, Sequence[Shortage]]:
    """The requirements of a configuration and those that are not met, as text; the latter. Writes nothing.

    Raises ConfigError, and InputError if there is no input to measure.
    """
    from vecmill.config import Config
    from vecmill.planning.requirements import requirements
    from vecmill.planning.resources import resources_of
    from vecmill.planning.shortages import shortages
    from vecmill.planning.strategy_choice import choose, with_settings
    from vecmill.spark import session
    from vecmill.storage.stores import open_store

    config = Config.load(arguments.config, arguments.overrides)
    path = arguments.spark_conf
    properties = session.read_properties(path) if path else {}
    spark = session.build(properties)
    try:
        store = open_store(config.output.path, spark)
        corpus = read_corpus(spark, store, config)
        resources = resources_of(store, properties)
    finally:
        spark.stop()
    reasons: tuple[str, ...] = ()
    if config.train.strategy == "auto":
        choice = choose(corpus, config, resources)
        config, reasons = with_settings(config, choice.settings), choice.reasons
    required, largest = (
        requirements(size, config, resources.slots, by_files=resources.by_files)
        for size in (corpus, corpus.at_most())
    )
    missing = shortages(required, resources, config)
    lines = [*reasons, *([""] if reasons else [])]
    lines += format_plan(corpus, required, resources, config, missing)
    if corpus.between:
        lines += format_largest(corpus, largest, [] if missing else shortages(largest, resources, config))
    return "\n".join(lines), missing


def read_corpus(spark: SparkSession, store: Store, config: Config) -> Corpus:
    """The corpus: counted if the run has counted this text already, else estimated from a sample."""
    from vecmill.pipeline import PIPELINE, OutsideInput
    from vecmill.planning.corpus import counted_corpus, estimated_corpus
    from vecmill.runs.manifest import Manifest
    from vecmill.storage.input_files import list_input

    source = config.input
    files = list_input(spark, source.path) if source.path else []
    manifest = Manifest(store.files)
    resolved = PIPELINE.resolve(config, OutsideInput(files), manifest)
    if all(manifest.is_done(name, resolved[name].key) for name in ("tokenize", "vocabulary")):
        return counted_corpus(store, manifest)
    return estimated_corpus(spark, config)


def format_plan(
    corpus: Corpus,
    required: Requirements,
    resources: Resources,
    config: Config,
    missing: Sequence[Shortage],
) -> Iterator[str]:
    """The whole plan: one line per item, then whether everything fits."""
    from vecmill.planning.requirements import tables_of

    train = config.train
    tables = [table.name for table in tables_of(corpus, config)]
    executor = "this machine" if resources.local else "one executor"
    changes: list[Line] = []
    if required.left:
        changes = [("changes of the shards", format_bytes(required.left), "until they are merged")]
    lines: list[Line] = [
        (
            "tokens",
            f"{corpus.tokens:,}",
            f"{_between(corpus, 'tokens')}{corpus.covered / corpus.tokens:.1%} in the vocabulary",
        ),
        (
            "vocabulary",
            f"{corpus.vocabulary:,}",
            f"{_between(corpus, 'vocabulary')}words of {train.dim} dimensions",
        ),
        (
            "rows of pairs per epoch",
            f"{corpus.covered * corpus.keep_ratio:,.0f}",
            f"{corpus.keep_ratio:.1%} of tokens are kept by subsampling",
        ),
        ("model", format_bytes(required.model), f"tables {', '.join(tables)}"),
        *_heading("memory"),
        ("training task", format_bytes(required.training_task), _task_note(config)),
        (
            f"Python workers of {executor}",
            format_bytes(required.executor),
            f"{_count(resources.slots, 'core')}, {_count(train.shards, 'shard')}",
        ),
        ("driver, Python", format_bytes(required.driver), ""),
        ("JVM heap", format_bytes(required.heap), "to read a checkpoint"),
        ("collected to the driver", format_bytes(required.collected), "limit: spark.driver.maxResultSize"),
        *_heading("traffic"),
        ("per round", format_bytes(required.moved_round), _round_note(config)),
        ("whole training", format_bytes(required.moved), _count(required.rounds, "round")),
        *_heading("disk"),
        *(
            (f"{name}/", format_bytes(size), _disk_note(name, config))
            for name, size in required.disk.items()
        ),
        *changes,
        ("whole output", format_bytes(required.output), _free(resources.output_free)),
        ("spark.local.dir", format_bytes(required.scratch), _free(resources.scratch_free)),
    ]
    yield from _aligned(lines)
    yield ""
    yield from corpus.origin
    if missing:
        yield "This does not fit:"
        yield from (f"- {shortage.sentence}" for shortage in missing)
    else:
        yield "Everything that was checked fits."


def format_largest(corpus: Corpus, largest: Requirements, missing: Sequence[Shortage]) -> Iterator[str]:
    """What the largest corpus of the estimate would need, and whether only that does not fit."""
    yield (
        f"With {corpus.between['vocabulary'][1]:,} words: model {format_bytes(largest.model)}, training "
        f"task {format_bytes(largest.training_task)}, driver {format_bytes(largest.driver)}, output "
        f"{format_bytes(largest.output)}."
    )
    if missing:
        yield "That would not fit:"
        yield from (f"- {shortage.sentence}" for shortage in missing)


def _between(corpus: Corpus, name: str) -> str:
    """The limits of an estimate, widened to two or three digits: "47,000 to 120,000; "."""
    if name not in corpus.between:
        return ""
    low, high = corpus.between[name]
    low_unit, high_unit = (10 ** max(0, len(str(count)) - 3) for count in (low, high))
    return f"{low // low_unit * low_unit:,} to {-(-high // high_unit) * high_unit:,}; "


def _heading(name: str) -> list[Line]:
    return [("", "", ""), (name, "", "")]


def _aligned(lines: Sequence[Line]) -> Iterator[str]:
    names, values = (max(len(line[column]) for line in lines) for column in (0, 1))
    return (f"{a:<{names}}  {b:>{values}}  {c}".rstrip() for a, b, c in lines)


def _task_note(config: Config) -> str:
    if config.train.strategy == "blocked":
        return "Python: two regions, compiler, one bucket of pairs"
    return "Python: two copies of the model, compiler, rows"


def _round_note(config: Config) -> str:
    if config.train.strategy == "blocked":
        return "the pairs, and the model once per stratum and to the checkpoint"
    return f"{_count(config.train.shards, 'shard')}, the model out and back"


def _disk_note(name: str, config: Config) -> str:
    if name == "pairs" and not config.pairs.materialize:
        return "pairs.materialize is false"
    return {
        "pairs": _count(config.train.epochs, "epoch"),
        "model": "two checkpoints and the one being written",
    }.get(name, "")


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _free(count: int | None) -> str:
    return "" if count is None else f"{format_bytes(count)} free"


COMMAND = Command("plan", "estimate memory, disk and traffic of a run and check that they fit", run)
