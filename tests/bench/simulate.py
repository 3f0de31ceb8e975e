r"""Strategies of training with many shards, on one machine and without Spark: scores and loss as a table.

    python -m tests.bench.simulate --corpus wiki.txt --tests google-analogies.txt wordsim353.tsv \
        --strategy averaging blocked --merge mean adasum --shards 1 8 32 128 --slices 4 \
        --rate 0.05 --seeds 1 2 3 --jobs 2 --json results.jsonl

What a model loses by spreading its text over N shards does not depend on where they run. So one process
trains the shards of a round in turn (`tests.bench.strategies`), and N costs hardly more than one. Left out
is what a cluster alone can tell: wall time, shuffles and their bytes, memory, lost workers; and threads.

Every combination is trained once with each seed, so many side by side as `--jobs` says, and its line is
printed when all its seeds are there. CORPUS has a document a line; words are what a-z spells after
lower-casing, seen 5 times or more; `--cache FILE` keeps their ids. `--texts RUN` takes the texts of a run
in place of a corpus, with its vocabulary, slices and shards. `--json FILE` adds each result to a file, and
does not train again what is there, so a file is for one corpus and one choice of tests; without a corpus
it prints the table of what is there.

scores    times 100, by the rules of `vecmill evaluate`; mean ± standard deviation over the seeds
held-out  loss in nats a pair and its noise, of 0.1 % of the texts; each seed holds out its own, so that
          its spread is theirs, and only one and the same seed tells settings apart
CPU       of the kernel alone, microseconds a word and epoch
moved     GB of parameters that the real strategy would send to workers and back in an epoch
slowest   words of a round, or pairs of a stratum, of the busiest worker, where the mean is 1
"-"       there is no such number; of a score, that the training diverges
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
from vecmill.evaluation import scores, word_tests
from vecmill.examples.pairs import HOLDOUT_SLICE
from vecmill.vectors.formats import Vectors

_HOLDOUT = 1e-3

Result = dict[str, Any]


class Source(NamedTuple):
    """Where the texts come from: the directory of a run, or else a file of `corpus.write_cache`."""

    run: Path | None
    cache: Path

    def dealt(self, setting: Setting) -> corpus.Dealt:
        """The texts as the setting deals them."""
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
        vectors = Vectors(dealt.vocabulary.words, trained.tables["W"])
        all_scores = scores.scores(word_tests.read_all(tests), vectors, scores.Rules())
        found = {score.file: round(score.value, 5) for score in all_scores if not score.section}
    words = sum(dealt.words_of.values())
    return {
        **setting._asdict(),
        "words": words,
        "vocabulary": len(dealt.vocabulary.words),
        "scores": found,
        "held_out_loss": scores.plain(round(trained.held_out_loss, 5)),
        "kernel_microseconds_per_word": round(trained.kernel_seconds / words / setting.epochs * 1e6, 3),
        "bytes_moved": trained.bytes_moved,
        "slowest": round(trained.slowest, 3),
        "cpu_seconds": round(time.process_time() - began, 1),
    }


def setting_of(result: Result) -> Setting:
    return Setting(*(result[name] for name in Setting._fields))


def search(
    settings: Iterable[Setting], source: Source, tests: Sequence[str], jobs: int
) -> Iterator[Result]:
    """The results in the order in which they end."""
    # For the processes, which are fresh ones: BLAS would else take all cores for each.
    os.environ.update(compare.ONE_THREAD)
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        work = partial(result_of, source, tests)
        for future in as_completed([pool.submit(work, setting) for setting in settings]):
            yield future.result()


def read_results(file: Path | None) -> dict[Setting, Result]:
    """What earlier searches have added to the file."""
    if file is None or not file.exists():
        return {}
    results = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {setting_of(result): result for result in results}


def added(results: Iterable[Result], file: Path | None) -> Iterator[Result]:
    """The same results, each after a line in the file that says it."""
    for result in results:
        if file is not None:
            with file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(result) + "\n")
        yield result


def table(
    wanted: Iterable[Setting],
    known: Mapping[Setting, Result],
    coming: Iterable[Result],
    tests: Sequence[str],
) -> Iterator[str]:
    """Lines of Markdown: the head, then each setting as soon as the results of all its seeds are there."""
    names = [
        "strategy",
        "merge",
        "shards",
        "slices",
        "warm-up",
        "rate",
        "seeds",
        *(Path(name).stem for name in tests),
    ]
    names += ["held-out", "CPU, µs a word", "moved, GB", "slowest"]
    yield f"| {' | '.join(names)} |"
    yield "|---" * len(names) + "|"
    results, lines = dict(known), defaultdict[Setting, list[Setting]](list)
    for setting in wanted:
        lines[setting._replace(seed=0)].append(setting)

    def told(line: Setting) -> Iterator[str]:
        if all(setting in results for setting in lines[line]):
            yield row([results[setting] for setting in lines[line]], tests)

    for line in lines:
        yield from told(line)
    for result in coming:
        setting = setting_of(result)
        results[setting] = result
        yield from told(setting._replace(seed=0))


def row(results: Sequence[Result], tests: Sequence[str]) -> str:
    """The results of one setting, a seed each."""
    of = setting_of(results[0])
    cells = [of.strategy, of.merge or "-", f"{of.shards}", f"{of.slices}", f"{of.warm_up}", f"{of.rate:g}"]
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
    """The mean, and of several values the standard deviation; "-" where one is no number."""
    if not all(map(math.isfinite, values)):
        return "-"
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


def settings_of(arguments: argparse.Namespace) -> list[Setting]:
    """Every combination; those that differ in their seed alone are neighbours."""
    axes = ("strategy", "merge", "shards", "slices", "rate", "seeds")
    common = {name: getattr(arguments, name) for name in Setting._fields[len(axes) :]}
    found = [
        Setting(*combination, **common)
        for combination in itertools.product(*(getattr(arguments, axis) for axis in axes))
    ]
    # Where nothing is merged the merges are one.
    return list(dict.fromkeys(one if one.merges else one._replace(merge="") for one in found))


def dealt_as(places: Collection[tuple[int, int]]) -> tuple[int, int]:
    """The slices and the shards of a run."""
    slices, shards = zip(*(place for place in places if place[0] != HOLDOUT_SLICE), strict=True)
    return max(slices) + 1, max(shards) + 1


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    found.add_argument("--corpus", type=Path)
    found.add_argument("--texts", type=Path, metavar="RUN", help="in place of a corpus")
    found.add_argument("--tests", nargs="*", default=[], help="files as `vecmill evaluate` reads them")
    found.add_argument("--strategy", nargs="+", choices=STRATEGIES, default=["averaging"])
    found.add_argument("--merge", nargs="+", choices=MERGES, default=["mean"], help="of averaging")
    found.add_argument("--shards", type=int, nargs="+", default=[1])
    found.add_argument("--slices", type=int, nargs="+", default=[1], help="of an epoch")
    found.add_argument("--rate", type=float, nargs="+", default=[peers.RATE])
    found.add_argument("--seeds", type=int, nargs="+", default=[peers.SEED])
    for name in Setting._fields:
        if name in Setting._field_defaults:
            default = Setting._field_defaults[name]
            found.add_argument(f"--{name}", type=type(default), default=default)
    found.add_argument("--jobs", type=int, default=1, help="settings trained side by side")
    found.add_argument("--cache", type=Path, help="keep the ids of the corpus's words here")
    found.add_argument("--json", type=Path, help="add every result to this file")
    return found


def main() -> None:
    of = parser()
    arguments = of.parse_args()
    known = read_results(arguments.json)
    if not arguments.corpus and not arguments.texts:
        if not known:
            of.error("give --corpus FILE or --texts RUN, or --json FILE with results to print")
        tests = list(dict.fromkeys(name for result in known.values() for name in result["scores"]))
        print("\n".join(table(known, known, (), tests)))
        return
    if arguments.texts:
        slices, shards = dealt_as(corpus.read_run(arguments.texts).texts)
        arguments.slices, arguments.shards = [slices], [shards]
    wanted = settings_of(arguments)
    with tempfile.TemporaryDirectory(prefix="vecmill-bench-") as scratch:
        source = Source(arguments.texts, arguments.cache or Path(scratch) / "corpus.npz")
        if not arguments.texts:
            corpus.write_cache(arguments.corpus, peers.MIN_COUNT, source.cache)
        missing = [setting for setting in wanted if setting not in known]
        coming = added(search(missing, source, arguments.tests, arguments.jobs), arguments.json)
        for line in table(wanted, known, coming, [Path(test).name for test in arguments.tests]):
            print(line, flush=True)


if __name__ == "__main__":
    main()
