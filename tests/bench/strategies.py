"""The strategies of `vecmill.training`, all workers of a round in one process and in turn, without Spark.

What is computed is the project's own code, down to the random numbers: dealt alike, a text gives the same
bytes as the real strategies. What is here in their stead is how shards come together.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple, Protocol

import numpy as np
from tests.bench import peers
from tests.bench.corpus import Dealt

from vecmill.core import kernels, keyed_random
from vecmill.core.blocks import blocks
from vecmill.core.buckets import TILE_NOISE, Bucket, pairs_of, sorted_by_bucket, with_noise
from vecmill.core.kernels import sgns_numpy
from vecmill.core.merging import MERGES, Change
from vecmill.core.regions import Regions, context_region
from vecmill.core.rows import Ids, Rows, concatenate, take
from vecmill.core.schedule import learning_rates
from vecmill.examples import pairs
from vecmill.examples.buckets import PART_PAIRS, expected, layout
from vecmill.training import rounds
from vecmill.training.averaging.worker import Initial, Round, train_rows
from vecmill.training.blocked import driver
from vecmill.training.held_out import MOST_ROWS
from vecmill.training.rounds import Part, Span

_MIN_RATE = 2.5e-6


class Setting(NamedTuple):
    """One training; `merge` is "" where there is nothing to merge."""

    strategy: str
    merge: str
    shards: int
    slices: int
    rate: float
    seed: int
    epochs: int = peers.EPOCHS
    dim: int = peers.DIM
    window: int = peers.WINDOW
    negatives: int = peers.NEGATIVES
    subsample: float = 1e-3
    warm_up: int = 0

    @property
    def merges(self) -> bool:
        """Whether there is anything to merge."""
        return self.strategy == "averaging" and self.shards > 1


class Trained(NamedTuple):
    """What a training leaves.

    loss            of the last round, nats; no finite number where the training diverged
    held_out_loss   nats a pair, nan where there is none
    kernel_seconds  of CPU
    bytes_moved     of parameters, that the real strategy would have sent to workers and back
    slowest         words of a round, or pairs of a stratum, of the busiest worker; the mean is 1
    """

    tables: kernels.Tables
    loss: float
    held_out_loss: float
    kernel_seconds: float
    bytes_moved: int
    slowest: float


class Strategy(Protocol):
    """How N shards become one model.

    tables  W and C (V, D) after the last round
    load    of each round or stratum so far, the work of its busiest worker, where the mean is 1
    """

    parts: Sequence[Part]
    tables: kernels.Tables
    load: list[float]

    def train(self, part: Part, span: Span) -> float:
        """Train a part; the summed loss in nats."""

    def bytes_moved(self, part: Part) -> int:
        """What the real strategy of this name says."""


class Timed:
    """A kernel that keeps count of its CPU seconds."""

    def __init__(self, kernel: Callable[..., float]) -> None:
        self._kernel, self.seconds = kernel, 0.0

    def __call__(self, *arguments: Any) -> float:
        # Of this thread, since another draws the next rows in the meantime.
        began = time.thread_time()
        loss = self._kernel(*arguments)
        self.seconds += time.thread_time() - began
        return loss


class Averaging:
    """Every shard trains a copy of the model; what they changed is merged."""

    def __init__(self, dealt: Dealt, setting: Setting, kernel: Timed) -> None:
        self._dealt, self._setting, self._kernel = dealt, setting, kernel
        counts, keep = dealt.vocabulary.counts, dealt.vocabulary.keep
        self._keep_ratio = float(counts @ keep / counts.sum())
        self.tables: kernels.Tables = Initial(len(counts), setting.dim, setting.seed).value
        self.parts: Sequence[Part] = rounds.parts(dealt.words_of, setting.epochs, setting.warm_up)
        self.load: list[float] = []

    def train(self, part: Part, span: Span) -> float:
        setting, alone = self._setting, len(part.shards) == 1
        task = Round(
            kernel=self._kernel,
            threads=1,
            merge=setting.merge,
            expected_rows={shard: words * self._keep_ratio for shard, words in part.shards.items()},
            begin=span.begin,
            end=span.end,
            learning_rate=setting.rate,
            min_learning_rate=_MIN_RATE,
        )
        merged = {name: Merging(setting.merge) for name in self.tables}
        loss = 0.0
        for shard in sorted(part.shards):
            own = {name: table.copy() for name, table in self.tables.items()}
            rows = drawn(self._dealt, setting, part.epoch, (part.slice_, shard), setting.negatives)
            trained, metrics = train_rows(own, ((shard, block) for block in rows), task)
            loss += metrics.loss
            if alone:
                self.tables = own
            elif trained is not None:
                for name, table in own.items():
                    table -= self.tables[name]
                    merged[name].add(table)
        if not alone:
            self.tables = {name: table + merged[name].result() for name, table in self.tables.items()}
        self.load.append(busiest(part.shards.values()))
        return loss

    def bytes_moved(self, part: Part) -> int:
        return 2 * len(part.shards) * sum(table.nbytes for table in self.tables.values())


class Merging:
    """A merge of changes that come one after another, to the same bytes as of all at once.

    The mean is a running sum. Adasum goes in pairs of neighbours: like the digits of a binary counter, what
    is held are merges of 1, 2, 4 ... changes, at most one of each, so N changes take log2(N) of memory.
    """

    def __init__(self, merge: str) -> None:
        self._merge, self._count = merge, 0
        self._held: list[tuple[int, Change]] = []

    def add(self, change: Change) -> None:
        """One more change, which may be written to from now on."""
        self._count += 1
        size = 1
        while self._held and (self._merge == "mean" or self._held[-1][0] == size):
            before, held = self._held.pop()
            change, size = self._of_two(held, change), before + size
        self._held.append((size, change))

    def result(self) -> Change:
        """The merge of all; nothing can be added any more."""
        _, last = self._held.pop()
        while self._held:
            last = self._of_two(self._held.pop()[1], last)
        return last / np.float32(self._count) if self._merge == "mean" else last

    def _of_two(self, first: Change, second: Change) -> Change:
        if self._merge == "mean":
            first += second
            return first
        return MERGES[self._merge]([first, second])


class Blocked:
    """Strata of buckets whose workers share no row.

    During a pass both tables lie in the order of their regions, so that a worker's rows are a view.
    """

    def __init__(self, dealt: Dealt, setting: Setting, kernel: Timed) -> None:
        self._dealt, self._setting, self._kernel = dealt, setting, kernel
        vocabulary = dealt.vocabulary
        self._expected = expected(vocabulary.counts, vocabulary.keep, vocabulary.noise)
        self.tables: kernels.Tables = initial_blocks(len(vocabulary.counts), setting.dim, setting.seed)
        model = 2 * 4 * len(vocabulary.counts) * setting.dim
        self.parts: Sequence[Part] = rounds.parts_of_strata(
            dealt.words_of, setting.epochs, setting.shards, driver.strata_a_round(model, setting.shards)
        )
        self.load: list[float] = []

    def train(self, part: Part, span: Span) -> float:
        if part.strata.start == 0:
            self._begin_pass(part)
        n_regions, loss = self._setting.shards, 0.0
        for stratum in part.strata:
            own = [self._train_bucket(part, span, stratum, worker) for worker in range(n_regions)]
            loss += sum(of_one for of_one, _ in own)
            self.load.append(busiest(n_pairs for _, n_pairs in own))
        if part.strata.stop == n_regions:
            self._end_pass()
        return loss

    def bytes_moved(self, part: Part) -> int:
        return (len(part.strata) + 1) * sum(table.nbytes for table in self.tables.values())

    def _begin_pass(self, part: Part) -> None:
        setting = self._setting
        self._layout = layout(
            self._expected,
            setting.shards,
            setting.negatives,
            seed=setting.seed,
            epoch=part.epoch,
            slice_=part.slice_,
        )
        self._sorted = list(self._sorted_pairs(part))
        self._pairs = sum(len(words) for words, _, _ in self._sorted)
        self.tables = {
            "W": self.tables["W"][self._layout.words.order],
            "C": self.tables["C"][self._layout.contexts.order],
        }

    def _end_pass(self) -> None:
        for name, cut in (("W", self._layout.words), ("C", self._layout.contexts)):
            ordered = np.empty_like(self.tables[name])
            ordered[cut.order] = self.tables[name]
            self.tables = {**self.tables, name: ordered}

    def _sorted_pairs(self, part: Part) -> Iterator[tuple[Ids, Ids, Any]]:
        """The pairs of a pass by their places in their regions, some millions sorted by bucket at once."""
        setting, cut = self._setting, self._layout
        regions = cut.words.of_ids(), cut.contexts.of_ids()
        places = places_of(cut.words), places_of(cut.contexts)
        rows = itertools.chain.from_iterable(
            drawn(self._dealt, setting, part.epoch, (part.slice_, shard), negatives=0)
            for shard in sorted(part.shards)
        )
        for some in gathered(map(pairs_of, rows), PART_PAIRS):
            words, contexts = (np.concatenate(ids) for ids in zip(*some, strict=True))
            words, contexts, bounds = sorted_by_bucket(words, contexts, *regions, setting.shards)
            yield places[0][words], places[1][contexts], bounds

    def _train_bucket(self, part: Part, span: Span, stratum: int, worker: int) -> tuple[float, int]:
        """The loss of one worker's stratum, and how many pairs it has."""
        other = context_region(worker, stratum, self._setting.shards)
        bucket = self._bucket(part, worker, other)
        steps = len(bucket.noise)
        if steps == 0:
            return 0.0, 0
        strata = stratum - part.strata.start + np.arange(steps) / steps
        progress = span.begin + (span.end - span.begin) * (strata / len(part.strata))
        own = {
            "W": self.tables["W"][members(self._layout.words, worker)],
            "C": self.tables["C"][members(self._layout.contexts, other)],
        }
        loss = self._kernel(own, bucket, learning_rates(progress, self._setting.rate, _MIN_RATE))
        return loss, len(bucket.words)

    def _bucket(self, part: Part, worker: int, other: int) -> Bucket:
        setting, of = self._setting, self._expected
        number = worker * setting.shards + other
        parts = [
            (words[bounds[number] : bounds[number + 1]], contexts[bounds[number] : bounds[number + 1]])
            for words, contexts, bounds in self._sorted
        ]
        words, contexts = (np.concatenate(ids) for ids in zip(*parts, strict=True))
        noise = of.noise[self._layout.contexts.members(other)]
        due = setting.negatives * self._pairs * of.pairs[self._layout.words.members(worker)] * noise.sum()
        rng = keyed_random.generator(
            setting.seed,
            keyed_random.Purpose.NOISE,
            epoch=part.epoch,
            slice_=part.slice_,
            shard=number,
        )
        return with_noise(words, contexts, expected=due / TILE_NOISE, noise=noise, rng=rng)


def initial_blocks(vocabulary: int, dim: int, seed: int) -> dict[str, kernels.Floats]:
    """The two tables of `stages.blocked.initial_blocks`."""
    tables = {name: np.empty((vocabulary, dim), np.float32) for name in "WC"}
    for block, rows in blocks(tables["W"]):
        rng = keyed_random.generator(seed, keyed_random.Purpose.INITIALISE, shard=block + 1)
        tables["W"][rows], tables["C"][rows] = sgns_numpy.initialise(rows.stop - rows.start, dim, rng)
    return tables


def members(cut: Regions, region: int) -> slice:
    """The rows of a region in a table that lies in the order of the regions."""
    return slice(cut.bounds[region], cut.bounds[region + 1])


def places_of(cut: Regions) -> Ids:
    """Where each id stands in its region, (V,) int32."""
    places = np.empty(len(cut.order), np.int32)
    begins = np.repeat(cut.bounds[:-1], np.diff(cut.bounds))
    places[cut.order] = np.arange(len(places)) - begins
    return places


def gathered(parts: Iterable[tuple[Ids, Ids]], count: int) -> Iterator[list[tuple[Ids, Ids]]]:
    """Lists of neighbours that have `count` pairs together, or some more; at least one list."""
    held: list[tuple[Ids, Ids]] = [(np.zeros(0, np.int32),) * 2]
    for part in parts:
        held.append(part)
        if sum(len(words) for words, _ in held) >= count:
            yield held
            held = [held[0]]
    yield held


def busiest(work: Iterable[int]) -> float:
    """The most that one worker has, where the mean is 1."""
    each = list(work)
    return max(each) * len(each) / max(sum(each), 1)


def drawn(
    dealt: Dealt, setting: Setting, epoch: int, place: tuple[int, int], negatives: int
) -> Iterator[Rows]:
    """The rows of one shard of a slice, in blocks, as its task draws them."""
    settings = pairs.PairSettings(setting.window, negatives, setting.seed)
    task = pairs.draw_task(iter([dealt.texts[place]]), dealt.sampling_tables, settings, epoch=epoch)
    return (rows for _, rows in task)


def held_out_rows(dealt: Dealt, setting: Setting) -> Rows | None:
    """The rows of the texts that are held out, None where there are none."""
    place = pairs.HOLDOUT_SLICE, 0
    if place not in dealt.texts:
        return None
    rows = concatenate([*drawn(dealt, setting, pairs.HOLDOUT_EPOCH, place, setting.negatives)])
    return take(rows, 0, min(MOST_ROWS, len(rows.centers)))


# By name: what makes one of its data, its setting and its kernel, and what names its kernels.
STRATEGIES: dict[str, tuple[Callable[[Dealt, Setting, Timed], Strategy], Callable[[str], Any]]] = {
    "averaging": (Averaging, kernels.kernel),
    "blocked": (Blocked, kernels.bucket_kernel),
}


def train(dealt: Dealt, setting: Setting, kernel_name: str = "auto") -> Trained:
    """Train all rounds, or up to the first whose loss is no finite number."""
    strategy_of, kernel_of = STRATEGIES[setting.strategy]
    name = kernels.choose(kernel_name).name
    if name == "numba":
        # Loading compiles where nobody has before, which is no part of what training costs.
        import_module("vecmill.core.kernels.sgns_compiled")
        import_module("vecmill.core.kernels.sgns_buckets_compiled")
    kernel = Timed(kernel_of(name))
    strategy = strategy_of(dealt, setting, kernel)
    total, seen, moved, loss = sum(part.words for part in strategy.parts), 0, 0, math.nan
    for part in strategy.parts:
        loss = strategy.train(part, Span(seen / total, (seen + part.words) / total))
        seen += part.words
        moved += strategy.bytes_moved(part)
        if not math.isfinite(loss):
            break
    rows, tables = held_out_rows(dealt, setting), strategy.tables
    held_out = math.nan
    if rows is not None and math.isfinite(loss):
        held_out = sgns_numpy.loss(tables["W"], tables["C"], rows) / int(rows.offsets[-1] - rows.offsets[0])
    return Trained(tables, loss, held_out, kernel.seconds, moved, statistics.mean(strategy.load))
