"""Whether this machine can run vecmill: each thing that a run relies on, looked at one by one.

Imports nothing that may be missing until the check that looks at it.
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
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from vecmill.errors import ConfigError, VecmillError
from vecmill.formatting import GIB, format_bytes, parse_bytes
from vecmill.planning.machine import PYTHON_BASE, available_memory, free_disk
from vecmill.spark import java

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

PYTHON = (3, 11)

# What pyproject.toml asks for: the first version that will do, and the first that will not.
PACKAGES: Mapping[str, tuple[str, str | None]] = {
    "pyspark": ("4.1", "5"),
    "pandas": ("2.2.2", "3"),
    "numpy": ("2.0", None),
    "pyarrow": ("18.0", None),
    "pydantic": ("2.8", None),
}

# Below this a small run may already fill the folder that Spark spills to.
_LOCAL_DIR_BYTES = 2 * GIB


class Finding(NamedTuple):
    """What a check found: whether it will do, of what, and in words, with the remedy."""

    state: Literal["ok", "warning", "FAULT"]
    name: str
    text: str


Findings = Iterator[Finding]


def diagnose(arguments: argparse.Namespace) -> tuple[str, bool]:
    """The findings of every check as text, a line each, and whether none of them is a fault."""
    findings: list[Finding] = []
    properties: dict[str, str] = {}

    def check(name: str, looked: Callable[[], Findings]) -> None:
        """Add what a check finds; one that breaks has found a fault."""
        try:
            findings.extend(looked())
        except Exception as error:
            findings.append(Finding("FAULT", name, f"could not be looked at: {error!r}"))

    check("Python", python)
    for package in PACKAGES:
        check(package, partial(version, package))
    check("Java", java_found)
    if arguments.spark_conf:
        check("Spark settings", partial(spark_settings, arguments.spark_conf, properties))
    check("memory", partial(memory, properties))
    check("temporary disk", partial(temporary_disk, properties))
    check("network", network)
    if arguments.config or arguments.overrides:
        check("configuration", partial(configuration, arguments))
    if any(finding.state == "FAULT" and finding.name in _SPARK_NEEDS for finding in findings):
        findings.append(Finding("warning", "Spark job", "not tried; mend the faults above first"))
    else:
        check("Spark job", partial(spark_job, properties))

    faults = sum(finding.state == "FAULT" for finding in findings)
    verdict = "This machine can run vecmill."
    if faults:
        verdict = f"{faults} {'fault' if faults == 1 else 'faults'}; mend, then ask again."
    width = max(len(finding.name) for finding in findings)
    lines = (f"{state:<7}  {name:<{width}}  {text}" for state, name, text in findings)
    return "\n".join([*lines, "", verdict]), faults == 0


_SPARK_NEEDS = {"Python", *PACKAGES, "Java", "Spark settings"}


def python() -> Findings:
    """Is this Python new enough?"""
    found, wanted = platform.python_version(), ".".join(map(str, PYTHON))
    if sys.version_info[:2] >= PYTHON:
        yield Finding("ok", "Python", f"{found} at {sys.executable}")
    else:
        yield Finding("FAULT", "Python", f"{wanted} or later is needed, found {found} at {sys.executable}")


def version(package: str) -> Findings:
    """Is the package there, and of a version that will do?"""
    first, beyond = PACKAGES[package]
    wanted = f"{package}>={first}" + (f",<{beyond}" if beyond else "")
    remedy = f"pip install '{wanted}'"
    try:
        found = str(importlib.import_module(package).__version__)
    except ModuleNotFoundError as error:
        yield Finding("FAULT", package, f"missing ({error}); {remedy}")
        return
    except Exception as error:
        yield Finding("FAULT", package, f"does not load ({error}); {remedy}")
        return
    will_do = _numbers(found) >= _numbers(first) and (beyond is None or _numbers(found) < _numbers(beyond))
    if will_do:
        yield Finding("ok", package, found)
    else:
        yield Finding("FAULT", package, f"{wanted} is needed, found {found}; {remedy}")


def java_found() -> Findings:
    """Which Java is taken, and why those that come before it are not?"""
    for found in java.candidates():
        if found.usable:
            yield Finding("ok", "Java", f"{found.version} at {found.home} (from {found.source})")
            return
        what = f"is {found.version}" if found.version else "did not answer 'java -version'"
        yield Finding(
            "warning",
            "Java",
            f"passed over {found.home} (from {found.source}): it {what}, and Spark needs "
            f"{' or '.join(map(str, java.SUPPORTED))}",
        )
    yield Finding(
        "FAULT",
        "Java",
        "no Java 17 or 21; install one and set JAVA_HOME, or: pip install 'vecmill[java]'",
    )


def spark_settings(path: str, properties: dict[str, str]) -> Findings:
    """Can the file of Spark settings be read? What it says goes into `properties`."""
    from vecmill.spark.session import read_properties

    try:
        properties.update(read_properties(path))
    except ConfigError as error:
        yield from (Finding("FAULT", "Spark settings", fault) for fault in error.faults)
    else:
        yield Finding("ok", "Spark settings", f"{path}: {len(properties)} settings")


def memory(properties: Mapping[str, str]) -> Findings:
    """Is there room for the JVM's heap and a Python process a core, before any model?"""
    heap = parse_bytes(properties.get("spark.driver.memory", "1g"), 1 << 20)
    master = properties.get("spark.master", "local[*]")
    cores = _local_cores(master)
    needed = heap + (1 + cores) * PYTHON_BASE
    free = available_memory()
    said = f"{format_bytes(needed)} needed before any model (heap {format_bytes(heap)}, {cores} cores)"
    if free is None:
        yield Finding("warning", "memory", f"{said}; this system does not tell what is free")
    elif free < needed:
        yield Finding(
            "warning",
            "memory",
            f"{said}, {format_bytes(free)} free; end other programs, lower spark.driver.memory, or "
            "name fewer cores with spark.master local[N]",
        )
    else:
        yield Finding("ok", "memory", f"{format_bytes(free)} free, {said}")


def temporary_disk(properties: Mapping[str, str]) -> Findings:
    """Can Spark spill to its folders, and is there room in them?"""
    named = os.environ.get("SPARK_LOCAL_DIRS") or properties.get("spark.local.dir")
    for folder in (named or tempfile.gettempdir()).split(","):
        free = free_disk(Path(folder))
        remedy = "name another with spark.local.dir"
        if not _can_write(Path(folder)):
            yield Finding("FAULT", "temporary disk", f"{folder} cannot be written to; {remedy}")
        elif free is not None and free < _LOCAL_DIR_BYTES:
            yield Finding(
                "warning",
                "temporary disk",
                f"{folder}: {format_bytes(free)} free, {format_bytes(_LOCAL_DIR_BYTES)} or more is "
                f"usual; make room, or {remedy}",
            )
        else:
            told = "" if free is None else f": {format_bytes(free)} free"
            yield Finding("ok", "temporary disk", f"{folder}{told}")


def network() -> Findings:
    """Does this host know its own name, and can programs listen on its loopback?"""
    host = socket.gethostname()
    try:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
    except OSError as error:
        yield Finding(
            "FAULT",
            "network",
            f"cannot listen on 127.0.0.1 ({error}), by which Python and Spark talk; "
            "allow it in the firewall or the sandbox",
        )
        return
    try:
        yield Finding("ok", "network", f"{host} is {socket.gethostbyname(host)}; loopback listens")
    except OSError as error:
        yield Finding(
            "warning",
            "network",
            f"the host name {host} has no address ({error}), which Spark may ask for; "
            "add it to /etc/hosts, or set SPARK_LOCAL_IP=127.0.0.1",
        )


def configuration(arguments: argparse.Namespace) -> Findings:
    """Is the configuration valid?"""
    try:
        from vecmill.config import Config
    except ImportError as error:
        yield Finding("warning", "configuration", f"not looked at: {error}")
        return
    try:
        Config.load(arguments.config, arguments.overrides)
    except ConfigError as error:
        yield from (Finding("FAULT", "configuration", fault) for fault in error.faults)
    else:
        yield Finding("ok", "configuration", f"{arguments.config or '--set'} is valid")


def spark_job(properties: Mapping[str, str]) -> Findings:
    """Does Spark start, and do its Python workers answer with the packages that they need?"""
    from vecmill.spark import session

    try:
        spark = session.build(properties)
        try:
            answer = ask_worker(spark)
            yield Finding("ok", "Spark job", f"Spark {spark.version} on {_master(spark)}: {answer}")
        finally:
            spark.stop()
    except Exception as error:
        yield Finding("FAULT", "Spark job", _cause(error))


def ask_worker(spark: SparkSession) -> str:
    """The versions that a Python worker of this session answers with."""
    rows = spark.range(1).mapInArrow(_answer, "answer string").collect()
    return str(rows[0]["answer"])


def _answer(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import numpy
    import pandas
    import pyarrow

    import vecmill

    for _ in batches:
        answer = (
            f"a worker has Python {platform.python_version()}, NumPy {numpy.__version__}, pandas "
            f"{pandas.__version__}, PyArrow {pyarrow.__version__}, vecmill {vecmill.__version__}"
        )
        yield pyarrow.RecordBatch.from_pydict({"answer": [answer]})


def _cause(error: Exception) -> str:
    if isinstance(error, VecmillError):
        return str(error)
    from vecmill.spark.failures import told

    known = told(error)
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return known[0] if known else f"{type(error).__name__}: {lines[0]}"


def _master(spark: SparkSession) -> Any:
    return spark.sparkContext.master


def _numbers(text: str) -> tuple[int, ...]:
    """The numbers at the head of a version: "4.1.0.dev2" is (4, 1, 0)."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _local_cores(master: str) -> int:
    """How many tasks run at once on this machine: none where executors are elsewhere."""
    if not master.startswith("local"):
        return 0
    named = re.fullmatch(r"local\[(\d+).*\]", master)
    if named:
        return int(named[1])
    return 1 if master == "local" else os.cpu_count() or 1


def _can_write(folder: Path) -> bool:
    """Whether a file can be made there, or where the folder would be made."""
    there = next((f for f in (folder, *folder.absolute().parents) if f.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=there):
            return True
    except OSError:
        return False
