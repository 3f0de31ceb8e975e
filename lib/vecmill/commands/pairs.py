"""`vecmill pairs`: draw the training pairs, or show the first of them with their words."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from vecmill.commands.arguments import positive_integer
from vecmill.commands.command import Command
from vecmill.commands.stages import opened_run, run_stages
from vecmill.errors import InputError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from vecmill.runs.run import Run

_SIGNS = {1: "+", 0: "-"}

Triple = tuple[int, int, int]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --show."""
    parser.add_argument(
        "--show",
        type=positive_integer,
        metavar="N",
        help="print the first N triples (w, c, label) and stop",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the stage, or print triples of pairs that are already written."""
    if arguments.show is None:
        run_stages(arguments, "pairs")
        return 0
    with opened_run(arguments) as run:
        for line in first_triples(run, arguments.show):
            print(line)
    return 0


def first_triples(run: Run, count: int) -> Iterator[str]:
    """The first `count` triples (w, c, label) of epoch 1, as lines of a table.

    Raises InputError if no pairs are written.
    """
    import numpy as np
    from pyspark.sql import functions as F

    from vecmill.spark.session import LARGE_ROWS, using
    from vecmill.storage.schemas import BUCKETS, PAIRS, VOCABULARY

    path = run.files.path("pairs")
    if not run.files.exists("pairs/epoch=1"):
        raise InputError(f"{path} holds no pairs; run 'vecmill pairs' with pairs.materialize = true first")
    # The files decide and not the configuration: they may come from another train.strategy.
    in_buckets = "stratum" in run.spark.read.parquet(path).columns
    epoch = run.spark.read.schema(BUCKETS if in_buckets else PAIRS).parquet(path).where(F.col("epoch") == 1)
    with using(run.spark, LARGE_ROWS):
        triples = triples_of_buckets(epoch, count) if in_buckets else triples_of_rows(epoch, count)
    ids = np.unique([id_ for w, c, _ in triples for id_ in (w, c)])
    rows = run.store.collect("vocabulary", VOCABULARY, ids=ids, columns=["id", "word"]).to_pylist()
    words = {row["id"]: row["word"] for row in rows}
    yield f"{'w':<20} {'c':<20} label"
    for w, c, label in triples:
        yield f"{words[w]:<20} {words[c]:<20} {_SIGNS[label]}"
    if in_buckets:
        yield "(blocked training: noise, label -, is drawn while training)"


def triples_of_rows(rows: DataFrame, count: int) -> list[Triple]:
    """The first `count` triples of PAIRS."""
    from vecmill.examples.pairs import triples

    # Each row holds at least one triple, so `count` rows are enough.
    first = triples(rows.limit(count)).limit(count).collect()
    return [(row["w"], row["c"], row["label"]) for row in first]


def triples_of_buckets(buckets: DataFrame, count: int) -> list[Triple]:
    """The first `count` positive triples of BUCKETS; these rows hold no noise words."""
    import numpy as np
    from pyspark.sql import functions as F

    # A bucket holds one to millions of pairs: fetch only the first `count` ids of each, 4 bytes per id.
    prefixes = (F.substring(name, 1, 4 * count).alias(name) for name in ("words", "contexts"))
    pairs = (
        (w, c, 1)
        for row in buckets.limit(count).select(*prefixes).collect()
        for w, c in zip(*(np.frombuffer(ids, np.int32).tolist() for ids in row), strict=True)
    )
    return list(islice(pairs, count))


COMMAND = Command("pairs", "draw the training pairs of every epoch", run, add_arguments)
