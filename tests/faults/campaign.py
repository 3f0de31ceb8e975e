"""Random faults against runs of every strategy, for as long as it is given:

    python -m tests.faults.campaign --minutes 60 --seed 1

A trial starts a run, disturbs it, and runs the same command until it ends with 0. The vectors must be those
of an undisturbed run, byte for byte. A command may also refuse: with 3 for damage, whose remedy is then
followed, with 5 for an output that another run holds, or with 1 for what a second try may mend; each in one
sentence. Anything else is lost. Prints a table of what was tried, and exits with 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import itertools
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.end_to_end import planted
from tests.faults.commands import Running, Vecmill
from tests.faults.trials import FAULTS, STRATEGIES, LostError, Trial, fingerprint

OUTCOMES = ("tried", "survived", "refused", "lost")

# The share of trials that do not begin with the text itself.
_FROM_COUNTED = 0.75

# Of an undisturbed run; the last trial may take several times as long.
_TRIAL_RUNS = 3


class Cell(NamedTuple):
    """A fault and the strategy that it is tried on."""

    fault: str
    strategy: str


class Campaign:
    """Trials in a folder, counted."""

    def __init__(self, folder: Path, seed: int, master: str, nice: int) -> None:
        self._folder, self._seed, self._master, self._nice = folder, seed, master, nice
        self._corpus = planted.write_corpus(folder / "corpus.txt", texts=400)
        self._expected: dict[str, tuple[str, float, int]] = {}
        self.counts: Counter[tuple[Cell, str]] = Counter()

    def prepare(self) -> None:
        """Count the corpus, and run every strategy undisturbed: its vectors, seconds and lines."""
        counting = self._vecmill("counted")
        for command in ("tokenize", "vocabulary"):
            ended = counting.run(command, "--spark-conf", str(counting.folder / "spark.conf"))
            if ended.code != 0:
                sys.exit(f"{command} failed:\n{ended.output}")
        for strategy in STRATEGIES:
            vecmill = self._vecmill(f"undisturbed-{strategy}")
            self._copy_counted(vecmill)
            started = time.monotonic()
            running = self._start(vecmill, strategy)
            try:
                ended = running.wait()
            finally:
                running.kill_all()
            if ended.code != 0:
                sys.exit(f"the undisturbed run by {strategy} failed:\n{ended.output}")
            seconds = time.monotonic() - started
            self._expected[strategy] = (fingerprint(vecmill.out), seconds, len(running.lines))
            say(f"undisturbed run by {strategy}: {seconds:.0f} s")

    def _copy_counted(self, vecmill: Vecmill) -> None:
        """Give a run the tokens and the vocabulary that were counted once."""
        shutil.copytree(self._folder / "counted" / "out", vecmill.out)

    @property
    def longest(self) -> float:
        """Seconds of the longest undisturbed run."""
        return max(seconds for _, seconds, _ in self._expected.values())

    def _vecmill(self, name: str) -> Vecmill:
        folder = self._folder / name
        for below in ("work", "temporary"):
            (folder / below).mkdir(parents=True)
        (folder / "work" / "spark.conf").write_text(f"spark.master {self._master}\n")
        return Vecmill(folder / "work", folder / "temporary", self._corpus, folder / "out")

    def _start(self, vecmill: Vecmill, strategy: str, *more: str, **environment: str) -> Running:
        before = ("nice", "-n", str(self._nice)) if self._nice else ()
        arguments = more or ("--spark-conf", str(vecmill.folder / "spark.conf"))
        return vecmill.start("run", *arguments, settings=STRATEGIES[strategy], before=before, **environment)

    def try_one(self, number: int, cell: Cell) -> None:
        """One trial, of which nothing is left."""
        name = f"trial-{number}"
        vecmill = self._vecmill(name)
        rng = random.Random(f"{self._seed} {number}")
        if rng.random() < _FROM_COUNTED:
            self._copy_counted(vecmill)
        fingerprint_, _, lines = self._expected[cell.strategy]
        trial = Trial(
            vecmill,
            lambda vecmill, *more, **variables: self._start(vecmill, cell.strategy, *more, **variables),
            rng,
            fingerprint_,
            lines,
        )
        started = time.monotonic()
        outcome = "lost"
        try:
            outcome = FAULTS[cell.fault](trial)
            detail = trial.story
        except LostError as error:
            detail = f"{trial.story}: {error}"
        finally:
            for running in trial.started:
                running.kill_all()
            trial.close()
            if outcome != "lost":
                shutil.rmtree(self._folder / name)
        if outcome == "not struck":
            # The run had ended, or had no such process at that moment.
            return
        self.counts[cell, "tried"] += 1
        self.counts[cell, outcome] += 1
        say(
            f"{number:4} {cell.fault:<16} {cell.strategy:<10} {outcome:<9}"
            f"{time.monotonic() - started:5.0f} s  {detail}"
        )

    def table(self) -> str:
        """The counts, a row per fault."""
        names = list(STRATEGIES)
        lines = [
            f"| fault | {' | '.join(names)} | all |",
            f"|---|{'---|' * (len(names) + 1)}",
        ]
        for fault in FAULTS:
            cells = [self._format([Cell(fault, strategy)]) for strategy in names]
            every = self._format([Cell(fault, strategy) for strategy in names])
            lines.append(f"| {fault} | {' | '.join(cells)} | {every} |")
        columns = [[Cell(fault, strategy) for fault in FAULTS] for strategy in names]
        cells = [self._format(column) for column in columns]
        every = self._format(list(itertools.chain(*columns)))
        lines.append(f"| all | {' | '.join(cells)} | {every} |")
        return "\n".join(lines)

    def _format(self, cells: Sequence[Cell]) -> str:
        sums = [sum(self.counts[cell, outcome] for cell in cells) for outcome in OUTCOMES]
        return " / ".join(map(str, sums)) if sums[0] else "-"

    @property
    def lost(self) -> int:
        return sum(count for (_, outcome), count in self.counts.items() if outcome == "lost")


def cells(seed: int) -> Iterator[Cell]:
    """Every fault on every strategy, in an order of the seed, again and again."""
    order = random.Random(seed)
    while True:
        grid = [Cell(fault, strategy) for fault in FAULTS for strategy in STRATEGIES]
        order.shuffle(grid)
        yield from grid


def say(text: str) -> None:
    print(text, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--master", default="local[2]", help="spark.master of the runs")
    parser.add_argument("--nice", type=int, default=0, help="the niceness of the runs")
    parser.add_argument("--fault", choices=FAULTS, action="append", help="only this fault; may be repeated")
    options = parser.parse_args(arguments)
    # So that everything is cleaned up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    deadline = time.monotonic() + 60 * options.minutes
    folder = Path(tempfile.mkdtemp(prefix="vecmill-faults-"))
    campaign = Campaign(folder, options.seed, options.master, options.nice)
    try:
        campaign.prepare()
        chosen = (c for c in cells(options.seed) if not options.fault or c.fault in options.fault)
        for number, cell in enumerate(chosen, 1):
            if time.monotonic() + _TRIAL_RUNS * campaign.longest > deadline:
                break
            campaign.try_one(number, cell)
    except KeyboardInterrupt:
        say("interrupted")
    finally:
        say(f"\n{' / '.join(OUTCOMES)}\n\n{campaign.table()}\n")
        if campaign.lost:
            say(f"{campaign.lost} lost; their folders are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if campaign.lost else 0


if __name__ == "__main__":
    sys.exit(main())
