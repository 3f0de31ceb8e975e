"""spark-submit as users run it: with the wheel as --py-files and the settings in conf/spark."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pyspark

from vecmill.spark import java

PROJECT = Path(__file__).parents[2]

# As in tests/conftest.py: Java processes of the tests end before their second compiler pays off.
_SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

# Executors on this machine with a core and a gigabyte each, less than cluster.conf gives them.
SMALL_CLUSTER = {"master": "local-cluster[2,1,1024]", "executor": {"cores": 1, "memory": "1g"}}


def build_wheel(folder: Path) -> Path:
    """The wheel of the project, built in `folder`."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, PROJECT]
    built = subprocess.run(build, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("vecmill-*-py3-none-any.whl"))


def launcher(name: str) -> Path:
    """A program of the installed Spark."""
    return Path(sys.executable).with_name(name)


def environment(folder: Path) -> dict[str, str]:
    """The environment of a program of Spark whose executors work in `folder`.

    Executors of local-cluster work below Spark's own folder, so here it is a folder of links to it.
    """
    home = folder / "spark"
    home.mkdir(exist_ok=True)
    for path in Path(pyspark.__file__).parent.iterdir():
        if path.name != "work" and not (home / path.name).exists():
            (home / path.name).symlink_to(path)
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {
        **inherited,
        "JAVA_HOME": str(java.find().home),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_JAVA_OPTS": _SHORT_LIVED,
    }


def submit(
    wheel: Path,
    script: Path,
    *arguments: object,
    master: str = "local[2]",
    executor: Mapping[str, object] | None = None,
) -> None:
    """Run spark-submit on `master`, with executors of other sizes than conf/spark gives them."""
    name = "local" if master.startswith("local[") else "cluster"
    options = ["--master", master, "--py-files", wheel]
    options += ["--properties-file", PROJECT / "conf" / "spark" / f"{name}.conf"]
    # Most of the time would go into hundreds of empty partitions.
    options += ["--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=4"]
    options += ["--conf", f"spark.executor.defaultJavaOptions={_SHORT_LIVED}"]
    for key, value in (executor or {}).items():
        options += ["--conf", f"spark.executor.{key}={value}"]
    ended = subprocess.run(
        [launcher("spark-submit"), *options, script, *arguments],
        env=environment(wheel.parent),
        cwd=wheel.parent,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
