"""The stage tokenize: the input to tokens/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import Observation, SparkSession
from pyspark.sql import functions as F

from vecmill.corpus.tokens import python_tokenizer, tokenize_documents
from vecmill.errors import ConfigError, InputError
from vecmill.pipeline.stage import Stage
from vecmill.runs.run import Run
from vecmill.spark.failures import first_line
from vecmill.storage.documents import read_documents
from vecmill.storage.schemas import TOKENS


def _run(run: Run) -> Mapping[str, Any]:
    """Raises InputError if the input has no token."""
    settings, source = run.config.tokenizer, run.config.input
    documents = read_documents(
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
    staged = run.store.stage([tokens], "tokens", TOKENS)
    counts = {name: int(value or 0) for name, value in observed.get.items()}
    if staged.elements == 0:
        raise InputError(
            f"input.path: {source.path} holds no token ({counts['documents']:,} documents, "
            f"{counts['null_documents']:,} of them null); check input.column and the tokenizer"
        )
    run.store.publish(staged, "tokens")
    empty = counts["documents"] - counts["null_documents"] - staged.rows
    return {**counts, "empty_documents": empty, "tokens": staged.elements}


def _check_pattern(spark: SparkSession, pattern: str) -> None:
    try:
        spark.range(1).select(F.regexp_extract_all(F.lit("a"), F.lit(pattern), F.lit(0))).collect()
    except PySparkException as error:
        raise ConfigError(
            [f"tokenizer.pattern must be a Java regular expression, got {pattern!r}: {first_line(error)}"]
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


STAGE = Stage(
    "tokenize",
    ("tokenize",),
    reads=(),
    settings=lambda c: {"input": c.input.model_dump(), "tokenizer": c.tokenizer.model_dump()},
    outside=lambda outside: [list(file) for file in outside.files],
    work=_run,
    outputs=lambda record: ["tokens"],
)
