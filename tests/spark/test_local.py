from __future__ import annotations

import sys

import pyspark
import pytest

from vecmill.spark import local


def test_settings_of_the_user_take_precedence_over_the_defaults():
    settings = local.with_defaults({"spark.driver.memory": "3g", "spark.master": "local[2]"})

    assert settings["spark.driver.memory"] == "3g"
    assert settings["spark.driver.host"] == "localhost"
    assert local.with_defaults({})["spark.driver.memory"] == "2g"


def test_a_cluster_has_its_own_memory_and_addresses():
    settings = local.with_defaults({"spark.master": "yarn"})

    assert "spark.driver.memory" not in settings
    assert "spark.driver.host" not in settings


def test_java_options_of_the_user_keep_the_configuration_of_the_log():
    options = local.with_defaults({"spark.driver.extraJavaOptions": "-Xss4m"})[
        "spark.driver.extraJavaOptions"
    ]

    assert options.startswith("-Dlog4j2.configurationFile=")
    assert options.endswith(" -Xss4m")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """The working folder is one that is not on the path of modules."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.setattr(local, "_workers_import_from_here", False)
    return tmp_path


def test_workers_do_not_import_from_the_working_folder(elsewhere):
    (elsewhere / "random.py").touch()

    assert local.safe_path({"spark.master": "local[2]"}) == {"spark.executorEnv.PYTHONSAFEPATH": "1"}
    assert local.shadowing_files() == []


@pytest.mark.parametrize("entry", ["", "."])
def test_workers_import_from_the_working_folder_if_the_command_does(elsewhere, monkeypatch, entry):
    for name in ("random.py", "numpy.py", "mine.py", "notes.txt"):
        (elsewhere / name).touch()
    (elsewhere / "pandas").mkdir()
    (elsewhere / "pandas" / "__init__.py").touch()
    (elsewhere / "json").mkdir()
    monkeypatch.setattr(sys, "path", [entry, *sys.path])

    assert local.safe_path({"spark.master": "local[2]"}) == {}
    assert local.shadowing_files() == ["numpy.py", "pandas", "random.py"]


def test_a_choice_of_the_user_and_executors_elsewhere_are_left_alone(elsewhere, monkeypatch):
    assert local.safe_path({"spark.master": "yarn"}) == {}

    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    assert local.safe_path({"spark.master": "local[2]"}) == {}


def test_a_python_that_does_not_exist_is_named(monkeypatch):
    monkeypatch.setenv("PYSPARK_PYTHON", "/nonexistent/python")

    [fault] = local.invalid_python()

    assert fault.startswith(
        "PYSPARK_PYTHON: /nonexistent/python is not a program on this machine; unset it"
    )
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    assert list(local.invalid_python()) == []


def test_a_spark_home_without_a_spark_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))

    [fault] = local.invalid_spark_home()

    assert (
        fault
        == f"SPARK_HOME: {tmp_path} is not a Spark, since it has no bin/spark-submit; unset SPARK_HOME"
    )


@pytest.mark.parametrize(("version", "faults"), [("3.5.1", 1), (pyspark.__version__, 0), (None, 0)])
def test_a_spark_home_of_another_version_is_named(monkeypatch, tmp_path, version, faults):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "spark-submit").touch()
    (tmp_path / "jars").mkdir()
    if version:
        (tmp_path / "jars" / f"spark-core_2.13-{version}.jar").touch()
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))

    found = list(local.invalid_spark_home())

    assert len(found) == faults
    assert all(f"is Spark 3.5, and PySpark is {pyspark.__version__}" in fault for fault in found)
