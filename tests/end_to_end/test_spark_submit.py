"""A real spark-submit with the wheel as --py-files, on executors of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyspark
import pytest

from tests.end_to_end.conftest import SMALL, overrides
from vecmill.spark import java
from vecmill.vectors.word_vectors import read_run

PROJECT = Path(__file__).parents[2]

# Executors on this machine, of a core and a gigabyte each: less than cluster.conf would give them.
SMALL_CLUSTER = {"master": "local-cluster[2,1,1024]", "executor": {"cores": 1, "memory": "1g"}}

_WHERE = """\
from pyspark.sql import SparkSession
from vecmill import session

def where(batches):
    import pyarrow as pa
    import vecmill.stages.pairs
    for _ in batches:
        yield pa.RecordBatch.from_pydict({"file": [vecmill.__file__]})

spark = session.build()
with open(__import__("sys").argv[1], "w") as file:
    file.write(spark.range(1).mapInArrow(where, "file string").first()["file"])
spark.stop()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, PROJECT]
    built = subprocess.run(build, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("vecmill-*-py3-none-any.whl"))


def launcher(name: str) -> Path:
    """A program of the installed Spark."""
    return Path(sys.executable).with_name(name)


def environment(folder: Path) -> dict[str, str]:
    """That of a program of Spark whose executors work in `folder`.

    Those of local-cluster work below Spark's own folder, wherever that is: here it is one of links.
    """
    home = folder / "spark"
    home.mkdir(exist_ok=True)
    for path in Path(pyspark.__file__).parent.iterdir():
        if path.name != "work" and not (home / path.name).exists():
            (home / path.name).symlink_to(path)
    here = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {
        **here,
        "JAVA_HOME": str(java.find().home),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


def submit(
    wheel: Path,
    script: Path,
    *arguments: object,
    master: str = "local[2]",
    executor: Mapping[str, object] | None = None,
) -> None:
    """Run spark-submit on `master` with the settings that come along for it, and other executors."""
    name = "local" if master.startswith("local[") else "cluster"
    options = ["--master", master, "--py-files", wheel]
    options += ["--properties-file", PROJECT / "conf" / "spark" / f"{name}.conf"]
    # Hundreds of partitions without a row would take most of the time.
    options += ["--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=4"]
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


def test_workers_import_vecmill_from_the_wheel(wheel, tmp_path):
    (tmp_path / "where.py").write_text(_WHERE)

    submit(wheel, tmp_path / "where.py", tmp_path / "answer")

    assert wheel.name in (tmp_path / "answer").read_text()


def test_the_whole_pipeline_by_spark_submit_equals_the_one_in_this_session(
    finished, wheel, small_corpus, tmp_path
):
    out = tmp_path / "out"
    options = overrides({**SMALL, "input.path": small_corpus, "output.path": out})

    submit(wheel, PROJECT / "jobs" / "run_pipeline.py", *options, **SMALL_CLUSTER)

    np.testing.assert_array_equal(read_run(str(out)).vectors, read_run(str(finished.folder)).vectors)


@pytest.mark.parametrize("job", sorted(path.name for path in (PROJECT / "jobs").glob("*.py")))
def test_every_job_has_the_arguments_of_its_command(job):
    answer = subprocess.run(
        [sys.executable, PROJECT / "jobs" / job, "--help"], capture_output=True, text=True
    )

    assert answer.returncode == 0
    assert "--set SECTION.KEY=VALUE" in answer.stdout
