"""vecmill, gensim and Spark MLlib on the same tokens: time, CPU, memory and scores in one table.

    make bench CORPUS=wiki.txt ANALOGIES=questions-words.txt SIMILARITY=wordsim353.tsv

CORPUS is text with one document per line; words are runs of a-z after lower-casing, in lines of at most
1,000 words, because gensim ignores all but the first 10,000 words of a line. WORDS=500000 takes only the
first words, ONLY="vecmill gensim-1" only some trainers; RUNS=3 runs all of them three times in turn and
reports medians. Settings are those of `tests.bench.peers`.

wall       seconds from tokens in a text file to vectors in a file, with vocabulary and start of Java; the
           kernel is compiled before, once per machine, which takes some four seconds
CPU        of training alone, microseconds per word and epoch: gensim's process while it trains; vecmill's
           tasks, which also read (or draw) pairs and write changes; the kernel alone if nothing else runs;
           that of MLlib cannot be separated
peak       highest resident memory of the largest process of each kind, and of all together; MB
scores     gensim's own evaluations over the 30,000 most frequent words
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from gensim.models import KeyedVectors
from tests.bench import peers
from tests.bench.measure import Usage, measure
from tests.bench.strategies import STRATEGIES, load_kernel

from vecmill import models
from vecmill.core import kernels

_LINE_WORDS = 1000
_RESTRICT = 30_000
_CORES = os.cpu_count() or 1
# Otherwise the BLAS of a kernel would use all cores in every worker.
ONE_THREAD = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Result(NamedTuple):
    """One run of one trainer; cpu is None if it cannot be separated."""

    wall: float
    cpu: float | None
    peaks: dict[str, float]
    together: float
    analogy: float | None
    similarity: float | None


class Tests(NamedTuple):
    """Files to score with, if any."""

    analogies: Path | None
    similarity: Path | None


def prepare(corpus: Path, target: Path, limit: int | None) -> int:
    """Write the first `limit` words of the corpus, or all, as lines of tokens; their number."""
    seen = 0
    with corpus.open(encoding="utf-8") as text, target.open("w", encoding="ascii") as out:
        for line in text:
            words = iter(re.findall("[a-z]+", line.lower()))
            while part := list(islice(words, _LINE_WORDS)):
                out.write(" ".join(part) + "\n")
                seen += len(part)
                if limit and seen >= limit:
                    return seen
    return seen


def compile_kernels() -> None:
    """Compile the kernels into Numba's cache, so that the first run takes no longer than the others."""
    if kernels.has_numba():
        for strategy in STRATEGIES:
            load_kernel(models.build("sgns", {}), strategy, "numba")


def vecmill(
    kernel: str, threads: int, *, materialize: bool = True
) -> Callable[[Path, Path], tuple[Usage, float | None, Path]]:
    """All stages of vecmill with one shard; pairs are written first, or drawn during training."""

    def run(tokens: Path, folder: Path) -> tuple[Usage, float | None, Path]:
        settings = {
            "input.path": tokens,
            "output.path": folder / "run",
            "tokenizer.kind": "whitespace",
            "vocabulary.min_count": peers.MIN_COUNT,
            "pairs.window": peers.WINDOW,
            "pairs.negatives": peers.NEGATIVES,
            "pairs.materialize": str(materialize).lower(),
            "train.dim": peers.DIM,
            "train.epochs": peers.EPOCHS,
            "train.learning_rate": peers.RATE,
            "train.seed": peers.SEED,
            "train.kernel": kernel,
            "train.threads": threads,
            "train.holdout": 0.0,
        }
        overrides = [f"--set={key}={value}" for key, value in settings.items()]
        command = [sys.executable, "-m", "vecmill", "run", *overrides]
        usage = measure(command, env=ONE_THREAD, stderr=(folder / "log").open("w"))
        lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
        rounds = [json.loads(line) for line in lines]
        cpu = statistics.mean(line["cpu_microseconds_per_word"] for line in rounds)
        return usage, cpu, folder / "run" / "exports" / "vectors.bin"

    return run


def peer(name: str, workers: int) -> Callable[[Path, Path], tuple[Usage, float | None, Path]]:
    """A trainer of `tests.bench.peers` in its own process."""

    def run(tokens: Path, folder: Path) -> tuple[Usage, float | None, Path]:
        vectors, output = folder / "vectors.bin", folder / "output"
        program = [sys.executable, "-m", "tests.bench.peers", name, tokens, vectors]
        command = [*map(str, program), "--workers", str(workers)]
        with output.open("w") as out, (folder / "log").open("w") as log:
            usage = measure(command, env=ONE_THREAD, stdout=out, stderr=log)
        report = json.loads(output.read_text().splitlines()[-1])
        cpu = report.get("train_cpu_seconds")
        per_word = cpu / (report["words"] * peers.EPOCHS) * 1e6 if cpu else None
        return usage, per_word, vectors

    return run


TRAINERS = {
    "vecmill": ("vecmill, numba, all cores", vecmill("numba", _CORES)),
    "vecmill-drawn": (
        "vecmill, numba, all cores, no pairs written",
        vecmill("numba", _CORES, materialize=False),
    ),
    "vecmill-1": ("vecmill, numba, 1 thread", vecmill("numba", 1)),
    "vecmill-numpy": ("vecmill, numpy, 1 thread", vecmill("numpy", 1)),
    "numba": ("vecmill's numba kernel alone", peer("numba", 1)),
    "numpy": ("vecmill's numpy kernel alone", peer("numpy", 1)),
    "gensim": ("gensim, all cores", peer("gensim", _CORES)),
    "gensim-1": ("gensim, 1 worker", peer("gensim", 1)),
    "mllib": ("Spark MLlib, all cores", peer("mllib", _CORES)),
}


def result_of(name: str, tokens: Path, tests: Tests) -> Result:
    with tempfile.TemporaryDirectory(prefix="vecmill-bench-", dir=tokens.parent) as scratch:
        usage, cpu, vectors = TRAINERS[name][1](tokens, Path(scratch))
        if usage.exit_code:
            raise SystemExit(f"{name} ended with exit code {usage.exit_code}")
        scores = scores_of(vectors, tests)
    peaks = {kind: found["largest_peak_mb"] for kind, found in usage.by_kind().items()}
    return Result(usage.wall_seconds, cpu, peaks, usage.peak_together_bytes / 1e6, *scores)


def scores_of(vectors: Path, tests: Tests) -> tuple[float | None, float | None]:
    read = KeyedVectors.load_word2vec_format(vectors, binary=True)
    analogy = similarity = None
    if tests.analogies:
        analogy = 100 * read.evaluate_word_analogies(tests.analogies, restrict_vocab=_RESTRICT)[0]
    if tests.similarity:
        spearman = read.evaluate_word_pairs(tests.similarity, restrict_vocab=_RESTRICT)[1]
        similarity = float(spearman[0])
    return analogy, similarity


def table(results: dict[str, list[Result]]) -> Iterator[str]:
    """The medians as lines of Markdown."""
    head = ["trainer", "wall, s", "CPU, µs per word", "peak, MB: driver + Java + worker", "together"]
    head += ["analogies, %", "similarity"]
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for name, runs in results.items():
        if not runs:
            continue
        peaks = [[run.peaks.get(kind) for run in runs] for kind in ("driver", "java", "worker")]
        cells = [
            TRAINERS[name][0],
            median([run.wall for run in runs], ",.0f"),
            median([run.cpu for run in runs], ".2f"),
            " + ".join(median(kind, ",.0f") for kind in peaks if kind[0] is not None),
            median([run.together for run in runs], ",.0f"),
            median([run.analogy for run in runs], ".1f"),
            median([run.similarity for run in runs], ".3f"),
        ]
        yield f"| {' | '.join(cells)} |"


def median(values: list[float | None], form: str) -> str:
    known = [value for value in values if value is not None]
    return format(statistics.median(known), form) if known else "-"


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--words", type=int, help="take only the first words")
    parser.add_argument("--analogies", type=Path, help="the Google analogy questions")
    parser.add_argument("--similarity", type=Path, help="word pairs rated by people")
    parser.add_argument("--only", nargs="*", choices=TRAINERS, default=list(TRAINERS))
    parser.add_argument("--runs", type=int, default=1)
    arguments = parser.parse_args()
    tests = Tests(arguments.analogies, arguments.similarity)
    with tempfile.TemporaryDirectory(prefix="vecmill-bench-") as scratch:
        tokens = Path(scratch) / "tokens.txt"
        words = prepare(arguments.corpus, tokens, arguments.words)
        print(f"{words:,} words, {peers.EPOCHS} epochs, {peers.DIM} dimensions, runs: {arguments.runs}")
        print(f"{processor()}, {_CORES} cores, Python {platform.python_version()}", flush=True)
        compile_kernels()
        results: dict[str, list[Result]] = {name: [] for name in arguments.only}
        for _ in range(arguments.runs):
            for name in arguments.only:
                results[name].append(result_of(name, tokens, tests))
                print(list(table({name: results[name][-1:]}))[-1], file=sys.stderr, flush=True)
        print("\n".join(table(results)))


if __name__ == "__main__":
    main()
