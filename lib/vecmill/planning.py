"""What a run would need: memory, disk and traffic, as arithmetic over a few numbers of its text.

The factors were measured with Spark 4.3 on English text; each says what it was measured as.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vecmill.config import Config
from vecmill.core.sampling import keep_probability
from vecmill.errors import ConfigError, InputError
from vecmill.machine import (
    GIB,
    HEAP_BASE,
    MIB,
    PYTHON_BASE,
    available_memory,
    free_disk,
    parse_bytes,
    told_bytes,
)

# Models that the driver's Python holds at its peak, when a checkpoint is read: the last round's, the
# Arrow table as it came and as it was sorted, and the new one; 5.0 were seen at 0.4 and at 0.8 GB.
_DRIVER_MODELS = 5

# Heap that reading a checkpoint fills: of every task the part that it reads and one that waits to be
# fetched, each at most 128 MiB (spark.sql.files.maxPartitionBytes), and a multiple of their bytes.
# Seen with two tasks: 0.16 GB in 0.75 GB of heap; 0.4 GB in 2 GB and not in 1.5; 0.8 GB in 2 GB.
_PARTS_A_TASK = 2 * 128 * MIB
_HEAP_A_BYTE = 3.5

# What a training task has beside its models: Numba and its compiler, rows, Arrow's buffers. With models of
# 38 MB workers peaked at 451 to 531 MB, with 56 MB at 448 to 584.
_TASK_BYTES = 224 * MIB

# Bytes on disk: of a token as a word and as an id (1.7 to 1.8 both), and of a vocabulary's row (8 to 10).
_TOKEN_BYTES = 1.8
_VOCABULARY_ROW_BYTES = 10

# exports/ holds each number as 4 bytes in three files and as about 12 characters in two.
_EXPORT_NUMBER_BYTES = 3 * 4 + 2 * 12
_EXPORT_WORD_BYTES = 40

# Checkpoints that lie in the output at once: two are kept while the next is written.
_CHECKPOINTS = 3

# English text with spaces has a token for every 6.0 bytes. Heaps' law: of n tokens, 12.8 (n / m)^0.573
# words occur m times or more. Fitted on 0.25 to 17 million tokens of an encyclopedia; its values at
# 1 and at 5 occurrences, and the vocabularies published for 0.8 billion tokens, lie within a quarter.
_BYTES_A_TOKEN = 6.0
_HEAPS_FACTOR, _HEAPS_EXPONENT = 12.8, 0.573

# How much text a byte of a compressed file stands for.
_EXPANSION = {".gz": 3.0, ".bz2": 4.0, ".zst": 3.5, ".xz": 4.0, ".parquet": 2.0, ".orc": 2.0}


@dataclass(frozen=True)
class Corpus:
    """What the arithmetic has to know of the text.

    tokens      all tokens
    covered     tokens whose word is in the vocabulary
    vocabulary  words that get a vector
    keep_ratio  share of the covered tokens that subsampling keeps
    origin      how these are known, a sentence each
    """

    tokens: int
    covered: int
    vocabulary: int
    keep_ratio: float
    origin: tuple[str, ...]


@dataclass(frozen=True)
class Needs:
    """Bytes that a run needs, each at its peak.

    model          both tables, float32
    training_task  the Python worker of one training task: the model that came, its copy, compiler and rows
    merging_task   the Python worker of one merging task: the model, and a block of every shard
    executor       all Python workers of one executor (of the whole machine in local mode)
    heap           the JVM that reads a checkpoint
    driver         the driver's Python
    collected      what one collect brings to the driver: the limit is spark.driver.maxResultSize
    moved_round    the model out to every shard, and every shard's change back
    scratch        Spark's local folders: a broadcast, a round's shuffle, or that of the texts
    disk           what lies in the output at the end of training, table by table
    """

    model: int
    training_task: int
    merging_task: int
    executor: int
    heap: int
    driver: int
    collected: int
    rounds: int
    moved_round: int
    scratch: int
    disk: Mapping[str, int]

    @property
    def moved(self) -> int:
        """Over the network in all rounds."""
        return self.rounds * self.moved_round

    @property
    def output(self) -> int:
        """On disk in the output, all tables together."""
        return sum(self.disk.values())


@dataclass(frozen=True)
class Place:
    """Where a run would happen; sizes in bytes, None where unknown.

    local     one machine does everything, and its Python workers, heap and driver share its memory
    slots     tasks that run at once in one executor
    heap      of the JVM that reads checkpoints: the driver's where local, else an executor's
    overhead  what an executor's container has beside its heap, for Python workers
    """

    local: bool
    slots: int
    heap: int
    driver_heap: int
    overhead: int
    max_result: int
    available: int | None
    output_free: int | None
    scratch_free: int | None


def plan(arguments: argparse.Namespace) -> str:
    """The needs of a configuration and what of them does not fit, as text. Reads, and writes nothing.

    Raises ConfigError, or InputError where there is no input to measure.
    """
    from vecmill import session

    config = Config.load(arguments.config, arguments.overrides)
    path = arguments.spark_conf
    properties = session.read_properties(path) if path else {}
    spark = session.build(properties)
    try:
        corpus, output, held = _look(spark, config)
        place = _place(spark, properties, output, held)
    finally:
        spark.stop()
    needed = needs(corpus, config, place.slots)
    return told(corpus, needed, place, config)


def estimate(text_bytes: float, config: Config) -> Corpus:
    """The corpus that so many bytes of text are likely to be."""
    tokens = max(1, round(text_bytes / _BYTES_A_TOKEN))
    words = heaps(tokens, config.vocabulary.min_count)
    if config.vocabulary.max_size is not None:
        words = min(words, config.vocabulary.max_size)
    keep = zipf_keep_ratio(words, config.pairs.subsample)
    return Corpus(
        tokens,
        tokens,
        words,
        keep,
        (
            f"AN ESTIMATE from {told_bytes(text_bytes)} of text as if it were English prose: a token for "
            f"{_BYTES_A_TOKEN:g} bytes; {_HEAPS_FACTOR:g} (tokens / min_count)^{_HEAPS_EXPONENT:g} words "
            "(Heaps' law), whose counts fall as 1 / rank (Zipf's law).",
            "Markup, other languages and mixed sources can have several times the vocabulary; "
            "'vecmill vocabulary' counts both, and this plan then uses its counts.",
        ),
    )


def heaps(tokens: int, min_count: int) -> int:
    """About how many different words occur `min_count` times or more among so many tokens."""
    words = _HEAPS_FACTOR * math.pow(tokens / min_count, _HEAPS_EXPONENT)
    return max(1, min(tokens, round(words)))


def zipf_keep_ratio(words: int, subsample: float) -> float:
    """The share of tokens that subsampling keeps where counts fall as 1 / rank.

    0.778 for the 70,211 words of a corpus whose true share is 0.769 at 1e-3, and 0.591 for 0.592 at 1e-4.
    """
    # Only the first words are frequent enough to lose tokens; the rest has the sum of 1 / rank alone.
    head = np.arange(1, min(words, 1_000_000) + 1)
    share = 1 / head / (math.log(words) + np.euler_gamma + 1 / (2 * words))
    # Counts of 1e12 tokens, so that rounding to whole tokens does not matter.
    counts = np.maximum(1, share * 1e12).astype(np.int64)
    lost = 1 - keep_probability(counts, 10**12, subsample)
    return float(np.clip(1 - share @ lost, 0, 1))


def counted(stages: Mapping[str, Mapping[str, Any]], keep_ratio: float) -> Corpus:
    """The corpus as the records of a run's stages "tokenize" and "vocabulary" tell it."""
    vocabulary = stages["vocabulary"]
    return Corpus(
        stages["tokenize"]["tokens"],
        vocabulary["tokens_covered"],
        vocabulary["words"],
        keep_ratio,
        ("Tokens and vocabulary are counted: this output has them already.",),
    )


def needs(corpus: Corpus, config: Config, slots: int) -> Needs:
    """The needs of a run whose executors have `slots` tasks each at once."""
    train, pairs = config.train, config.pairs
    words, dim = corpus.vocabulary, train.dim
    table = 4 * words * dim
    model = 2 * table
    training_task = PYTHON_BASE + 2 * model + _TASK_BYTES
    merging_task = PYTHON_BASE + model + 3 * train.shards * min(MIB, table)
    blocks = max(1, math.ceil(model / MIB))
    rows = corpus.covered * corpus.keep_ratio * train.epochs
    # An id takes its information: 5 % above what was measured for 5,000 to 70,000 words.
    id_bytes = max(1.0, math.log2(max(words, 2)) / 8)
    pairs_bytes = rows * (1 + (pairs.window + 1) + pairs.negatives) * id_bytes
    return Needs(
        model=model,
        training_task=training_task,
        merging_task=merging_task,
        executor=max(
            min(slots, train.shards) * training_task,
            min(slots, blocks) * merging_task,
        ),
        heap=round(HEAP_BASE + _HEAP_A_BYTE * min(model, slots * _PARTS_A_TASK)),
        driver=PYTHON_BASE + _DRIVER_MODELS * model,
        collected=model,
        rounds=train.epochs * train.slices,
        moved_round=2 * train.shards * model,
        scratch=round(max((1 + train.shards) * model, 4 * corpus.covered)),
        disk={
            "tokens": round(_TOKEN_BYTES * corpus.tokens),
            "vocabulary": _VOCABULARY_ROW_BYTES * words,
            "texts": round(_TOKEN_BYTES * corpus.covered),
            "pairs": round(pairs_bytes) if pairs.materialize else 0,
            "model": _CHECKPOINTS * model,
            "vectors": table,
            "exports": words * (_EXPORT_NUMBER_BYTES * dim + _EXPORT_WORD_BYTES),
        },
    )


def misfits(needed: Needs, place: Place, config: Config) -> list[str]:
    """What does not fit, a sentence each: what is needed, what is there, and the remedy."""
    return list(_misfits(needed, place, config))


def _misfits(needed: Needs, place: Place, config: Config) -> Iterator[str]:
    smaller = "lower train.dim or vocabulary.max_size, or raise vocabulary.min_count"
    here = needed.driver + place.driver_heap + (needed.executor if place.local else 0)
    if place.available is not None and here > place.available:
        fewer = "name fewer cores (spark.master local[N]), " if place.local and place.slots > 1 else ""
        yield (
            f"memory of this machine: {told_bytes(here)} needed, {told_bytes(place.available)} free; "
            f"{fewer}{smaller}"
        )
    if needed.heap > place.heap:
        key = "spark.driver.memory" if place.local else "spark.executor.memory"
        yield (
            f"{key}: {told_bytes(needed.heap)} needed to read a checkpoint, {told_bytes(place.heap)} "
            f"given; set {key} {_setting(needed.heap)}, or {smaller}"
        )
    if 0 < place.max_result < needed.collected:
        yield (
            f"spark.driver.maxResultSize: a round collects {told_bytes(needed.collected)}, "
            f"{told_bytes(place.max_result)} allowed; set spark.driver.maxResultSize "
            f"{_setting(needed.collected * 1.1)}, or {smaller}"
        )
    if not place.local and needed.executor > place.overhead:
        yield (
            f"spark.executor.memoryOverhead: the Python workers of an executor take "
            f"{told_bytes(needed.executor)}, {told_bytes(place.overhead)} given; set "
            f"spark.executor.memoryOverhead {_setting(needed.executor)}, or lower "
            f"spark.executor.cores, or {smaller}"
        )
    if place.output_free is not None and needed.output > place.output_free:
        biggest = max(needed.disk, key=lambda name: needed.disk[name])
        remedy = smaller
        if biggest == "pairs":
            remedy = "set pairs.materialize = false, or lower train.epochs"
        yield (
            f"disk of output.path ({config.output.path}): {told_bytes(needed.output)} needed, most of "
            f"it {biggest}, {told_bytes(place.output_free)} free; {remedy}, or name another place"
        )
    if place.scratch_free is not None and needed.scratch > place.scratch_free:
        yield (
            f"disk of spark.local.dir: {told_bytes(needed.scratch)} needed, "
            f"{told_bytes(place.scratch_free)} free; set spark.local.dir to a larger disk"
        )


def told(corpus: Corpus, needed: Needs, place: Place, config: Config) -> str:
    """The whole plan as text, a line an item."""
    train = config.train
    executor = "this machine" if place.local else "one executor"
    lines = [
        ("tokens", f"{corpus.tokens:,}", f"{corpus.covered / corpus.tokens:.1%} in the vocabulary"),
        ("vocabulary", f"{corpus.vocabulary:,}", f"words of {train.dim} dimensions"),
        (
            "rows of pairs an epoch",
            f"{corpus.covered * corpus.keep_ratio:,.0f}",
            f"{corpus.keep_ratio:.1%} of tokens are kept by subsampling",
        ),
        ("model", told_bytes(needed.model), "the tables W and C"),
        *_section("memory"),
        ("one training task", told_bytes(needed.training_task), "Python: the model twice, compiler, rows"),
        (
            f"Python workers of {executor}",
            told_bytes(needed.executor),
            f"{_many(place.slots, 'core')}, {_many(train.shards, 'shard')}",
        ),
        ("driver, Python", told_bytes(needed.driver), f"the model {_DRIVER_MODELS} times"),
        ("JVM heap", told_bytes(needed.heap), "to read a checkpoint"),
        ("collected to the driver", told_bytes(needed.collected), "under spark.driver.maxResultSize"),
        *_section("moved"),
        ("broadcast a round", told_bytes(needed.model), "to each executor"),
        (
            "a round",
            told_bytes(needed.moved_round),
            f"{_many(train.shards, 'shard')}, the model out and back",
        ),
        ("the whole training", told_bytes(needed.moved), _many(needed.rounds, "round")),
        *_section("disk"),
        *((f"{name}/", told_bytes(size), _disk_note(name, config)) for name, size in needed.disk.items()),
        ("output, in all", told_bytes(needed.output), _free(place.output_free)),
        ("spark.local.dir", told_bytes(needed.scratch), _free(place.scratch_free)),
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
    return "" if count is None else f"{told_bytes(count)} free"


def _setting(count: float) -> str:
    """A size as Spark's settings want it, rounded up."""
    if count < 4 * GIB:
        return f"{math.ceil(count / MIB / 128) * 128}m"
    return f"{math.ceil(count / GIB)}g"


def _look(spark: Any, config: Config) -> tuple[Corpus, Path | None, int]:
    """The corpus, the output where it is a local folder, and how many bytes of it are there already."""
    from pyspark.sql import functions as F

    from vecmill import pipeline
    from vecmill.io import tables
    from vecmill.io.files import Folder, list_input, local_path
    from vecmill.io.run_directory import Manifest
    from vecmill.io.schemas import VOCABULARY

    folder = Folder(spark, config.output.path)
    files = list_input(spark, config.input.path) if config.input.path else []
    manifest = Manifest(folder)
    keys = pipeline.keys(config, files)
    held = folder.size(".") if folder.exists(".") else 0
    output = local_path(folder.qualified("."))
    if all(manifest.is_done(name, keys[name]) for name in ("tokenize", "vocabulary")):
        count, keep = F.col("count"), F.col("keep_probability")
        row = (
            tables.read(folder, "vocabulary", VOCABULARY)
            .agg((F.sum(count * keep) / F.sum(count)).alias("keep_ratio"))
            .collect()[0]
        )
        return counted(manifest.content["stages"], row["keep_ratio"]), output, held
    if not files:
        raise InputError(
            f"input.format '{config.input.format}' has no file whose size could be looked at; "
            "run 'vecmill vocabulary' first, then plan with its counts"
        )
    text = sum(file.size * _EXPANSION.get(Path(file.path).suffix, 1.0) for file in files)
    return estimate(text, config), output, held


def _place(spark: Any, properties: Mapping[str, str], output: Path | None, held: int) -> Place:
    settings = spark.sparkContext.getConf()

    def size(key: str, default: str, unit: int = MIB) -> int:
        try:
            return parse_bytes(settings.get(key, default), unit)
        except ValueError:
            raise ConfigError([f"{key} must be a size such as 2g, got {settings.get(key)!r}"]) from None

    # Settings of executors mean nothing on one machine; who gives them plans for a cluster.
    local = settings.get("spark.master").startswith("local") and not any(
        key.startswith("spark.executor.") for key in properties
    )
    heap = size("spark.executor.memory", "1g")
    derived = max(
        size("spark.executor.minMemoryOverhead", "384m"),
        round(float(settings.get("spark.executor.memoryOverheadFactor", "0.1")) * heap),
    )
    overhead = size("spark.executor.memoryOverhead", f"{derived}b")
    python = size("spark.executor.pyspark.memory", "0b")
    cores = spark.sparkContext.defaultParallelism
    if not local:
        cores = int(settings.get("spark.executor.cores", "1"))
    free = free_disk(output) if output else None
    scratch = settings.get("spark.local.dir", "/tmp").split(",")[0]
    driver_heap = size("spark.driver.memory", "1g")
    return Place(
        local=local,
        slots=max(1, cores // int(settings.get("spark.task.cpus", "1"))),
        heap=driver_heap if local else heap,
        driver_heap=driver_heap,
        overhead=overhead + python,
        max_result=size("spark.driver.maxResultSize", "1g", 1),
        available=available_memory(),
        output_free=None if free is None else free + held,
        scratch_free=free_disk(Path(scratch)) if local else None,
    )
