"""A sample of the input: some megabytes from many places of many files, tokenized as the run will."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pyspark.sql import SparkSession

from vecmill.config import Config
from vecmill.corpus.tokens import tokenize_documents
from vecmill.errors import InputError
from vecmill.planning.growth import Growth, Range, growth_of
from vecmill.planning.sample_text import Text, read_text
from vecmill.storage.arrow import flat_words
from vecmill.storage.input_files import find_input
from vecmill.storage.schemas import TOKENS


class Sample(NamedTuple):
    """What a sample of the input shows.

    growth    its words
    tokens    of the whole input
    is_whole  whether the sample is the whole input, so that its counts are exact
    bytes     of text that were read
    files     that were read
    """

    growth: Growth
    tokens: Range
    is_whole: bool
    bytes: int
    files: int


def read_sample(spark: SparkSession, config: Config) -> Sample:
    """Read and tokenize a sample of the input: one short job.

    Raises InputError if the input cannot be read, has no files, or if the sample has no token.
    """
    source, settings = config.input, config.tokenizer
    if not source.path:
        raise InputError(
            f"input.format '{source.format}' has no files of which a sample could be read; "
            "run 'vecmill vocabulary' first, then plan again from its counts"
        )
    text = read_text(spark, find_input(spark, source.path, source.options), config)
    kind = "array<string>" if settings.kind == "column" else "string"
    table = tokenize_documents(
        spark.createDataFrame([(place,) for place in text.places], f"document {kind}"),
        column="document",
        kind=settings.kind,
        lowercase=settings.lowercase,
        language=settings.language,
        pattern=settings.pattern,
        min_length=settings.min_length,
    )
    tokens = table.partitions.mapInArrow(table.read, TOKENS).select("tokens").toArrow()["tokens"]
    if not len(tokens):
        raise InputError(
            f"input.path: a sample of {source.path} has no token ({text.bytes:,} bytes of {text.files:,} "
            "files); check input.column and the tokenizer"
        )
    lists = tokens.combine_chunks()
    words = flat_words(lists)
    ids = words.indices.to_numpy()
    ends = lists.offsets.to_numpy() - lists.offsets[0].as_py()
    growth = growth_of([ids[begin:end] for begin, end in pairwise(ends)], len(words.dictionary))
    return Sample(growth, _all_tokens(np.diff(ends), text), text.is_whole, text.bytes, text.files)


def _all_tokens(tokens: npt.NDArray[np.integer], text: Text) -> Range:
    """The tokens of the whole input, from those of each place of the sample."""
    middle = float(tokens.sum()) * text.times
    if text.is_whole:
        return Range(middle, middle, middle)
    # Twice the standard error of the mean of the places.
    error = 0.01 + 2 * float(tokens.std() / tokens.mean()) / math.sqrt(len(tokens))
    return Range(middle / (1 + error) / text.unsure, middle, middle * (1 + error) * text.unsure)
