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

# What results or memory rely on; set in every session, over any file of settings.
_REQUIRED = {
    # Documents can be long: an Arrow batch is bounded by bytes and not by rows alone. 16 MiB.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(1 << 24),
    # Rows of the pairs table are short; the default of 10,000 makes many small batches.
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(1 << 16),
    # What is put together stays as many tasks as it was: Spark 4.3 would make one of two that are alone.
    "spark.sql.unionOutputPartitioning": "false",
    # A task writes one file; without this Spark sorts its rows first and loses their order.
    "spark.sql.maxConcurrentOutputFileWriters": "4",
}

# What a session on this machine alone needs besides, unless a file of settings says otherwise.
_LOCAL = {
    "spark.driver.host": "localhost",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "8",
    # A sort spills to disk after so many bytes, or Java would grow with the corpus up to all of its heap.
    "spark.shuffle.spill.maxSizeInBytesForSpillThreshold": "64m",
}

# Java's second compiler takes code that has run ten times as often as it would by default. Starting
# Spark and planning a dozen queries runs much code a few thousand times and never again, and on few
# cores the compiler takes them from the tasks; what tasks do a million times still gets there at once.
_SECOND_COMPILER = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)

# Where few tasks allocate at once, collecting garbage by one thread takes a tenth less of all of Java's CPU
# in a short run, and leaves Java with less memory at its peak: 1.0 GB instead of 1.8 after an epoch of 17
# million words.
_ONE_COLLECTOR = "-XX:+UseSerialGC"
_FEW_CORES = 4

# For `using`: each file is read in one task of its own. Larger than any file, so that none is split;
# and as the price of opening one, so that no two share a task.
ONE_FILE_ONE_TASK = {
    "spark.sql.files.maxPartitionBytes": str(1 << 40),
    "spark.sql.files.openCostInBytes": str(1 << 40),
}


def is_submitted() -> bool:
    """Whether spark-submit has started this process, and with it a JVM and its settings."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def build(properties: Mapping[str, str] | None = None) -> SparkSession:
    """The session of this process, started where there is none.

    Under spark-submit it is the one that was submitted. Otherwise it is a session of its own, on this
    machine's cores unless `properties` names a master, with the first usable Java.

    Raises ConfigError where there is no usable Java or Spark does not start.
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
    # Executors import vecmill from its wheel, which is a zip file by another name.
    if ".whl" not in SparkContext.PACKAGE_EXTENSIONS:
        SparkContext.PACKAGE_EXTENSIONS = (*SparkContext.PACKAGE_EXTENSIONS, ".whl")
    builder = SparkSession.builder
    for key, value in {**settings, **_REQUIRED}.items():
        builder = builder.config(key, value)
    try:
        spark = builder.getOrCreate()
    except Exception as error:
        raise ConfigError([f"Spark did not start: {error}"]) from error
    # PySpark logs each analysis error as a page of JSON before it raises it.
    for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if is_submitted():
        spark.sparkContext.setLogLevel("ERROR")
    return spark


# For `using`: documents are read one at a time. Spark's vectorised reader takes thousands of rows at
# once however long they are, and runs out of memory on a corpus of books.
LONG_ROWS = {"spark.sql.parquet.enableNestedColumnVectorizedReader": "false"}


# For `using`: rows of a megabyte and more are read one at a time, for the same reason.
LARGE_ROWS = {"spark.sql.parquet.enableVectorizedReader": "false"}


@contextmanager
def opened(properties_file: str | None = None) -> Iterator[SparkSession]:
    """A session for one command: the one that runs already, or one that stops when the block ends."""
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
    """Settings of Spark SQL for what is planned and run within the block: write before it ends."""
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

    Raises ConfigError naming every line that has another form.
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
