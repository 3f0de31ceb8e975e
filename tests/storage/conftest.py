"""Both kinds of files and both stores, on the same folder of the local disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from vecmill.storage.files import Files
from vecmill.storage.hadoop_files import HadoopFiles
from vecmill.storage.local_files import LocalFiles
from vecmill.storage.store import Store
from vecmill.storage.stores import open_store


def open_files(kind: str, spark: SparkSession, root: str) -> Files:
    return LocalFiles(root, Path(root)) if kind == "local" else HadoopFiles(spark, root)


@pytest.fixture(params=["local", "hadoop"])
def kind_of_files(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def files(spark: SparkSession, tmp_path: Path, kind_of_files: str) -> Files:
    return open_files(kind_of_files, spark, str(tmp_path))


@pytest.fixture(scope="session", params=[True, False], ids=["tasks open files", "Spark opens files"])
def tasks_open_files(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def store(spark: SparkSession, tmp_path: Path, tasks_open_files: bool) -> Store:
    return open_store(str(tmp_path), spark, tasks_open_files=tasks_open_files)
