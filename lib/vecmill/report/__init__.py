"""report.html: a run, or any word vectors, as one page to look at and to show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from vecmill.evaluation.word_tests import WordTest
from vecmill.report import contents, page, reading
from vecmill.vectors.word_vectors import WordVectors

__all__ = ["REPORT", "write", "write_vectors"]

REPORT = "report.html"


def write(
    output_root: str,
    target: str | None = None,
    *,
    spark: SparkSession | None = None,
    words: Sequence[str] = (),
    tests: Sequence[WordTest] = (),
) -> str:
    """Write the page about the run in `output_root`; where it is now.

    target  a path on this machine; by default report.html in `output_root`
    spark   needed where `output_root` is not on this machine
    words   whose neighbours to show, in place of the report's own choice
    tests   to score the vectors in, in place of the run's own evaluation

    A run that is not finished is told as far as it came. The driver holds the vectors twice.
    Raises InputError where there is no run or a file of it is broken, and ConfigError where the page
    cannot be written.
    """
    run = reading.opened(output_root, spark)
    text = page.render(contents.gather_run(run, words, tests))
    return run.write(REPORT, text) if target is None else reading.write_local(Path(target), text)


def write_vectors(
    vectors: WordVectors,
    target: str,
    *,
    title: str,
    counts: contents.Counts | None = None,
    words: Sequence[str] = (),
    tests: Sequence[WordTest] = (),
) -> str:
    """Write the page about `vectors` without a run: no training and no stages; where it is now.

    title   of the page, such as the name of the file that they came from
    counts  (V,) how often each word occurred; without them there are no curves of the vocabulary

    Raises ConfigError where the page cannot be written.
    """
    report = contents.gather_vectors(vectors, counts, title, words, tests)
    return reading.write_local(Path(target), page.render(report))
