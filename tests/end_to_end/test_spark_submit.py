"""A real spark-submit with the wheel as --py-files, on executors of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.conftest import SMALL, overrides
from vecmill import java
from vecmill.word_vectors import read_run

PROJECT = Path(__file__).parents[2]

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


def submit(wheel: Path, script: Path, *arguments: object, master: str = "local[2]") -> None:
    """Run spark-submit with its work folders beside the wheel and not in the installed Spark."""
    launcher = Path(sys.executable).with_name("spark-submit")
    environment = {
        **os.environ,
        "JAVA_HOME": str(java.find().home),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_WORKER_DIR": str(wheel.parent / "work"),
    }
    environment.pop("PYTHONPATH", None)
    options = ["--master", master, "--py-files", wheel, "--conf", "spark.ui.enabled=false"]
    ended = subprocess.run(
        [launcher, *options, script, *arguments],
        env=environment,
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

    submit(wheel, PROJECT / "jobs" / "run_pipeline.py", *options, master="local-cluster[2,1,1024]")

    np.testing.assert_array_equal(read_run(str(out)).vectors, read_run(str(finished.folder)).vectors)


@pytest.mark.parametrize("job", sorted(path.name for path in (PROJECT / "jobs").glob("*.py")))
def test_every_job_has_the_arguments_of_its_command(job):
    answer = subprocess.run(
        [sys.executable, PROJECT / "jobs" / job, "--help"], capture_output=True, text=True
    )

    assert answer.returncode == 0
    assert "--set SECTION.KEY=VALUE" in answer.stdout
