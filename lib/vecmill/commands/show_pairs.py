"""The first triples of a run, with words, for a person to look at."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from vecmill.errors import InputError
from vecmill.examples.pairs import triples
from vecmill.runs.run import Run
from vecmill.spark.session import LARGE_ROWS, using
from vecmill.storage.schemas import BUCKETS, PAIRS, VOCABULARY

_SIGNS = {1: "+", 0: "-"}

Triple = tuple[int, int, int]


def first_triples(run: Run, count: int) -> Iterator[str]:
    """The first `count` triples (w, c, label) of epoch 1, as lines of a table.

    Raises InputError where no pairs are written.
    """
    if not run.folder.exists("pairs/epoch=1"):
        raise InputError(
            f"{run.folder.path('pairs')} holds no pairs; run 'vecmill pairs' with "
            "pairs.materialize = true first"
        )
    # What lies there may be of another strategy than the configuration's.
    path = run.folder.path("pairs")
    in_buckets = "stratum" in run.spark.read.parquet(path).columns
    there = run.spark.read.schema(BUCKETS if in_buckets else PAIRS).parquet(path).where(F.col("epoch") == 1)
    with using(run.spark, LARGE_ROWS):
        shown = _from_buckets(there, count) if in_buckets else _from_rows(there, count)
    ids = {id_ for w, c, _ in shown for id_ in (w, c)}
    known = run.table("vocabulary", VOCABULARY).where(F.col("id").isin(sorted(ids)))
    words = {row["id"]: row["word"] for row in known.select("id", "word").collect()}
    yield f"{'w':<20} {'c':<20} label"
    for w, c, label in shown:
        yield f"{words[w]:<20} {words[c]:<20} {_SIGNS[label]}"
    if in_buckets:
        yield "(blocked training: noise, label -, is drawn while training)"


def _from_rows(rows: DataFrame, count: int) -> list[Triple]:
    # A row gives at least one triple; more rows than are needed would make the job large.
    found = triples(rows.limit(count)).limit(count).collect()
    return [(row["w"], row["c"], row["label"]) for row in found]


def _from_buckets(buckets: DataFrame, count: int) -> list[Triple]:
    # A bucket has at least one pair and at most millions, of which Spark need not hand over all.
    begins = (F.substring(name, 1, 4 * count).alias(name) for name in ("words", "contexts"))
    pairs = (
        (w, c, 1)
        for row in buckets.limit(count).select(*begins).collect()
        for w, c in zip(*(np.frombuffer(ids, np.int32).tolist() for ids in row), strict=True)
    )
    return list(islice(pairs, count))
