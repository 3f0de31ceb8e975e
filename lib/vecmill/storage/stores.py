"""Opening the store of a folder: decides once for a run whether tasks open the files."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from vecmill.errors import ConfigError, VecmillError
from vecmill.storage.arrow_store import ArrowStore
from vecmill.storage.files import OutputError
from vecmill.storage.hadoop_files import HadoopFiles
from vecmill.storage.local_files import LocalFiles, local_path
from vecmill.storage.spark_store import SparkStore
from vecmill.storage.store import Store


def open_store(
    root: str, spark: SparkSession | None = None, *, tasks_open_files: bool | None = None
) -> Store:
    """The store of a folder. Without `spark`, the folder is on this machine and is only read.

    tasks_open_files  whether tasks open its files; None: if it is on this machine or a mount, for which its
                      path must be the same on every worker

    Raises ConfigError if there is no session but the folder or `tasks_open_files` needs one, or if tasks
    are to open files that are not on this machine.
    """
    if spark is None:
        local = local_path(root)
        if local is None or tasks_open_files is False:
            raise ConfigError([f"{root} cannot be read without Spark; give a Spark session"])
        return ArrowStore(LocalFiles(root, local), None)
    hadoop = HadoopFiles(spark, root)
    # A path without a scheme belongs to the default file system of the cluster.
    local = local_path(hadoop.qualified(""))
    if local is None and tasks_open_files:
        raise ConfigError([f"{root} is not on this machine, so tasks cannot open its files"])
    if local is None or tasks_open_files is False:
        return SparkStore(hadoop, spark)
    return ArrowStore(LocalFiles(root, local), spark)


def open_output(root: str, spark: SparkSession, *, tasks_open_files: bool | None = None) -> Store:
    """The same for a folder to write to; `storage.files.prepare_output` creates it.

    Raises OutputError if there is no such file system.
    """
    try:
        return open_store(root, spark, tasks_open_files=tasks_open_files)
    except VecmillError as error:
        raise OutputError(root, str(error)) from error


def is_local(path: str) -> bool:
    """Whether a path can be read without Spark."""
    return local_path(path) is not None


def as_local(path: str) -> Path:
    """The path on this machine that `path` names, plain or as "file:...". Raises ConfigError."""
    local = local_path(path)
    if local is None:
        raise ConfigError([f"{path} is not on this machine; name a file or folder that is"])
    return local
