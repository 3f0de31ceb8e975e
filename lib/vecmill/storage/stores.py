"""Which store a folder has: decided here, once for a run."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from vecmill.errors import ConfigError, VecmillError
from vecmill.storage.arrow_store import ArrowStore
from vecmill.storage.files import OutputError, prepare_output
from vecmill.storage.hadoop_files import HadoopFiles
from vecmill.storage.local_files import LocalFiles, local_path
from vecmill.storage.spark_store import SparkStore
from vecmill.storage.store import Store


def open_store(
    root: str, spark: SparkSession | None = None, *, tasks_open_files: bool | None = None
) -> Store:
    """The store of a folder. By default tasks open its files if it lies on this machine or on a mount.

    Raises ConfigError if the folder is elsewhere and there is no session to read it with.
    """
    if spark is None:
        local = local_path(root)
        if local is None:
            raise ConfigError([f"{root} is not on this machine; give the Spark session that reads it"])
        return ArrowStore(LocalFiles(root, local), None)
    hadoop = HadoopFiles(spark, root)
    # A path without a scheme lies where the cluster's default file system is.
    folder = local_path(hadoop.qualified(""))
    if folder is None or tasks_open_files is False:
        return SparkStore(hadoop, spark)
    return ArrowStore(LocalFiles(root, folder), spark)


def open_output(root: str, spark: SparkSession, *, tasks_open_files: bool | None = None) -> Store:
    """The same for a folder to write to, created if it is missing and tried.

    Raises OutputError (exit code 2) if it cannot be created or written to.
    """
    try:
        store = open_store(root, spark, tasks_open_files=tasks_open_files)
    except VecmillError as error:
        raise OutputError(root, str(error)) from error
    prepare_output(store.files)
    return store


def is_local(path: str) -> bool:
    """Whether a path can be read without Spark."""
    return local_path(path) is not None


def as_local(path: str) -> Path:
    """The path on this machine that `path` names, plainly or as "file:...". Raises ConfigError."""
    found = local_path(path)
    if found is None:
        raise ConfigError([f"{path} is not on this machine; name a file or folder that is"])
    return found
