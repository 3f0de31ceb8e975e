"""Which store a folder gets, and what it can be opened for."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecmill.errors import ConfigError
from vecmill.storage.arrow_store import ArrowStore
from vecmill.storage.files import OutputError
from vecmill.storage.hadoop_files import HadoopFiles
from vecmill.storage.local_files import LocalFiles
from vecmill.storage.spark_store import SparkStore
from vecmill.storage.stores import as_local, is_local, open_output, open_store


@pytest.mark.parametrize("scheme", ["", "file:", "file://"])
def test_tasks_open_the_files_of_a_local_folder(spark, tmp_path, scheme):
    store = open_store(f"{scheme}{tmp_path}", spark)

    assert isinstance(store, ArrowStore)
    assert isinstance(store.files, LocalFiles)
    assert store.tasks_open_files
    assert (store.folder, store.files.local) == (tmp_path, tmp_path)
    assert store.files.root == f"{scheme}{tmp_path}"
    assert store.spark is spark


def test_a_relative_path_gets_a_folder_that_does_not_depend_on_the_directory_of_a_task(spark):
    store = open_store("some run", spark)

    assert isinstance(store, ArrowStore)
    assert store.folder == Path.cwd() / "some run"


def test_tasks_do_not_open_the_files_of_a_local_folder_if_they_must_not(spark, tmp_path):
    store = open_store(str(tmp_path), spark, tasks_open_files=False)

    assert isinstance(store, SparkStore)
    assert isinstance(store.files, HadoopFiles)
    assert not store.tasks_open_files
    assert store.files.local is None


def test_only_spark_opens_the_files_of_another_file_system(spark):
    store = open_store("viewfs://elsewhere/run", with_mount(spark, "elsewhere", Path("/tmp")))

    assert isinstance(store, SparkStore)


def with_mount(spark, name: str, target: Path):
    """A file system that is not local, whose folder /run is a folder of this machine."""
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    hadoop.set(f"fs.viewfs.mounttable.{name}.link./run", target.as_uri())
    return spark


def test_tasks_cannot_open_files_that_are_not_local(spark):
    with pytest.raises(
        ConfigError, match=r"^viewfs://elsewhere/run is not on this machine, so tasks cannot"
    ):
        open_store(
            "viewfs://elsewhere/run", with_mount(spark, "elsewhere", Path("/tmp")), tasks_open_files=True
        )


def test_a_local_folder_can_be_read_without_spark(tmp_path):
    store = open_store(str(tmp_path))

    assert isinstance(store, ArrowStore)
    with pytest.raises(ConfigError, match=r"was opened without a Spark session; open it with one$"):
        store.spark  # noqa: B018


def test_another_folder_cannot_be_read_without_spark(tmp_path):
    with pytest.raises(ConfigError, match=r"^hdfs://host/run cannot be read without Spark; "):
        open_store("hdfs://host/run")
    with pytest.raises(ConfigError, match=r"cannot be read without Spark; "):
        open_store(str(tmp_path), tasks_open_files=False)


def test_an_unknown_file_system_is_an_error_of_the_configuration(spark):
    with pytest.raises(OutputError, match=r"^output\.path: cannot write to nosuch://host/out \(") as error:
        open_output("nosuch://host/out", spark)

    assert error.value.exit_code == 2
    assert len(str(error.value).splitlines()) == 1


def test_a_path_is_local_if_it_is_plain_or_has_the_scheme_file():
    assert as_local("/data/run") == Path("/data/run")
    assert as_local("run #1?") == Path("run #1?")
    assert as_local("file:///data/run") == as_local("file:/data/run") == Path("/data/run")
    assert is_local("C:data")
    assert not is_local("s3a://bucket/run")
    with pytest.raises(ConfigError, match="is not on this machine"):
        as_local("s3a://bucket/run")
