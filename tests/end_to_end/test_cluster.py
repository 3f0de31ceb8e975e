"""A master and two workers of Spark's own kind on this machine, and what is trained on them."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.end_to_end.conftest import SMALL, overrides
from tests.end_to_end.test_spark_submit import PROJECT, SMALL_CLUSTER, environment, launcher, submit
from tests.end_to_end.test_strategies import STRATEGIES

_PATIENCE_SECONDS = 120

# The call of the kernel in which an executor dies: in the second round, when a shard of three has been
# trained there; where training is blocked, all three of the first stratum and one of the second.
FATAL_CALLS = {"mean": 3 + 2, "adasum": 3 + 2, "blocked": 9 + 5}


class Cluster(NamedTuple):
    """A master's URL, and the folder in which workers keep what executors say."""

    master: str
    work: Path


def start(log: Path, pattern: str, *command: object) -> tuple[subprocess.Popen[bytes], str]:
    """A daemon of Spark, and what it says of itself once it stands."""
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
    """Two workers with two cores each, and as much memory as cluster.conf asks for; it is not taken."""
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


def settings(strategy: str, corpus: Path, out: Path) -> dict[str, Any]:
    """Three shards, one more than executors. The kernel is the one that need not be compiled first."""
    return {
        **SMALL,
        **STRATEGIES[strategy],
        "input.path": corpus,
        "output.path": out,
        "train.shards": 3,
        "train.slices": 1,
        "train.kernel": "numpy",
    }


def submit_all(
    wheel: Path,
    corpus: Path,
    folder: Path,
    fatal_calls: dict[str, int],
    **cluster: Any,
) -> Path:
    """Train by every strategy on a cluster, in one application; a folder with a run of each."""
    runs = [
        {
            "options": overrides(settings(strategy, corpus, folder / strategy)),
            "fatal_call": fatal_calls.get(strategy),
        }
        for strategy in STRATEGIES
    ]
    (folder / "runs").write_text("\n".join(map(json.dumps, runs)))
    script = PROJECT / "tests" / "end_to_end" / "on_cluster.py"
    submit(wheel, script, folder / "runs", **cluster)
    return folder


@pytest.fixture(scope="module")
def losing(
    cluster: Cluster,
    wheel: Path,
    small_corpus: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A run of every strategy, in each of which an executor was killed."""
    folder = tmp_path_factory.mktemp("losing")
    return submit_all(wheel, small_corpus, folder, FATAL_CALLS, master=cluster.master)


@pytest.fixture(scope="module")
def small(
    wheel: Path,
    small_corpus: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A run of every strategy on the smallest executors."""
    return submit_all(wheel, small_corpus, tmp_path_factory.mktemp("small"), {}, **SMALL_CLUSTER)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_cluster_gives_the_same_bytes_as_this_machine_alone(
    vecmill, losing, small, small_corpus, tmp_path, strategy
):
    outcome = vecmill("run", settings=settings(strategy, small_corpus, tmp_path / "out"))

    assert outcome.code == 0, outcome.said
    vectors = Path("exports", "vectors.bin")
    here = (tmp_path / "out" / vectors).read_bytes()
    assert (losing / strategy / vectors).read_bytes() == here
    assert (small / strategy / vectors).read_bytes() == here


def test_an_executor_was_lost_in_every_run(losing, cluster):
    # Workers keep a folder for each executor that they started, and start another for one that is lost.
    executors = [path for path in cluster.work.glob("*/*") if path.is_dir()]

    assert len(executors) == 2 + len(STRATEGIES)
