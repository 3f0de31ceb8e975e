"""What `vecmill evaluate` computes: from test files and vectors to content for JSON and a table."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import chain
from typing import Any

from pyspark.sql import SparkSession

from vecmill.config import Config, Evaluate
from vecmill.errors import ConfigError
from vecmill.evaluation import gender_bias, score_table, scores, word_tests
from vecmill.evaluation.gender_bias import GenderBias
from vecmill.evaluation.score_table import EVALUATION, RunScores
from vecmill.evaluation.scores import Rules
from vecmill.evaluation.word_tests import WordTest
from vecmill.pipeline import execute
from vecmill.runs.run import Run
from vecmill.spark import session
from vecmill.storage.stores import is_local
from vecmill.vectors import sources

Content = dict[str, Any]

NO_TESTS = (
    "evaluate needs something to test with: name test files after the command, set evaluate.files, "
    "or use --bias"
)


def score(arguments: argparse.Namespace) -> tuple[Content, Iterator[str]]:
    """The scores and the bias that the arguments request. Writes nothing.

    Raises ConfigError for faults of the arguments, and InputError for a damaged file.
    """
    settings, places = _settings_and_places(arguments)
    files = arguments.files or settings.files
    if not files and not arguments.bias:
        raise ConfigError([NO_TESTS])
    rules = Rules(
        arguments.restrict or settings.restrict,
        ignore_case=not arguments.case_sensitive,
        score_unknown=arguments.score_unknown,
    )
    tests = word_tests.read_all(files)
    all_local = all(is_local(place) for place in places)
    with nullcontext() if all_local else session.opened(arguments.spark_conf) as spark:
        results = [_score_vectors(place, spark, tests, rules, with_bias=arguments.bias) for place in places]
    runs, biases = [scored for scored, _ in results], [bias for _, bias in results if bias]
    content = score_table.to_json(runs, rules)
    for run, bias in zip(content["runs"], biases, strict=False):
        run["bias"] = gender_bias.to_json(bias)
    if len(biases) > 1:
        content["bias_over_runs"] = gender_bias.over_runs_json(biases)
    return content, _lines(runs, biases, rules)


def run_stage(run: Run) -> tuple[Content, Iterator[str]]:
    """The scores of the pipeline's stage "evaluate", which runs if it is not done.

    Raises ConfigError if the configuration has no tests, QualityError and InputError.
    """
    if not run.config.evaluate.files:
        raise ConfigError([NO_TESTS])
    execute(run, "evaluate")
    content = json.loads(run.files.read_text(EVALUATION))
    settings = content["settings"]
    rules = Rules(settings["restrict"], settings["ignore_case"])
    return content, score_table.format_tables(score_table.from_json(content), rules)


def _settings_and_places(arguments: argparse.Namespace) -> tuple[Evaluate, list[str]]:
    """The section [evaluate] of the configuration, if one is given, and the places of all vectors."""
    places = list(arguments.vectors)
    if not (arguments.config or arguments.overrides):
        if not places:
            raise ConfigError(
                ["evaluate needs vectors: a run, with --config or --set output.path=OUT, or --vectors FILE"]
            )
        return Evaluate(), places  # type: ignore[call-arg]
    config = Config.load_finished(arguments.config, arguments.overrides)
    return config.evaluate, [config.output.path, *places]


def _score_vectors(
    place: str, spark: SparkSession | None, tests: Sequence[WordTest], rules: Rules, *, with_bias: bool
) -> tuple[RunScores, GenderBias | None]:
    """The scores of the vectors at `place`. They are freed on return, so one set is in memory at a time."""
    words = scores.words_to_read(tests, rules, gender_bias.WORDS if with_bias else ())
    if with_bias:
        words = words._replace(most_frequent=rules.restrict)
    vectors = sources.read(place, spark, words)
    bias = gender_bias.measure_gender_bias(vectors, rules) if with_bias else None
    return RunScores(place, scores.score_tests(tests, vectors, rules)), bias


def _lines(runs: Sequence[RunScores], biases: Sequence[GenderBias], rules: Rules) -> Iterator[str]:
    """The tables, then the bias of each run, then that over all runs, with empty lines between them."""
    parts = [score_table.format_tables(runs, rules)] if runs[0].scores else []
    for run, bias in zip(runs, biases, strict=False):
        parts.append(chain([f"Bias in {run.name}"], gender_bias.format_gender_bias(bias)))
    if len(biases) > 1:
        parts.append(gender_bias.format_over_runs(biases))
    for n, part in enumerate(parts):
        yield from [""] if n else []
        yield from part
