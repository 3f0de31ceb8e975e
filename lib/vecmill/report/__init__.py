"""report.html: one page about a run, or about any word vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from vecmill.evaluation.word_tests import WordTest
from vecmill.report import page, reading, report_data
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
    """Write the page about the run in `output_root`, finished or not; returns the path of the page.

    target  a path on this machine; by default report.html in `output_root`
    spark   needed if `output_root` is not on this machine
    words   words whose neighbours are shown, instead of the default words
    tests   tests to score the vectors in, instead of the run's own evaluation

    The driver holds the vectors up to three times. Raises InputError if there is no run or a file of it
    is broken, and ConfigError if the page cannot be written.
    """
    run = reading.opened(output_root, spark)
    text = page.render(report_data.collect_run(run, words, tests))
    return run.write(REPORT, text) if target is None else reading.write_local(Path(target), text)


def write_vectors(
    vectors: WordVectors,
    target: str,
    *,
    title: str,
    words: Sequence[str] = (),
    tests: Sequence[WordTest] = (),
) -> str:
    """Write the page about `vectors` without a run; returns the path of the page.

    title  the title of the page, such as the name of the file of vectors

    Raises ConfigError if the page cannot be written.
    """
    report = report_data.collect_vectors(vectors, title, words, tests)
    return reading.write_local(Path(target), page.render(report))
