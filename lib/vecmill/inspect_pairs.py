"""The first triples of a run, with words, for a person to look at."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import functions as F

from vecmill.errors import InputError
from vecmill.io.schemas import PAIRS, VOCABULARY
from vecmill.run import Run
from vecmill.stages.pairs import triples

# A row gives at most window * 2 * (1 + negatives) triples and at least one; reading a few rows more
# than asked for keeps the job small.
_SIGNS = {1: "+", 0: "-"}


def first_triples(run: Run, count: int) -> Iterator[str]:
    """The first `count` triples (w, c, label) of epoch 1, as lines of a table.

    Raises InputError where no pairs are written.
    """
    if not run.folder.exists("pairs/epoch=1"):
        raise InputError(
            f"{run.folder.path('pairs')} holds no pairs; run 'vecmill pairs' with "
            "pairs.materialize = true first"
        )
    rows = run.spark.read.schema(PAIRS).parquet(run.folder.path("pairs"))
    shown = triples(rows.where(F.col("epoch") == 1).limit(count)).limit(count).toArrow().to_pylist()
    ids = {triple[column] for triple in shown for column in ("w", "c")}
    known = run.table("vocabulary", VOCABULARY).where(F.col("id").isin(sorted(ids)))
    words = {row["id"]: row["word"] for row in known.select("id", "word").collect()}
    yield f"{'w':<20} {'c':<20} label"
    for triple in shown:
        yield f"{words[triple['w']]:<20} {words[triple['c']]:<20} {_SIGNS[triple['label']]}"
