"""The one SparkSession, built in one place."""

from __future__ import annotations

import logging
import os
import re
import signal
import socketserver
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.accumulators import AccumulatorTCPServer
from pyspark.sql import SparkSession

from vecmill.errors import ConfigError, VecmillError
from vecmill.spark import failures, jvm, local

# Settings that results or memory depend on: set in every session, whatever a file of settings says.
_REQUIRED = {
    # A flipped bit in a table would otherwise be read as another number.
    "spark.hadoop.parquet.page.verify-checksum.enabled": "true",
    # 16 MiB. Documents can be long, so a limit of rows alone would not bound an Arrow batch.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(1 << 24),
    # Rows of the pairs table are short; the default of 10,000 makes many small batches.
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(1 << 16),
    # A union keeps all partitions of its tables. Spark 4.3 would make one of two tables with one each.
    "spark.sql.unionOutputPartitioning": "false",
    # A task writes one file; without this Spark sorts its rows first and loses their order.
    "spark.sql.maxConcurrentOutputFileWriters": "4",
}

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

    Raises ConfigError if the settings or the environment are at fault, and VecmillError if Spark does not
    start for another reason.
    """
    _quieten_python()
    # Executors import vecmill from its wheel, which is a zip file.
    if ".whl" not in SparkContext.PACKAGE_EXTENSIONS:
        SparkContext.PACKAGE_EXTENSIONS = (*SparkContext.PACKAGE_EXTENSIONS, ".whl")
    settings = dict(properties or {})
    with _interrupts_kept(), _start_explained():
        if is_submitted():
            settings.update(local.safe_path(dict(SparkConf().getAll())))
        elif SparkContext._active_spark_context is None:
            settings = local.prepare(settings)
            settings.update(local.safe_path(settings))
            if SparkContext._gateway is None:
                conf = SparkConf()
                for key, value in {**settings, **_REQUIRED}.items():
                    conf.set(key, value)
                SparkContext(conf=conf, gateway=jvm.launch(settings))
        builder = SparkSession.builder
        for key, value in {**settings, **_REQUIRED}.items():
            builder = builder.config(key, value)
        spark = builder.getOrCreate()
    if is_submitted():
        spark.sparkContext.setLogLevel("ERROR")
    return spark


@contextmanager
def _start_explained() -> Iterator[None]:
    """Turn a failure of Spark's start into one sentence."""
    try:
        yield
    except VecmillError:
        raise
    except Exception as error:
        sentence, code = failures.explain_start(error)
        raise (
            ConfigError([sentence]) if code == ConfigError.exit_code else VecmillError(sentence)
        ) from error


@contextmanager
def _interrupts_kept() -> Iterator[None]:
    """Keep what Ctrl-C does. Spark's own handler would call Java in the middle of another call."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _quieten_python() -> None:
    """Leave out the pages that Python's side of Spark logs before it raises an error."""
    for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger", "py4j"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    AccumulatorTCPServer.handle_error = _ignore_closed_connection  # type: ignore[assignment,method-assign]
    # Py4J also logs each call that breaks off, to the root logger.
    root = logging.getLogger()
    if _is_not_of_py4j not in root.filters:
        root.addFilter(_is_not_of_py4j)


def _ignore_closed_connection(server: AccumulatorTCPServer, request: object, address: object) -> None:
    """Say nothing if Java has ended, which breaks its connection for the counters of tasks."""
    if not isinstance(sys.exception(), EOFError | ConnectionError):
        socketserver.BaseServer.handle_error(server, request, address)  # type: ignore[arg-type]


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    return Path(record.pathname).parent.name != "py4j"


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


def silence() -> None:
    """Print nothing more of what Java says; for a command that was interrupted.

    It may be called in a signal handler: another thread calls Java, on a connection of its own.
    """
    jvm.silence()
    context = SparkContext._active_spark_context
    if is_submitted() and context is not None:
        threading.Thread(target=_silence_log, args=(context,), daemon=True).start()


def _silence_log(context: SparkContext) -> None:
    # Java may already have ended.
    with suppress(Exception):
        context.setLogLevel("OFF")


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
