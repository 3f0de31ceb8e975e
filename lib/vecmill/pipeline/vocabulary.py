"""The stage vocabulary: tokens/ to vocabulary/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc
from pyspark.sql import Observation
from pyspark.sql import functions as F

from vecmill.corpus import vocabulary
from vecmill.errors import InputError
from vecmill.pipeline.stage import Stage, pick
from vecmill.runs.run import Run, vocabulary_columns
from vecmill.spark.session import LONG_ROWS, using
from vecmill.storage.schemas import TOKENS, VOCABULARY


def _run(run: Run) -> Mapping[str, Any]:
    """Raises InputError if min_count leaves no word."""
    settings = run.config.vocabulary
    observed = Observation()
    with using(run.spark, LONG_ROWS):
        words = vocabulary.count_words(run.store.read("tokens", TOKENS))
        table = vocabulary.build_vocabulary(
            words.observe(observed, F.count(F.lit(1)).alias("words_seen")),
            min_count=settings.min_count,
            max_size=settings.max_size,
            subsample=run.config.pairs.subsample,
            noise_exponent=run.config.pairs.noise_exponent,
        )
        staged = run.store.stage([table], "vocabulary", VOCABULARY)
        if staged.rows == 0:
            top = words.sort(F.desc("count"), "word").first()
            assert top is not None
            raise InputError(
                f"vocabulary.min_count = {settings.min_count} leaves no word: the most frequent, "
                f"{top['word']!r}, occurs {top['count']:,} times; lower it or give more text"
            )
    run.store.publish(staged, "vocabulary")
    covered = pc.sum(vocabulary_columns(run.store, "count")["count"]).as_py()
    return {"words": staged.rows, "words_seen": observed.get["words_seen"], "tokens_covered": covered}


STAGE = Stage(
    "vocabulary",
    ("vocabulary",),
    reads=("tokenize",),
    settings=lambda c: c.vocabulary.model_dump() | pick(c.pairs, "subsample", "noise_exponent"),
    work=_run,
    outputs=lambda record: ["vocabulary"],
)
