"""Checks of keys that depend on other keys."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vecmill.config.encodings import invalid_encoding
from vecmill.config.messages import quote, shorten_quote
from vecmill.config.reader_options import ALIASES, KNOWN, encoding_in, invalid_options
from vecmill.config.sections import Evaluate, Input
from vecmill.core import kernels

if TYPE_CHECKING:
    from vecmill.config import Config


def invalid_combinations(config: Config) -> Iterator[str]:
    """Faults that the checks of single keys cannot find."""
    tokenizer, train = config.tokenizer, config.train
    yield from _invalid_input(config.input)
    yield from _invalid_output(config.output.path)
    if tokenizer.kind == "python":
        parts = (tokenizer.pattern or "").split(":")
        if len(parts) != 2 or not all(part.isidentifier() for p in parts for part in p.split(".")):
            yield (
                "tokenizer.pattern must name a function as 'module:function' if tokenizer.kind is "
                f"'python', got {tokenizer.pattern!r}"
            )
    elif tokenizer.pattern is not None and tokenizer.kind != "regex":
        yield f"tokenizer.pattern is not used if tokenizer.kind is '{tokenizer.kind}'; remove it"
    if tokenizer.kind == "column" and config.input.format == "text":
        yield (
            "tokenizer.kind 'column' needs a column of array<string>, which input.format 'text' "
            "does not have; use 'whitespace'"
        )
    if train.min_learning_rate > train.learning_rate:
        yield (
            f"train.min_learning_rate must be at most train.learning_rate ({train.learning_rate}), "
            f"got {train.min_learning_rate}"
        )
    yield from _invalid_kernels(config)
    if train.strategy == "blocked":
        if not config.pairs.materialize:
            yield (
                "pairs.materialize must be true if train.strategy is 'blocked', since every worker needs "
                "pairs of all texts"
            )
        for key in ("merge", "warm_up"):
            if key in train.model_fields_set:
                yield f"train.{key} is not used if train.strategy is 'blocked'; remove it"
    if train.strategy == "auto":
        for key in ("shards", "slices", "threads", "merge", "warm_up"):
            if key in train.model_fields_set:
                yield (
                    f"train.{key} is what train.strategy 'auto' chooses; remove it, or name the strategy"
                )
    yield from _invalid_tests(config.evaluate)


def _invalid_input(source: Input) -> Iterator[str]:
    form = source.format
    if form in ALIASES:
        yield f"input.format must be a format of Spark, got {form!r}; use {ALIASES[form]!r}"
    if form in KNOWN and not source.path:
        yield f"input.path must be set if input.format is '{form}'"
    yield from invalid_options(form, source.options)
    named = encoding_in(source.options)
    if form == "text" and named is not None:
        yield (
            "input.options.encoding has no effect on input.format 'text'; use "
            f"input.encoding = {named[:80]!r}"
        )
    if "encoding" in source.model_fields_set:
        if form not in ("text", "csv"):
            remedy = "use input.options.encoding" if form == "json" else "remove it"
            yield f"input.encoding is not used if input.format is '{form}'; {remedy}"
        elif form == "csv" and named is not None:
            yield "input.encoding and input.options.encoding are both set; remove one"
    for key, name in (("input.encoding", source.encoding), ("input.options.encoding", named)):
        if form in ("text", "csv") and name is not None:
            yield from filter(None, [invalid_encoding(key, name)])


# Spark's readers take these for wildcards, also in the name of a folder that exists.
_WILDCARDS = frozenset("*?[]{}\\")


def _invalid_output(path: str) -> Iterator[str]:
    found = sorted(_WILDCARDS & set(path))
    if found:
        yield (
            f"output.path must not contain any of * ? [ ] {{ }} \\, which Spark takes for wildcards, got "
            f"{quote(path)}; name another folder"
        )
    elif re.match(r"[^/]*:(?!/)", path):
        yield (
            "output.path must not have a colon in its first part, which Hadoop takes for the name of a "
            f"file system, got {quote(path)}; write ./{shorten_quote(path)}"
        )


def _invalid_kernels(config: Config) -> Iterator[str]:
    train, model = config.train, config.build_model()
    if train.kernel not in ("auto", *model.kernels):
        yield (
            f"train.kernel '{train.kernel}' does not exist for model.kind '{config.model.kind}', "
            f"which has: {', '.join(model.kernels)}; use one of these or 'auto'"
        )
    elif train.kernel == "numba" and not kernels.has_numba():
        yield "train.kernel 'numba' needs Numba; pip install numba, or use 'auto' or 'numpy'"
    elif train.threads > 1 and config.kernel.library == "numpy":
        yield (
            f"train.threads must be 1 with the kernel 'numpy', got {train.threads}; use train.shards "
            "for several cores, or train.kernel 'numba' (pip install numba)"
        )
    if train.strategy == "blocked" and not model.bucket_kernels:
        yield (
            f"train.strategy 'blocked' cannot train model.kind '{config.model.kind}': {model.not_blocked}; "
            "use 'averaging'"
        )


def _invalid_tests(evaluate: Evaluate) -> Iterator[str]:
    names = Counter(Path(file).name for file in evaluate.files)
    for name, times in names.items():
        if times > 1:
            yield f"evaluate.files must have different names, got {times} named {name}; rename all but one"
    for floor in evaluate.floors:
        if not any(floor == name or floor.startswith(f"{name}:") for name in names):
            known = ", ".join(names) or "none"
            yield (
                f"evaluate.floors must name files of evaluate.files ({known}), as 'file' or "
                f"'file:section', got {floor!r}"
            )
