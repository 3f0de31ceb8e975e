"""The one SparkSession, built in one place."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from py4j.protocol import Py4JError
from pyspark import SparkContext
from pyspark.sql import SparkSession

from vecmill.errors import ConfigError
from vecmill.spark import java

# Settings that results or memory depend on: set in every session, whatever a file of settings says.
_REQUIRED = {
    # 16 MiB. Documents can be long, so a limit of rows alone would not bound an Arrow batch.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(1 << 24),
    # Rows of the pairs table are short; the default of 10,000 makes many small batches.
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(1 << 16),
    # A union keeps all partitions of its tables. Spark 4.3 would make one of two tables with one each.
    "spark.sql.unionOutputPartitioning": "false",
    # A task writes one file; without this Spark sorts its rows first and loses their order.
    "spark.sql.maxConcurrentOutputFileWriters": "4",
}

# Defaults of a session on this machine alone; a file of settings takes precedence.
_LOCAL = {
    "spark.driver.host": "localhost",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "8",
    # A sort spills to disk after so many bytes. Otherwise Java grows with the corpus up to its whole heap.
    "spark.shuffle.spill.maxSizeInBytesForSpillThreshold": "64m",
}

# Java's second compiler compiles code after ten times as many runs as by default. Starting Spark and
# planning a dozen queries runs much code a few thousand times and never again; on few cores, compiling it
# would delay the tasks. Code that tasks run a million times is still compiled early.
_SECOND_COMPILER = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)

# With few tasks at once, the collector with one thread takes a tenth less CPU of Java in a short run, and
# Java's peak is lower: 1.0 GB instead of 1.8 after an epoch of 17 million words.
_ONE_COLLECTOR = "-XX:+UseSerialGC"
_FEW_CORES = 4

# For `using`: each file is read in a task of its own. A partition may be larger than any file, so no file
# is split; opening a file counts as much, so no two files share a task.
ONE_FILE_ONE_TASK = {
    "spark.sql.files.maxPartitionBytes": str(1 << 40),
    "spark.sql.files.openCostInBytes": str(1 << 40),
}

# For `using`: documents are read one at a time. Spark's vectorised reader takes thousands of rows at once,
# however long they are, and runs out of memory on a corpus of books.
LONG_ROWS = {"spark.sql.parquet.enableNestedColumnVectorizedReader": "false"}

# For `using`: rows of a megabyte and more are read one at a time, for the same reason.
LARGE_ROWS = {"spark.sql.parquet.enableVectorizedReader": "false"}


def is_submitted() -> bool:
    """Whether spark-submit started this process, with a JVM and its settings."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def build(properties: Mapping[str, str] | None = None) -> SparkSession:
    """The session of this process, started if there is none.

    Under spark-submit it is the submitted one. Otherwise it runs with the first usable Java, on the cores
    of this machine unless `properties` names a master.

    Raises ConfigError if there is no usable Java or if Spark does not start.
    """
    settings = dict(properties or {})
    if not is_submitted():
        os.environ["JAVA_HOME"] = str(java.find().home)
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        settings.setdefault("spark.master", "local[*]")
        settings.setdefault("spark.app.name", "vecmill")
        java_options = [f"-Dlog4j2.configurationFile={_log4j2()}", _SECOND_COMPILER]
        if (os.cpu_count() or 1) <= _FEW_CORES:
            java_options.append(_ONE_COLLECTOR)
        settings.setdefault("spark.driver.extraJavaOptions", " ".join(java_options))
        if settings["spark.master"].startswith("local"):
            settings = {**_LOCAL, **settings}
    # Executors import vecmill from its wheel, which is a zip file.
    if ".whl" not in SparkContext.PACKAGE_EXTENSIONS:
        SparkContext.PACKAGE_EXTENSIONS = (*SparkContext.PACKAGE_EXTENSIONS, ".whl")
    builder = SparkSession.builder
    for key, value in {**settings, **_REQUIRED}.items():
        builder = builder.config(key, value)
    try:
        spark = builder.getOrCreate()
    except Exception as error:
        raise ConfigError([f"Spark did not start: {error}"]) from error
    # PySpark logs each analysis error as a page of JSON before it raises the error.
    for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if is_submitted():
        spark.sparkContext.setLogLevel("ERROR")
    return spark


@contextmanager
def opened(properties_file: str | None = None) -> Iterator[SparkSession]:
    """A session for one command: the running one, or a new one that stops when the block ends."""
    running = SparkSession.getActiveSession()
    if running is not None and running.sparkContext._jsc is not None:
        yield running
        return
    spark = build(read_properties(properties_file) if properties_file else None)
    try:
        yield spark
    finally:
        with suppress(ConnectionError, Py4JError):
            spark.stop()


@contextmanager
def using(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Settings of Spark SQL for the queries that run within the block; run every query before it ends."""
    before = {key: spark.conf.get(key) for key in settings}
    for key, value in settings.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, old in before.items():
            spark.conf.set(key, str(old))


def read_properties(path: str) -> dict[str, str]:
    """Spark settings from a file in the form of spark-defaults.conf: "key value", # for comments.

    Raises ConfigError if the file cannot be read, or naming every line that has another form.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"--spark-conf: cannot read {path}: {error}"]) from None
    settings: dict[str, str] = {}
    faults = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        found = re.fullmatch(r"(spark\.[^\s=]+)(?:\s*=\s*|\s+)(\S.*)", text)
        if found is None:
            faults.append(f"{path}, line {number}: must have the form 'spark.key value', got {text!r}")
            continue
        settings[found[1]] = found[2]
    if faults:
        raise ConfigError(faults)
    return settings


def _log4j2() -> str:
    return (Path(__file__).parent / "log4j2.properties").as_uri()
