"""What each stage does in a run: read its tables, call the stage, check, publish, count."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import pyarrow.compute as pc
from pyspark import Broadcast
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from vecmill.config import Config
from vecmill.core import kernels
from vecmill.core.blocks import block_rows
from vecmill.errors import ConfigError, InputError, QualityError
from vecmill.evaluation import score_table, scores, word_tests
from vecmill.examples import buckets, pairs
from vecmill.formatting import format_bytes
from vecmill.pipeline import vocabulary, word_vectors
from vecmill.pipeline.tokenize import python_tokenizer
from vecmill.pipeline.tokenize import tokenize as tokenize_documents
from vecmill.planning.corpus import counted_corpus
from vecmill.planning.requirements import needs
from vecmill.planning.resources import place_of
from vecmill.planning.shortages import memory_misfits
from vecmill.planning.strategy_choice import choose, with_settings
from vecmill.runs.run import Run, pair_settings, read_sampling_tables, vocabulary_columns
from vecmill.spark.session import LARGE_ROWS, LONG_ROWS, ONE_FILE_ONE_TASK, using
from vecmill.storage import checkpoints, long_rows, tables, task_files
from vecmill.storage.schemas import (
    BLOCKS,
    BUCKETS,
    PAIRS,
    PAIRS_BY,
    TEXTS,
    TEXTS_BY,
    TOKENS,
    VECTORS,
    VOCABULARY,
)
from vecmill.storage.task_files import TaskTable
from vecmill.training import held_out, rounds
from vecmill.training.averaging.driver import Averaging
from vecmill.training.blocked.driver import Blocked, read_expected
from vecmill.vectors import exports, sources

EVALUATION = "evaluation.json"


Step = Callable[[Run], Mapping[str, Any]]


def tokenize(run: Run) -> Mapping[str, Any]:
    """The input to tokens/. Raises InputError where there is no token in it."""
    settings, source = run.config.tokenizer, run.config.input
    documents = tables.read_documents(
        run.spark,
        format=source.format,
        path=source.path,
        column=source.text_column,
        options=source.options,
        tokenized=settings.kind == "column",
    )
    if settings.kind == "regex" and settings.pattern:
        _check_pattern(run.spark, settings.pattern)
    if settings.kind == "python":
        _check_function(settings.pattern or "")
    observed = Observation()
    tokens = tokenize_documents(
        documents,
        column=source.text_column,
        kind=settings.kind,
        lowercase=settings.lowercase,
        pattern=settings.pattern,
        min_length=settings.min_length,
        counts=observed,
    )
    staged = task_files.stage([TaskTable(*tokens)], run.folder, "tokens", TOKENS)
    counts = {name: int(value or 0) for name, value in observed.get.items()}
    if staged.elements == 0:
        raise InputError(
            f"input.path: {source.path} holds no token ({counts['documents']:,} documents, "
            f"{counts['null_documents']:,} of them null); check input.column and the tokenizer"
        )
    run.folder.publish(staged.place, "tokens")
    empty = counts["documents"] - counts["null_documents"] - staged.rows
    return {**counts, "empty_documents": empty, "tokens": staged.elements}


def _check_pattern(spark: SparkSession, pattern: str) -> None:
    try:
        spark.range(1).select(F.regexp_extract_all(F.lit("a"), F.lit(pattern), F.lit(0))).collect()
    except PySparkException as error:
        raise ConfigError(
            [
                f"tokenizer.pattern must be a Java regular expression, got {pattern!r}: "
                f"{tables.first_line(error)}"
            ]
        ) from error


def _check_function(name: str) -> None:
    try:
        python_tokenizer(name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            [
                f"tokenizer.pattern: {name} cannot be imported ({error}); "
                "give its module with --py-files, or install it"
            ]
        ) from error


def _reading_documents(step: Step) -> Step:
    """The step, with documents read one at a time, since they may be of any length."""

    @functools.wraps(step)
    def careful(run: Run) -> Mapping[str, Any]:
        with using(run.spark, LONG_ROWS):
            return step(run)

    return careful


@_reading_documents
def build_vocabulary(run: Run) -> Mapping[str, Any]:
    """tokens/ to vocabulary/. Raises InputError where min_count leaves no word."""
    settings = run.config.vocabulary
    observed = Observation()
    words = vocabulary.count_words(*long_rows.read(run.folder, "tokens", TOKENS))
    table = vocabulary.build_vocabulary(
        words.observe(observed, F.count(F.lit(1)).alias("words_seen")),
        min_count=settings.min_count,
        max_size=settings.max_size,
        subsample=run.config.pairs.subsample,
        noise_exponent=run.config.pairs.noise_exponent,
    )
    staged = task_files.stage([TaskTable(*table)], run.folder, "vocabulary", VOCABULARY)
    if staged.rows == 0:
        top = words.sort(F.desc("count"), "word").first()
        assert top is not None
        raise InputError(
            f"vocabulary.min_count = {settings.min_count} leaves no word: the most frequent, "
            f"{top['word']!r}, occurs {top['count']:,} times; lower it or give more text"
        )
    run.folder.publish(staged.place, "vocabulary")
    covered = pc.sum(vocabulary_columns(run.folder, "count")["count"]).as_py()
    return {"words": staged.rows, "words_seen": observed.get["words_seen"], "tokens_covered": covered}


def plan(run: Run) -> Mapping[str, Any]:
    """What the run needs and how it is trained. Raises ConfigError where it cannot fit into memory."""
    corpus = counted_corpus(run.folder, run.manifest)
    place = place_of(run.folder, {})
    config, chosen = run.config, {}
    if config.train.strategy == "auto":
        choice = choose(corpus, config, place)
        for reason in choice.reasons:
            run.say("plan", reason)
        config, chosen = with_settings(config, choice.settings), {"settings": choice.settings}
    needed = needs(corpus, config, place.slots, by_files=place.by_files)
    faults = memory_misfits(needed, place, config)
    if faults:
        raise ConfigError([f"this run cannot fit: {fault}" for fault in faults])
    run.say(
        "plan",
        f"memory: {format_bytes(needed.training_task)} per training task, {format_bytes(needed.driver)} for the "
        f"driver; disk: {format_bytes(needed.output)}",
    )
    return {**chosen, "needs": asdict(needed)}


@_reading_documents
def encode_texts(run: Run) -> Mapping[str, Any]:
    """tokens/ and vocabulary/ to texts/, with the words of every slice and shard counted."""
    settings = run.config.train
    tokens = long_rows.read(run.folder, "tokens", TOKENS)
    words = run.spark.sparkContext.broadcast(vocabulary_columns(run.folder, "word")["word"])
    try:
        texts = pairs.encode(
            tokens.partitions,
            words,
            tokens.read,
            slices=settings.slices,
            shards=settings.shards,
            holdout=settings.holdout,
            seed=settings.seed,
        )
        as_they_are = TaskTable(texts, lambda batches: batches)
        staged = task_files.stage([as_they_are], run.folder, "texts", TEXTS, TEXTS_BY)
    finally:
        words.destroy()
    run.folder.publish(staged.place, "texts")
    words_of = [[*part.values, part.elements] for part in staged.parts]
    trained_on = [of_shard for of_shard in words_of if of_shard[0] != pairs.HOLDOUT_SLICE]
    if not trained_on:
        raise InputError(
            "no document has two words of the vocabulary, so there is nothing to train on; "
            "lower vocabulary.min_count, or give documents and not single words"
        )
    total = sum(words for _, _, words in trained_on)
    return {
        "texts": staged.rows,
        "words": total,
        "held_out_words": staged.elements - total,
        "words_of": trained_on,
    }


def epochs_to_draw(config: Config) -> range:
    """The epochs whose pairs are written."""
    return range(1, config.train.epochs + 1 if config.pairs.materialize else 1)


def draw_pairs(run: Run) -> Mapping[str, Any]:
    """Write the pairs of every epoch that is not there yet; an epoch is kept once it is published."""
    record = run.manifest.stage("pairs")
    drawn = {int(epoch): rows for epoch, rows in record.get("rows_of_epoch", {}).items()}
    if not drawn:
        run.folder.delete("pairs")
    missing = [epoch for epoch in epochs_to_draw(run.config) if epoch not in drawn]
    sampling_tables = run.spark.sparkContext.broadcast(read_sampling_tables(run.folder))
    slots = run.spark.sparkContext.defaultParallelism
    parts_of_epoch = len(run.manifest.stage("texts")["words_of"])
    together = max(1, slots // parts_of_epoch)
    try:
        with using(run.spark, ONE_FILE_ONE_TASK):
            for begin in range(0, len(missing), together):
                epochs = missing[begin : begin + together]
                drawn |= _draw_epochs(run, epochs, sampling_tables)
                run.manifest.update(
                    "pairs", epochs=sorted(drawn), rows_of_epoch={str(e): drawn[e] for e in drawn}
                )
                run.say("pairs", f"epoch {epochs[-1]}/{run.config.train.epochs} drawn")
    finally:
        sampling_tables.destroy()
    return {"rows": sum(drawn.values()), "bytes": run.folder.size("pairs") if drawn else 0}


def _draw_epochs(
    run: Run, epochs: list[int], sampling_tables: Broadcast[pairs.SamplingTables]
) -> dict[int, int]:
    """Draw and publish several epochs in one job, so that one shard keeps more than one core busy."""
    write = _write_buckets if run.config.train.strategy == "blocked" else _write_pairs
    rows = write(run, epochs, sampling_tables)
    for epoch in epochs:
        if not rows.get(epoch):
            raise InputError(
                f"epoch {epoch} has no pairs: subsampling left no document with two words; "
                "raise pairs.subsample (0 keeps every word), or give more text"
            )
        run.folder.publish(f"{tables.STAGING}/pairs/epoch={epoch}", f"pairs/epoch={epoch}")
    return rows


def _write_pairs(
    run: Run, epochs: list[int], sampling_tables: Broadcast[pairs.SamplingTables]
) -> dict[int, int]:
    """Write one file for each epoch, slice and shard; the rows of each epoch."""
    (texts, read), settings = run.texts(), pair_settings(run.config)
    drawn = [
        TaskTable(texts, pairs.drawing(read, sampling_tables, settings, epoch=epoch)) for epoch in epochs
    ]
    rows: Counter[int] = Counter()
    for part in task_files.stage(drawn, run.folder, "pairs", PAIRS, PAIRS_BY).parts:
        rows[part.values[0]] += part.rows
    return dict(rows)


def _write_buckets(
    run: Run, epochs: list[int], sampling_tables: Broadcast[pairs.SamplingTables]
) -> dict[int, int]:
    """Write one file for each epoch, slice and stratum; the pairs of each epoch.

    The driver holds 16 bytes a word; each task cuts the tables for its own slice.
    """
    texts = run.texts()
    settings, n_regions = pair_settings(run.config), run.config.train.shards
    expected = run.spark.sparkContext.broadcast(read_expected(run))

    def layout_in(epoch: int) -> buckets.LayoutOf:
        return lambda slice_: buckets.layout(
            expected.value, n_regions, settings.negatives, seed=settings.seed, epoch=epoch, slice_=slice_
        )

    try:
        drawn = [
            buckets.draw(*texts, sampling_tables, settings, layout_in(epoch), n_regions, epoch=epoch)
            for epoch in epochs
        ]
        table = functools.reduce(DataFrame.unionByName, drawn)
        staged = tables.stage(table, run.folder, "pairs", partition_by=("epoch", "slice", "stratum"))
    finally:
        expected.destroy()
    back = run.spark.read.schema(BUCKETS).parquet(run.folder.path(staged))
    sums = back.groupBy("epoch").agg(F.sum("pairs").alias("pairs")).collect()
    return {row["epoch"]: row["pairs"] for row in sums}


def train(run: Run) -> Mapping[str, Any]:
    """pairs/, or texts/ where pairs are not written, to model/, going on after the last round."""
    if not run.manifest.stage("train").get("round"):
        run.folder.delete("model")
    chosen = kernels.choose(run.config.train.kernel)
    run.say("train", f"kernel {chosen.name}: {chosen.reason}")
    rows = held_out.rows(run)
    strategy: rounds.Strategy
    strategy = Blocked(run, rows) if run.config.train.strategy == "blocked" else Averaging(run, rows)
    return {
        "kernel": chosen.name,
        **rounds.train(run, strategy, lambda text: run.say("train", text)),
    }


def export(run: Run) -> Mapping[str, Any]:
    """vectors/ from the last checkpoint, and one file for each format that others read."""
    last = int(run.manifest.stage("train")["round"])
    dim = run.config.train.dim
    with using(run.spark, LARGE_ROWS):
        words = word_vectors.word_vectors(
            run.table(checkpoints.name(last), BLOCKS),
            run.table("vocabulary", VOCABULARY),
            table="W",
            block_rows=block_rows(dim),
        )
        staged = task_files.stage([TaskTable(*words)], run.folder, "vectors", VECTORS)
    run.folder.publish(staged.place, "vectors")
    count = staged.rows
    run.folder.delete("exports")
    files = exports.write_all(run.folder, count, dim, lambda text: run.say("export", text))
    # What it says is of the vectors that were there before.
    run.folder.delete(EVALUATION)
    return {"words": count, "dim": dim, "files": files}


def evaluate(run: Run) -> Mapping[str, Any]:
    """vectors/ against the test files, to evaluation.json.

    Raises QualityError where a score is below its floor.
    """
    settings = run.config.evaluate
    tests = word_tests.read_all(settings.files)
    rules = scores.Rules(settings.restrict)
    vectors = sources.read_table(run.folder, scores.wanted(tests, rules))
    found = scores.scores(tests, vectors, rules)
    told = score_table.content([score_table.Evaluated(run.config.output.path, found)], rules)
    run.folder.write_text(EVALUATION, score_table.as_text(told))
    for score in found:
        if not score.section or score.kind == "word-sets":
            run.say("evaluate", score_table.line(score))
    below = [
        f"{score.name} has {score_table.figure(score)}, below its floor of {floor:g}"
        for score in found
        if (floor := settings.floor(score.file, score.section)) is not None and not score.value >= floor
    ]
    if below:
        run.manifest.update("evaluate", state="below a floor", below=below)
        raise QualityError(f"{'; '.join(below)}; train longer or on more text, or lower evaluate.floors")
    whole = [score for score in found if not score.section]
    return {
        "files": len(tests),
        "asked": sum(score.asked for score in whole),
        "unknown": sum(score.unknown for score in whole),
        "scores": {score.name: scores.plain(score.value) for score in found},
    }
