"""`vecmill evaluate`: test files and vectors in, a table or JSON out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from vecmill.config import Config, Evaluate
from vecmill.errors import ConfigError
from vecmill.evaluation import gender_bias, score_table, scores, word_tests
from vecmill.evaluation.gender_bias import Bias
from vecmill.evaluation.score_table import Evaluated
from vecmill.evaluation.scores import Rules
from vecmill.evaluation.word_tests import WordTest
from vecmill.pipeline import engine
from vecmill.pipeline.steps import EVALUATION
from vecmill.runs.run import Run
from vecmill.spark import session
from vecmill.vectors import sources

Content = dict[str, Any]

NOTHING_ASKED = (
    "evaluate needs something to test with: name test files after the command, "
    "set evaluate.files, or ask for --bias"
)


def is_stage(arguments: argparse.Namespace) -> bool:
    """Whether the stage of the pipeline is meant, and not a question to vectors."""
    asks = arguments.files or arguments.vectors or arguments.bias or arguments.restrict
    return not (asks or arguments.case_sensitive or arguments.score_unknown)


def ask(arguments: argparse.Namespace) -> tuple[Content, Iterator[str]]:
    """What the arguments ask for, as JSON's content and as lines. Writes nothing.

    Raises ConfigError, and InputError for a file that is broken.
    """
    configured, places = _configured(arguments)
    files = arguments.files or configured.files
    if not files and not arguments.bias:
        raise ConfigError([NOTHING_ASKED])
    rules = Rules(
        arguments.restrict or configured.restrict,
        ignore_case=not arguments.case_sensitive,
        score_unknown=arguments.score_unknown,
    )
    tests = word_tests.read_all(files)
    is_near = all(sources.is_local(place) for place in places)
    with nullcontext() if is_near else session.opened(arguments.spark_conf) as spark:
        found = [_one(place, spark, tests, rules, with_bias=arguments.bias) for place in places]
    evaluated, biases = [one for one, _ in found], [of for _, of in found if of]
    told = score_table.content(evaluated, rules)
    for run, one in zip(told["runs"], biases, strict=False):
        run["bias"] = gender_bias.to_json(one)
    if len(biases) > 1:
        told["bias_over_runs"] = gender_bias.over_runs_json(biases)
    return told, _lines(evaluated, biases, rules)


def run_stage(run: Run) -> tuple[Content, Iterator[str]]:
    """The same from the stage of the pipeline, which is run where it is not done.

    Raises ConfigError where the configuration has no tests, QualityError and InputError.
    """
    if not run.config.evaluate.files:
        raise ConfigError([NOTHING_ASKED])
    engine.execute(run, "evaluate")
    told = json.loads(run.folder.read_text(EVALUATION))
    settings = told["settings"]
    rules = Rules(settings["restrict"], settings["ignore_case"])
    evaluated = [
        Evaluated(run["name"], [scores.from_json(score) for score in run["scores"]]) for run in told["runs"]
    ]
    return told, score_table.lines(evaluated, rules)


def write_json(told: Content, place: str) -> None:
    """Write to the file `place`. Raises ConfigError where it cannot be written."""
    try:
        Path(place).write_text(score_table.as_text(told), encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"--json: cannot write {place}: {error.strerror}"]) from None


def _configured(arguments: argparse.Namespace) -> tuple[Evaluate, list[str]]:
    """The settings of the configuration, if one is given, and where all the vectors are."""
    sources = list(arguments.vectors)
    if not (arguments.config or arguments.overrides):
        if not sources:
            raise ConfigError(
                ["evaluate needs vectors: a run, with --config or --set output.path=OUT, or --vectors FILE"]
            )
        return Evaluate(), sources  # type: ignore[call-arg]
    config = Config.load_finished(arguments.config, arguments.overrides)
    return config.evaluate, [config.output.path, *sources]


def _one(
    source: str, spark: SparkSession | None, tests: Sequence[WordTest], rules: Rules, *, with_bias: bool
) -> tuple[Evaluated, Bias | None]:
    """The scores of the vectors at `source`, which are let go of before the next are read."""
    wanted = scores.wanted(tests, rules, gender_bias.WORDS if with_bias else ())
    if with_bias:
        wanted = wanted._replace(most_frequent=rules.restrict)
    vectors = sources.read(source, spark, wanted)
    found = gender_bias.bias_of(vectors, rules) if with_bias else None
    return Evaluated(source, scores.scores(tests, vectors, rules)), found


def _lines(evaluated: Sequence[Evaluated], biases: Sequence[Bias], rules: Rules) -> Iterator[str]:
    parts = [score_table.lines(evaluated, rules)] if evaluated[0].scores else []
    for one, found in zip(evaluated, biases, strict=False):
        parts.append(chain([f"Bias in {one.name}"], gender_bias.lines(found)))
    if len(biases) > 1:
        parts.append(gender_bias.over_runs_lines(biases))
    for n, part in enumerate(parts):
        yield from [""] if n else []
        yield from part
