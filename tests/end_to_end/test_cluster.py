"""Training on executors of their own, some of which are lost: the same bytes as on this machine alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pyspark.sql import SparkSession

from tests.end_to_end.conftest import SMALL, STRATEGIES, Finished, Settings, finish, forget, overrides
from tests.end_to_end.submitting import PROJECT, SMALL_CLUSTER, environment, launcher, submit

_PATIENCE_SECONDS = 120

# The call of the kernel in which an executor dies: in the second round, after one of three shards is
# trained; in blocked training, in the second stratum of that round, after one of its buckets is trained.
FATAL_CALLS = {"mean": 3 + 2, "adasum": 3 + 2, "blocked": 3 * 3 + 3 + 2}


class Cluster(NamedTuple):
    """The URL of a master, and the folder in which workers keep the output of executors."""

    master: str
    work: Path


def start(log: Path, pattern: str, *command: object) -> tuple[subprocess.Popen[bytes], str]:
    """A daemon of Spark, and the part of its log that shows that it has started."""
    with log.open("wb") as file:
        daemon = subprocess.Popen(
            [launcher("spark-class"), *map(str, command)], env=environment(log.parent), stderr=file
        )
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (found := re.search(pattern, log.read_text())):
        assert daemon.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return daemon, found[0]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Spark's own master and two workers with two cores each, and the memory that cluster.conf requests;
    they do not allocate it.
    """
    folder = tmp_path_factory.mktemp("cluster")
    here = "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"
    deploy = "org.apache.spark.deploy"
    started = []
    try:
        master, url = start(
            folder / "master.log", r"spark://127\.0\.0\.1:\d+", f"{deploy}.master.Master", *here
        )
        started.append(master)
        room = "--cores", "2", "--memory", "4g", "--work-dir", folder / "work"
        for number in range(2):
            worker, _ = start(
                folder / f"worker{number}.log",
                "Successfully registered",
                f"{deploy}.worker.Worker",
                *here,
                *room,
                url,
            )
            started.append(worker)
        yield Cluster(url, folder / "work")
    finally:
        for daemon in reversed(started):
            daemon.terminate()
            daemon.wait()


def settings(strategy: str) -> Settings:
    """Three shards, one more than executors. The kernel need not be compiled first."""
    return {
        **SMALL,
        **STRATEGIES[strategy],
        "train.shards": 3,
        "train.slices": 1,
        "train.kernel": "numpy",
    }


def result(folder: Path, strategy: str) -> Path:
    """The vectors of one of the runs that trained in the same folder."""
    return folder / f"{strategy}.bin"


def submit_all(
    wheel: Path,
    corpus: Path,
    folder: Path,
    runs: dict[str, Settings],
    fatal_calls: dict[str, int],
    **cluster: Any,
) -> Path:
    """Train by several strategies on a cluster, in one application; the folder of the results.

    They train one after another in one run directory, so that they share its stages.
    """
    place = {"input.path": corpus, "output.path": folder / "out"}
    lines = [
        {
            "options": overrides(of_strategy | place),
            "fatal_call": fatal_calls.get(strategy),
            "out": str(folder / "out"),
            "result": str(result(folder, strategy)),
        }
        for strategy, of_strategy in runs.items()
    ]
    (folder / "runs").write_text("\n".join(map(json.dumps, lines)))
    script = PROJECT / "tests" / "end_to_end" / "on_cluster.py"
    submit(wheel, script, folder / "package", folder / "runs", **cluster)
    return folder


@pytest.fixture(scope="module")
def alone(spark: SparkSession, finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the results of every strategy on this machine alone."""
    folder = tmp_path_factory.mktemp("alone")
    place = finished.copied_to(folder / "out")
    forget(folder / "out", "pairs", "train", "export")
    for strategy in STRATEGIES:
        finish("run", place | settings(strategy))
        shutil.copy(folder / "out" / "exports" / "vectors.bin", result(folder, strategy))
    return folder


@pytest.fixture(scope="module")
def losing(
    cluster: Cluster, wheel: Path, small_corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Every strategy; in the training by each of them an executor is killed."""
    folder = tmp_path_factory.mktemp("losing")
    runs = {strategy: settings(strategy) for strategy in STRATEGIES}
    return submit_all(wheel, small_corpus, folder, runs, FATAL_CALLS, master=cluster.master)


@pytest.fixture(scope="module")
def small(wheel: Path, small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """On the smallest executors: the whole pipeline with the settings of `finished` and the kernel that it
    chooses, then the other strategies.
    """
    folder = tmp_path_factory.mktemp("small")
    runs = {"mean": SMALL, "adasum": settings("adasum"), "blocked": settings("blocked")}
    return submit_all(wheel, small_corpus, folder, runs, {}, **SMALL_CLUSTER)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_cluster_that_loses_executors_gives_the_same_bytes_as_this_machine_alone(losing, alone, strategy):
    assert result(losing, strategy).read_bytes() == result(alone, strategy).read_bytes()


def test_the_whole_pipeline_by_spark_submit_gives_the_same_bytes_as_in_this_session(small, finished):
    expected = (finished.folder / "exports" / "vectors.bin").read_bytes()

    assert result(small, "mean").read_bytes() == expected


@pytest.mark.parametrize("strategy", ["adasum", "blocked"])
def test_the_smallest_executors_give_the_same_bytes_as_this_machine_alone(small, alone, strategy):
    assert result(small, strategy).read_bytes() == result(alone, strategy).read_bytes()


def test_the_strategies_give_different_vectors(alone):
    assert len({result(alone, strategy).read_bytes() for strategy in STRATEGIES}) == len(STRATEGIES)


def test_an_executor_was_lost_in_every_run(losing, cluster):
    # Workers keep a folder for each executor that they started, and replace an executor that is lost.
    executors = [path for path in cluster.work.glob("*/*") if path.is_dir()]

    assert len(executors) == 2 + len(STRATEGIES)


def test_workers_import_vecmill_from_the_wheel(small, wheel):
    assert wheel.name in (small / "package").read_text()
