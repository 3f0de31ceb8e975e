"""The requirements that `vecmill plan` computes for a training, beside measured ones, for each strategy.

    python -m tests.bench.plan --corpus wiki.txt

One epoch each, over the words of `tests.bench.compare`. Training is its own command, after everything that
it reads was written, so that its processes have done nothing else.

task, driver  highest resident memory of a Python process, of the largest worker and of the driver; MB
moved         bytes that the workers of blocked training sent in a round, as Spark counts its shuffles; MB.
              Parameters that are averaged move in files here, which Spark does not count
disk          bytes of the output at the end; MB
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import peers
from tests.bench.compare import ONE_THREAD, compile_kernels, prepare
from tests.bench.measure import measure

SETTINGS: dict[str, dict[str, Any]] = {
    "one shard, 2 threads": {"train.threads": 2},
    "averaging, 2 shards": {"train.shards": 2},
    "averaging, 2 shards, pairs drawn": {"train.shards": 2, "pairs.materialize": "false"},
    "averaging, adasum, 8 shards": {"train.shards": 8, "train.merge": "adasum"},
    "blocked, 8 workers": {"train.strategy": "blocked", "train.shards": 8},
}


def run(name: str, tokens: Path, folder: Path) -> Iterator[tuple[str, float, float]]:
    """The planned and the measured bytes of one setting."""
    settings = {
        "input.path": tokens,
        "output.path": folder / "run",
        "tokenizer.kind": "whitespace",
        "vocabulary.min_count": peers.MIN_COUNT,
        "train.epochs": 1,
        **SETTINGS[name],
    }
    conf = folder / "spark.conf"
    events = folder / "events"
    events.mkdir()
    conf.write_text(
        f"spark.eventLog.enabled true\nspark.eventLog.dir {events.as_uri()}\n"
        "spark.eventLog.compress false\nspark.eventLog.rolling.enabled false\n"
    )

    def command(stage: str) -> list[str]:
        options = [f"--set={key}={value}" for key, value in settings.items()]
        return [sys.executable, "-m", "vecmill", stage, f"--spark-conf={conf}", *options]

    with (folder / "log").open("w") as log:
        for stage in ("tokenize", "vocabulary", "pairs"):
            subprocess.run(command(stage), env=ONE_THREAD, stderr=log, check=True)
        before = set(events.glob("[!.]*"))
        usage = measure(command("train"), env=ONE_THREAD, stderr=log)
        [of_training] = set(events.glob("[!.]*")) - before
        subprocess.run(command("export"), env=ONE_THREAD, stderr=log, check=True)
    stages = json.loads((folder / "run" / "run.json").read_text())["stages"]
    planned, rounds = stages["plan"]["needs"], stages["train"]["rounds"]
    peaks = usage.by_kind()
    yield "task", planned["training_task"], peaks["worker"]["largest_peak_mb"] * 1e6
    yield "driver", planned["driver"], peaks["driver"]["largest_peak_mb"] * 1e6
    if "train.strategy" in settings:
        yield "moved", planned["moved_round"], shuffled(of_training) / rounds
    yield "disk", sum(planned["disk"].values()), size(folder / "run")


def shuffled(events: Path) -> int:
    """Bytes that all tasks of an application wrote into shuffles, from its event log."""
    logged = map(json.loads, events.read_text().splitlines())
    tasks = [event["Task Metrics"] for event in logged if event["Event"] == "SparkListenerTaskEnd"]
    return sum(task["Shuffle Write Metrics"]["Shuffle Bytes Written"] for task in tasks)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--words", type=int, help="take only the first words")
    parser.add_argument("--only", nargs="*", choices=SETTINGS, default=list(SETTINGS))
    arguments = parser.parse_args()
    compile_kernels()
    head = "| training | of | planned, MB | measured, MB | planned / measured |\n|---|---|---|---|---|"
    print(head, flush=True)
    with tempfile.TemporaryDirectory(prefix="vecmill-bench-") as scratch:
        tokens = Path(scratch) / "tokens.txt"
        prepare(arguments.corpus, tokens, arguments.words)
        for name in arguments.only:
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                for what, planned, measured in run(name, tokens, Path(folder)):
                    cells = f"{planned / 1e6:,.0f} | {measured / 1e6:,.0f} | {planned / measured:.2f}"
                    print(f"| {name} | {what} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
