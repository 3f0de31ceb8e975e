r"""Strategies of training with many shards, on one machine and without Spark: a table of scores and loss.

    python -m tests.bench.simulate --corpus wiki.txt --tests google-analogies.txt wordsim353.tsv \
        --strategy averaging blocked --merge mean adasum --shards 1 8 32 128 --slices 4 \
        --rate 0.05 --seeds 1 2 3 --jobs 2 --json results.jsonl

The accuracy that a model loses if its text is spread over N shards does not depend on where they run. So
one process trains the shards of a round in turn (`tests.bench.strategies`), and N shards cost hardly more
than one. Only a cluster can show wall time, shuffles and their bytes, memory and lost workers; threads are
not simulated either.

Every combination is trained once with each seed, `--jobs` of them at a time, and its line is printed once
all its seeds are trained. CORPUS has one document per line; words are runs of a-z after lower-casing, seen
5 times or more; `--cache FILE` keeps their ids. `--texts RUN` takes the texts of a run instead of a corpus,
with its vocabulary, slices and shards. `--json FILE` appends each result to a file, and does not train
again what the file has, so a file is for one corpus and one choice of tests; without a corpus it prints the
table of the results in the file.

scores    times 100, by the rules of `vecmill evaluate`; mean ± standard deviation over the seeds
held-out  loss in nats per pair and its noise, of 0.1 % of the texts; each seed holds out other texts, so
          the deviation is that of the texts, and settings can be compared only for the same seed
CPU       of the kernel alone, microseconds per word and epoch
moved     GB of parameters per epoch that the real strategy would send to workers and back
slowest   words of a round, or pairs of a stratum, of the busiest worker; the mean is 1
"-"       no such number; for a score, the training diverged
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import multiprocessing
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench import compare, corpus, peers
from tests.bench.strategies import STRATEGIES, Setting, train

from vecmill.core.merging import MERGES
from vecmill.corpus.texts import HOLDOUT_SLICE
from vecmill.evaluation import scores, word_tests
from vecmill.models import MODELS
from vecmill.vectors.formats import Vectors

_HOLDOUT = 1e-3

Result = dict[str, Any]


class Source(NamedTuple):
    """Where the texts come from: the directory of a run, or else a file of `corpus.write_cache`."""

    run: Path | None
    cache: Path

    def dealt(self, setting: Setting) -> corpus.Dealt:
        """The texts, dealt as in the setting."""
        if self.run:
            return corpus.read_run(self.run)
        return _encoded(self.cache).deal(
            setting.slices, setting.shards, setting.seed, setting.subsample, holdout=_HOLDOUT
        )


# A process trains one setting after another.
_encoded = cache(corpus.read_cache)


def result_of(source: Source, tests: Sequence[str], setting: Setting) -> Result:
    """Train and score one setting."""
    began = time.process_time()
    dealt = source.dealt(setting)
    trained = train(dealt, setting)
    found = {}
    if math.isfinite(trained.loss):
        vectors = Vectors(dealt.vocabulary.words, trained.vectors)
        all_scores = scores.score_tests(word_tests.read_all(tests), vectors, scores.Rules())
        found = {score.file: round(score.value, 5) for score in all_scores if not score.section}
    words = sum(dealt.words_of.values())
    return {
        **setting._asdict(),
        "words": words,
        "vocabulary": len(dealt.vocabulary.words),
        "scores": found,
        "held_out_loss": scores.finite_or_none(round(trained.held_out_loss, 5)),
        "kernel_microseconds_per_word": round(trained.kernel_seconds / words / setting.epochs * 1e6, 3),
        "bytes_moved": trained.bytes_moved,
        "slowest": round(trained.slowest, 3),
        "cpu_seconds": round(time.process_time() - began, 1),
    }


def setting_of(result: Result) -> Setting:
    """The setting of a result; fields that an older file lacks have their defaults."""
    return Setting(**{name: result[name] for name in Setting._fields if name in result})


def search(
    settings: Iterable[Setting], source: Source, tests: Sequence[str], jobs: int
) -> Iterator[Result]:
    """The results in the order in which the trainings end."""
    # For the new processes; otherwise BLAS would use all cores in each of them.
    os.environ.update(compare.ONE_THREAD)
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        work = partial(result_of, source, tests)
        for future in as_completed([pool.submit(work, setting) for setting in settings]):
            yield future.result()


def read_results(file: Path | None) -> dict[Setting, Result]:
    """The results that earlier searches appended to the file."""
    if file is None or not file.exists():
        return {}
    results = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {setting_of(result): result for result in results}


def append_to(file: Path | None, results: Iterable[Result]) -> Iterator[Result]:
    """The same results, each of them after it was appended to the file."""
    for result in results:
        if file is not None:
            with file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(result) + "\n")
        yield result


def table(
    requested: Iterable[Setting],
    known: Mapping[Setting, Result],
    coming: Iterable[Result],
    tests: Sequence[str],
) -> Iterator[str]:
    """Lines of Markdown: the head, then each setting once it has the results of all its seeds."""
    names = [
        "model",
        "strategy",
        "merge",
        "shards",
        "slices",
        "warm-up",
        "rate",
        "seeds",
        *(Path(name).stem for name in tests),
    ]
    names += ["held-out", "CPU, µs per word", "moved, GB", "slowest"]
    yield f"| {' | '.join(names)} |"
    yield "|---" * len(names) + "|"
    results, lines = dict(known), defaultdict[Setting, list[Setting]](list)
    for setting in requested:
        lines[setting._replace(seed=0)].append(setting)

    def rows_of(line: Setting) -> Iterator[str]:
        if all(setting in results for setting in lines[line]):
            yield row([results[setting] for setting in lines[line]], tests)

    for line in lines:
        yield from rows_of(line)
    for result in coming:
        setting = setting_of(result)
        results[setting] = result
        yield from rows_of(setting._replace(seed=0))


def row(results: Sequence[Result], tests: Sequence[str]) -> str:
    """The line of one setting, from one result per seed."""
    of = setting_of(results[0])
    cells = [of.model, of.strategy, of.merge or "-", f"{of.shards}", f"{of.slices}", f"{of.warm_up}"]
    cells.append(f"{of.rate:g}")
    cells.append(" ".join(str(result["seed"]) for result in results))
    for test in tests:
        cells.append(mean_and_spread([100 * result["scores"].get(test, math.nan) for result in results], 1))
    losses = [result["held_out_loss"] for result in results]
    cells.append(mean_and_spread([math.nan if loss is None else loss for loss in losses], 3))
    kernel, moved, slowest = (
        statistics.mean(result[name] for result in results)
        for name in ("kernel_microseconds_per_word", "bytes_moved", "slowest")
    )
    cells += [f"{kernel:.2f}", f"{moved / of.epochs / 1e9:.1f}", f"{slowest:.2f}"]
    return f"| {' | '.join(cells)} |"


def mean_and_spread(values: Sequence[float], digits: int) -> str:
    """The mean, and the standard deviation of several values; "-" if a value is not finite."""
    if not all(map(math.isfinite, values)):
        return "-"
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


def settings_of(arguments: argparse.Namespace) -> list[Setting]:
    """Every combination; those that differ only in the seed are neighbours."""
    axes = ("strategy", "merge", "shards", "slices", "rate", "seeds")
    common = {name: getattr(arguments, name) for name in Setting._fields[len(axes) :]}
    found = [
        Setting(*combination, **common)
        for combination in itertools.product(*(getattr(arguments, axis) for axis in axes))
    ]
    # If nothing is merged, all merges are the same setting.
    return list(dict.fromkeys(one if one.merges else one._replace(merge="") for one in found))


def dealt_as(places: Collection[tuple[int, int]]) -> tuple[int, int]:
    """The numbers of slices and shards of a run."""
    slices, shards = zip(*(place for place in places if place[0] != HOLDOUT_SLICE), strict=True)
    return max(slices) + 1, max(shards) + 1


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    found.add_argument("--corpus", type=Path)
    found.add_argument("--texts", type=Path, metavar="RUN", help="instead of a corpus")
    found.add_argument("--tests", nargs="*", default=[], help="files as `vecmill evaluate` reads them")
    found.add_argument("--strategy", nargs="+", choices=STRATEGIES, default=["averaging"])
    found.add_argument("--merge", nargs="+", choices=MERGES, default=["mean"], help="of averaging")
    found.add_argument("--shards", type=int, nargs="+", default=[1])
    found.add_argument("--slices", type=int, nargs="+", default=[1], help="per epoch")
    found.add_argument("--rate", type=float, nargs="+", default=[peers.RATE])
    found.add_argument("--seeds", type=int, nargs="+", default=[peers.SEED])
    for name in Setting._fields:
        if name in Setting._field_defaults:
            default = Setting._field_defaults[name]
            choices = MODELS if name == "model" else None
            found.add_argument(f"--{name}", type=type(default), default=default, choices=choices)
    found.add_argument("--jobs", type=int, default=1, help="settings trained at a time")
    found.add_argument("--cache", type=Path, help="file that keeps the ids of the corpus")
    found.add_argument("--json", type=Path, help="file to append every result to")
    return found


def main() -> None:
    command = parser()
    arguments = command.parse_args()
    known = read_results(arguments.json)
    if not arguments.corpus and not arguments.texts:
        if not known:
            command.error("give --corpus FILE or --texts RUN, or --json FILE with results to print")
        tests = list(dict.fromkeys(name for result in known.values() for name in result["scores"]))
        print("\n".join(table(known, known, (), tests)))
        return
    if arguments.texts:
        slices, shards = dealt_as(corpus.read_run(arguments.texts).texts)
        arguments.slices, arguments.shards = [slices], [shards]
    requested = settings_of(arguments)
    with tempfile.TemporaryDirectory(prefix="vecmill-bench-") as scratch:
        source = Source(arguments.texts, arguments.cache or Path(scratch) / "corpus.npz")
        if not arguments.texts:
            corpus.write_cache(arguments.corpus, peers.MIN_COUNT, source.cache)
        missing = [setting for setting in requested if setting not in known]
        coming = append_to(arguments.json, search(missing, source, arguments.tests, arguments.jobs))
        for line in table(requested, known, coming, [Path(test).name for test in arguments.tests]):
            print(line, flush=True)


if __name__ == "__main__":
    main()
