"""The growth of time and memory with the corpus: the same text once, twice, four and eight times.

    python -m tests.bench.growth --corpus wiki.txt --times 1 2 4 8

The vocabulary stays the same, because min_count grows too; words are those of `tests.bench.compare`. The
columns of stages are seconds of wall time per million words, from run.json; CPU is that of training in
microseconds per word and epoch; before is the share of the whole that is neither training nor export, with
start and end of Spark; peak memory is that of the largest process of each kind, and of all together, in MB.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench import peers
from tests.bench.compare import ONE_THREAD, compile_kernels, prepare
from tests.bench.measure import measure

_STAGES = ("tokenize", "vocabulary", "texts", "pairs", "train")
_KINDS = ("driver", "java", "worker")


def cells(tokens: Path, times: int, training: dict[str, str], folder: Path) -> Iterator[str]:
    """One line of the table: a run over `times` copies of the text, with the settings `training`."""
    text = folder / "text"
    text.mkdir()
    for copy in range(times):
        os.link(tokens, text / f"{copy}.txt")
    settings = {
        "input.path": text,
        "output.path": folder / "run",
        "tokenizer.kind": "whitespace",
        "vocabulary.min_count": peers.MIN_COUNT * times,
        "train.holdout": 0.0,
        **training,
    }
    command = [sys.executable, "-m", "vecmill", "run", *(f"--set={k}={v}" for k, v in settings.items())]
    usage = measure(command, env=ONE_THREAD, stderr=(folder / "log").open("w"))
    if usage.exit_code:
        raise SystemExit((folder / "log").read_text())
    stages = json.loads((folder / "run" / "run.json").read_text())["stages"]
    rounds = map(json.loads, (folder / "run" / "metrics.jsonl").read_text().splitlines())
    cpu = statistics.mean(round_["cpu_microseconds_per_word"] for round_ in rounds)
    after = stages["train"]["seconds"] + stages["export"]["seconds"]
    million = stages["tokenize"]["tokens"] / 1e6
    yield f"{times}"
    yield f"{million:.1f}"
    yield f"{stages['vocabulary']['words']:,}"
    for stage in _STAGES:
        yield f"{stages[stage]['seconds'] / million:.2f}"
    yield f"{cpu:.2f}"
    yield f"{usage.wall_seconds / million:.2f}"
    yield f"{1 - after / usage.wall_seconds:.0%}"
    found = usage.by_kind()
    yield " + ".join(f"{found[kind]['largest_peak_mb']:,}" for kind in _KINDS)
    yield f"{usage.peak_together_bytes / 1e6:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--words", type=int, help="take only the first words")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--epochs", default="1")
    parser.add_argument("--shards", default="2")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--drawn", action="store_true", help="draw pairs during training")
    arguments = parser.parse_args()
    compile_kernels()
    training = {
        "train.epochs": arguments.epochs,
        "train.shards": arguments.shards,
        "train.threads": arguments.threads,
        "pairs.materialize": str(not arguments.drawn).lower(),
    }
    head = ["times", "M words", "vocabulary", *_STAGES, "CPU", "all", "before"]
    head += ["driver + Java + worker", "together"]
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|", flush=True)
    with tempfile.TemporaryDirectory(prefix="vecmill-bench-") as scratch:
        tokens = Path(scratch) / "tokens.txt"
        prepare(arguments.corpus, tokens, arguments.words)
        for times in arguments.times:
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                line = cells(tokens, times, training, Path(folder))
                print(f"| {' | '.join(line)} |", flush=True)


if __name__ == "__main__":
    main()
