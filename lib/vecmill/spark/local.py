"""A session that vecmill starts itself: its settings, and the environment of its processes."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from vecmill.errors import ConfigError
from vecmill.spark import java, scratch

# Defaults; a file of settings takes precedence.
_SETTINGS = {
    "spark.driver.host": "localhost",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "8",
    # A sort spills to disk after so many bytes. Otherwise Java grows with the corpus up to its whole heap.
    "spark.shuffle.spill.maxSizeInBytesForSpillThreshold": "64m",
}

# Java's second compiler compiles code after ten times as many runs as by default. Starting Spark and
# planning a dozen queries runs much code a few thousand times and never again; on few cores, compiling it
# would delay the tasks. Code that tasks run a million times is still compiled early.
_SECOND_COMPILER = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)

# With few tasks at once, the collector with one thread takes a tenth less CPU of Java in a short run, and
# Java's peak is lower: 1.0 GB instead of 1.8 after an epoch of 17 million words.
_ONE_COLLECTOR = "-XX:+UseSerialGC"
_FEW_CORES = 4

# Libraries that Python workers import, beside Python's own.
_LIBRARIES = {
    "cloudpickle",
    "llvmlite",
    "numba",
    "numpy",
    "pandas",
    "py4j",
    "pyarrow",
    "pyspark",
    "vecmill",
}

_SAFE_PATH = "PYTHONSAFEPATH"

# Whether Python workers look for modules in the working folder of this process first.
_workers_import_from_here = False


def is_local(settings: Mapping[str, str]) -> bool:
    """Whether the tasks run on this machine alone."""
    return settings.get("spark.master", "local").startswith("local")


def with_defaults(properties: Mapping[str, str]) -> dict[str, str]:
    """The settings of the session: `properties` over the defaults."""
    settings = {"spark.master": "local[*]", "spark.app.name": "vecmill", **properties}
    settings["spark.driver.extraJavaOptions"] = _java_options(settings.get("spark.driver.extraJavaOptions"))
    return {**_SETTINGS, **settings} if is_local(settings) else settings


def _java_options(given: str | None) -> str:
    """Java's options: ours, or those of the user and our configuration of its log."""
    log = f"-Dlog4j2.configurationFile={_log4j2()}"
    if given is not None:
        return given if "-Dlog4j" in given else f"{log} {given}"
    options = [log, _SECOND_COMPILER]
    if (os.cpu_count() or 1) <= _FEW_CORES:
        options.append(_ONE_COLLECTOR)
    return " ".join(options)


def prepare(properties: Mapping[str, str]) -> dict[str, str]:
    """The settings of the session, after the environment of its processes is set and its folders are made.

    Raises ConfigError if there is no usable Java, if the environment names another Spark or a Python that
    does not exist, or if no temporary folder can be created.
    """
    settings = with_defaults(properties)
    faults = [*invalid_spark_home(), *(invalid_python() if is_local(settings) else [])]
    if faults:
        raise ConfigError(faults)
    os.environ["JAVA_HOME"] = str(java.find().home)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if is_local(settings):
        # The name of a host may have no address, as in many containers.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        _keep_temporary_files_together(settings)
    return settings


def _keep_temporary_files_together(settings: dict[str, str]) -> None:
    folders = scratch.create(settings)
    settings["spark.local.dir"] = ",".join(map(str, folders))
    if os.environ.get("SPARK_LOCAL_DIRS"):
        os.environ["SPARK_LOCAL_DIRS"] = settings["spark.local.dir"]
    for side in ("driver", "executor"):
        key = f"spark.{side}.extraJavaOptions"
        options = settings.get(key, "")
        if "-Djava.io.tmpdir=" not in options:
            # Java's options are split at spaces outside quotes.
            settings[key] = f'{options} "-Djava.io.tmpdir={folders[0]}"'.strip()


def safe_path(settings: Mapping[str, str]) -> dict[str, str]:
    """The setting with which Python workers do not import modules from the working folder.

    They would take a random.py there for Python's own. There is none if the environment has it, and if this
    process imports from its working folder, too: a function of the user may then be there.
    """
    global _workers_import_from_here
    _workers_import_from_here = is_local(settings) and _imports_from_working_folder()
    if not is_local(settings) or _workers_import_from_here or os.environ.get(_SAFE_PATH):
        return {}
    return {f"spark.executorEnv.{_SAFE_PATH}": "1"}


def _imports_from_working_folder() -> bool:
    here = os.path.realpath(".")
    return any(os.path.realpath(path or ".") == here for path in sys.path)


def shadowing_files() -> list[str]:
    """Modules in the working folder that Python workers take for others of the same name."""
    if not _workers_import_from_here or os.environ.get(_SAFE_PATH):
        return []
    names = {*sys.stdlib_module_names, *_LIBRARIES}
    return sorted(
        name
        for name in os.listdir(".")
        if (name.endswith(".py") and name.removesuffix(".py") in names)
        or (name in names and Path(name, "__init__.py").exists())
    )


def invalid_python() -> Iterator[str]:
    """The fault of PYSPARK_PYTHON if it is not a program."""
    python = os.environ.get("PYSPARK_PYTHON")
    if python and shutil.which(python) is None:
        yield (
            f"PYSPARK_PYTHON: {python} is not a program on this machine; unset it, or name a Python that "
            "has vecmill's packages"
        )


def invalid_spark_home() -> Iterator[str]:
    """The fault of SPARK_HOME if it is not a Spark of the version of PySpark."""
    home = os.environ.get("SPARK_HOME")
    if not home:
        return
    if not Path(home, "bin", "spark-submit").exists():
        yield f"SPARK_HOME: {home} is not a Spark, since it has no bin/spark-submit; unset SPARK_HOME"
        return
    import pyspark

    jars = Path(home, "jars").glob("spark-core_*.jar")
    versions = {found[1] for jar in jars if (found := re.search(r"-(\d+\.\d+)\.", jar.name))}
    expected = ".".join(pyspark.__version__.split(".")[:2])
    if versions and expected not in versions:
        yield (
            f"SPARK_HOME: {home} is Spark {min(versions)}, and PySpark is {pyspark.__version__}; unset "
            "SPARK_HOME, or name a Spark of that version"
        )


def _log4j2() -> str:
    return (Path(__file__).parent / "log4j2.properties").as_uri()
