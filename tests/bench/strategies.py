"""The strategies of `vecmill.training` in one process and without Spark: shards are trained in turn.

The arithmetic is the package's own, down to the random numbers: from the same shards the simulated
strategies give the same bytes as the real ones. Only the exchange between shards is simulated.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from tests.bench import peers
from tests.bench.corpus import Dealt

from vecmill import models
from vecmill.core import kernels, passes
from vecmill.core.arrays import Floats, Ids, Places
from vecmill.core.buckets import TILE_NOISE, Bucket, pairs_of, sorted_by_bucket
from vecmill.core.kernels import Tables
from vecmill.core.merging import MERGES
from vecmill.core.passes import Pass, bucket_rates, draw_bucket
from vecmill.core.regions import Regions, context_region
from vecmill.core.rows import Rows, concatenate, take
from vecmill.core.schedule import Pace
from vecmill.core.shards import Metrics, train_bucket, train_rows
from vecmill.corpus.texts import HOLDOUT_EPOCH, HOLDOUT_SLICE
from vecmill.examples import pairs
from vecmill.examples.buckets import PART_PAIRS
from vecmill.models import MODELS, Model, Size
from vecmill.training import rounds
from vecmill.training.averaging import driver as averaging
from vecmill.training.blocked import driver as blocked
from vecmill.training.held_out import MOST_ROWS, HeldOut, compact
from vecmill.training.rounds import RoundWork

_MIN_RATE = 2.5e-6


class Setting(NamedTuple):
    """One training; `merge` is "" if there is nothing to merge."""

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
    model: str = "sgns"

    @property
    def merges(self) -> bool:
        """Whether there is anything to merge."""
        return self.strategy == "averaging" and self.shards > 1


class Trained(NamedTuple):
    """The result of a training.

    vectors         (V, D) float32
    loss            of the last round, nats; not finite if the training diverged
    held_out_loss   nats per pair; NaN if no text is held out or the training diverged
    kernel_seconds  of CPU
    bytes_moved     of parameters that the real strategy would have sent to workers and back
    slowest         words of a round, or pairs of a stratum, of the busiest worker; the mean is 1
    """

    tables: Tables
    vectors: Floats
    loss: float
    held_out_loss: float
    kernel_seconds: float
    bytes_moved: int
    slowest: float


class Strategy(Protocol):
    """How N shards train one model.

    tables    after the last round
    load      of each round or stratum so far, the work of its busiest worker; the mean is 1
    """

    schedule: Sequence[RoundWork]
    tables: Tables
    load: list[float]

    def train(self, work: RoundWork, pace: Pace) -> float:
        """Train a round; the summed loss in nats."""

    def bytes_moved(self, work: RoundWork) -> int:
        """What the real strategy of this name reports."""


class Timed:
    """A kernel that adds up its CPU seconds."""

    def __init__(self, kernel: Callable[..., float]) -> None:
        self._kernel, self.seconds = kernel, 0.0

    def __call__(self, *arguments: Any) -> float:
        # Of this thread, since another thread draws the next rows meanwhile.
        started = time.thread_time()
        loss = self._kernel(*arguments)
        self.seconds += time.thread_time() - started
        return loss


class Averaging:
    """Every shard trains a copy of the model; the changes are merged."""

    def __init__(self, dealt: Dealt, setting: Setting, model: Model, kernel: Timed) -> None:
        self._dealt, self._setting, self._kernel = dealt, setting, kernel
        counts, keep = dealt.vocabulary.counts, dealt.vocabulary.keep
        self._rows_per_word = averaging.rows_per_word(counts, keep)
        size = Size(len(counts), setting.dim)
        self._merges = averaging.merges_of(model.tables(size), setting.merge)
        self._model_bytes = model.nbytes(size)
        self.tables: Tables = model.start(size, setting.seed)
        self.schedule: Sequence[RoundWork] = rounds.rounds_of_slices(
            dealt.words_of, setting.epochs, setting.warm_up
        )
        self.load: list[float] = []

    def train(self, work: RoundWork, pace: Pace) -> float:
        setting, alone = self._setting, len(work.shards) == 1
        merging = {name: Merging(merge) for name, merge in self._merges.items()}
        loss = 0.0
        for shard, words in sorted(work.shards.items()):
            rows = drawn(self._dealt, setting, work.epoch, (work.slice_, shard), setting.negatives)
            first = next(rows, None)
            if first is None:
                continue
            own = {name: table.copy() for name, table in self.tables.items()}
            of_shard = itertools.chain([first], rows)
            loss += train_rows(
                own, of_shard, self._kernel, pace, words * self._rows_per_word, threads=1
            ).loss
            if alone:
                self.tables = own
                continue
            for name, table in own.items():
                table -= self.tables[name]
                merging[name].add(table)
        if not alone:
            self.tables = {name: table + merging[name].result() for name, table in self.tables.items()}
        self.load.append(busiest(work.shards.values()))
        return loss

    def bytes_moved(self, work: RoundWork) -> int:
        return averaging.bytes_moved(work, self._model_bytes)


class Merging:
    """A merge that takes the changes one by one and gives the same bytes as one of all at once.

    "mean" and "sum" are running sums. Other merges take neighbours in pairs: like the digits of a binary
    counter, there are merges of 1, 2, 4, ... changes, at most one of each, so N changes need log2(N) of
    memory.
    """

    def __init__(self, merge: str) -> None:
        self._merge, self._is_sum, self._count = merge, merge in ("mean", "sum"), 0
        self._held: list[tuple[int, Floats]] = []

    def add(self, change: Floats) -> None:
        """Add one change, which may be overwritten."""
        self._count += 1
        size = 1
        while self._held and (self._is_sum or self._held[-1][0] == size):
            before, held = self._held.pop()
            change, size = self._merge_two(held, change), before + size
        self._held.append((size, change))

    def result(self) -> Floats:
        """The merge of all changes; no change can be added after it."""
        _, last = self._held.pop()
        while self._held:
            last = self._merge_two(self._held.pop()[1], last)
        return last / np.float32(self._count) if self._merge == "mean" else last

    def _merge_two(self, first: Floats, second: Floats) -> Floats:
        if self._is_sum:
            first += second
            return first
        return MERGES[self._merge]([first, second])


class Blocked:
    """Strata of buckets whose workers share no row.

    During a pass both tables are in the order of their regions, so that the rows of a worker are a view.
    """

    def __init__(self, dealt: Dealt, setting: Setting, model: Model, kernel: Timed) -> None:
        self._dealt, self._setting, self._kernel = dealt, setting, kernel
        vocabulary = dealt.vocabulary
        self._expected = passes.expected(vocabulary.counts, vocabulary.keep, vocabulary.noise)
        size = Size(len(vocabulary.counts), setting.dim)
        self._names = [table.name for table in blocked.tables_by_region(model, size)]
        self._model_bytes = model.nbytes(size)
        self.tables: Tables = model.start(size, setting.seed)
        strata = blocked.strata_per_round(self._model_bytes, setting.shards)
        self.schedule: Sequence[RoundWork] = rounds.rounds_of_strata(
            dealt.words_of, setting.epochs, setting.shards, strata
        )
        self.load: list[float] = []

    def train(self, work: RoundWork, pace: Pace) -> float:
        if work.strata.start == 0:
            self._begin_pass(work)
        loss = 0.0
        for stratum in work.strata:
            trained = [
                self._train_bucket(work, pace, stratum, worker) for worker in range(self._setting.shards)
            ]
            loss += sum(metrics.loss for metrics in trained)
            self.load.append(busiest(int(metrics.pairs) for metrics in trained))
        if work.strata.stop == self._setting.shards:
            self._end_pass()
        return loss

    def bytes_moved(self, work: RoundWork) -> int:
        return blocked.bytes_moved(work, self._model_bytes)

    def _begin_pass(self, work: RoundWork) -> None:
        setting = self._setting
        key = {"seed": setting.seed, "epoch": work.epoch, "slice_": work.slice_}
        layout = passes.layout(self._expected, setting.shards, setting.negatives, **key)
        self._pass = Pass(
            **key, negatives=setting.negatives, layout=layout, expected=self._expected, pairs=0
        )
        self._sorted = list(self._sorted_pairs(work))
        self._pass = self._pass._replace(pairs=sum(len(words) for words, _, _ in self._sorted))
        self.tables = {
            name: self.tables[name][cut.order] for name, cut in zip(self._names, layout, strict=True)
        }

    def _end_pass(self) -> None:
        for name, cut in zip(self._names, self._pass.layout, strict=True):
            ordered = np.empty_like(self.tables[name])
            ordered[cut.order] = self.tables[name]
            self.tables = {**self.tables, name: ordered}

    def _sorted_pairs(self, work: RoundWork) -> Iterator[tuple[Ids, Ids, Places]]:
        """The pairs of a pass as positions within their regions, some millions sorted by bucket at once."""
        words_cut, contexts_cut = self._pass.layout
        regions = words_cut.of_ids(), contexts_cut.of_ids()
        places = words_cut.places(), contexts_cut.places()
        rows = itertools.chain.from_iterable(
            drawn(self._dealt, self._setting, work.epoch, (work.slice_, shard), negatives=0)
            for shard in sorted(work.shards)
        )
        for parts in gathered(map(pairs_of, rows), PART_PAIRS):
            words, contexts = (np.concatenate(ids) for ids in zip(*parts, strict=True))
            words, contexts, bounds = sorted_by_bucket(words, contexts, *regions, self._setting.shards)
            yield places[0][words], places[1][contexts], bounds

    def _train_bucket(self, work: RoundWork, pace: Pace, stratum: int, worker: int) -> Metrics:
        other = context_region(worker, stratum, self._setting.shards)
        number = worker * self._setting.shards + other
        parts = [
            (words[bounds[number] : bounds[number + 1]], contexts[bounds[number] : bounds[number + 1]])
            for words, contexts, bounds in self._sorted
        ]
        words, contexts = (np.concatenate(ids) for ids in zip(*parts, strict=True))
        bucket = draw_bucket(self._pass, worker, stratum, words, contexts)
        own = {
            name: self.tables[name][members(cut, region)]
            for name, cut, region in zip(self._names, self._pass.layout, (worker, other), strict=True)
        }
        rates = bucket_rates(bucket, stratum, work.strata, pace)
        return train_bucket(own, bucket, self._kernel, rates, threads=1)


def members(cut: Regions, region: int) -> slice:
    """The rows of a region in a table in the order of the regions."""
    return slice(cut.bounds[region], cut.bounds[region + 1])


def gathered(parts: Iterable[tuple[Ids, Ids]], count: int) -> Iterator[list[tuple[Ids, Ids]]]:
    """Lists of neighbours with `count` pairs together, or a few more; at least one list."""
    held: list[tuple[Ids, Ids]] = [(np.zeros(0, np.int32),) * 2]
    for part in parts:
        held.append(part)
        if sum(len(words) for words, _ in held) >= count:
            yield held
            held = [held[0]]
    yield held


def busiest(work: Iterable[int]) -> float:
    """The largest work of a worker; the mean is 1."""
    each = list(work)
    return max(each) * len(each) / max(sum(each), 1)


def drawn(
    dealt: Dealt, setting: Setting, epoch: int, place: tuple[int, int], negatives: int
) -> Iterator[Rows]:
    """The rows of one shard of a slice, in blocks, as its task draws them."""
    settings = pairs.PairSettings(setting.window, negatives, setting.seed)
    task = pairs.draw_task(iter([dealt.texts[place]]), dealt.sampling_tables, settings, epoch=epoch)
    return (rows for _, rows in task)


def held_out(dealt: Dealt, setting: Setting) -> HeldOut | None:
    """The rows of the texts that are held out; None if there are none."""
    place = HOLDOUT_SLICE, 0
    if place not in dealt.texts:
        return None
    rows = concatenate([*drawn(dealt, setting, HOLDOUT_EPOCH, place, setting.negatives)])
    return compact(take(rows, 0, min(MOST_ROWS, len(rows.centers))))


def build_model(setting: Setting) -> Model:
    """The model of a setting, with the default values of its options."""
    defaults = {name: option.default for name, option in MODELS[setting.model].options.items()}
    return models.build(setting.model, defaults)


_NO_IDS, _NO_RATES = np.zeros(0, np.int32), np.zeros(0, np.float32)
_NO_ROWS = Rows(_NO_IDS, np.zeros(1, np.int32), _NO_IDS, np.zeros((0, 0), np.int32))
_NO_BUCKET = Bucket(_NO_IDS, _NO_IDS, _NO_IDS, np.zeros((0, TILE_NOISE), np.int32))


class StrategyKind(NamedTuple):
    """A strategy by name.

    start    its state before the first round
    kernels  by library: the kernels of a model that it trains with
    nothing  the arguments of such a kernel, after the tables, that train nothing
    """

    start: Callable[[Dealt, Setting, Model, Timed], Strategy]
    kernels: Callable[[Model], Mapping[str, Callable[..., float]]]
    nothing: tuple[Any, ...]


STRATEGIES = {
    "averaging": StrategyKind(Averaging, lambda model: model.kernels, (_NO_ROWS, _NO_RATES)),
    "blocked": StrategyKind(Blocked, lambda model: model.bucket_kernels, (_NO_BUCKET, _NO_RATES, range(0))),
}


def load_kernel(model: Model, strategy: str, library: str) -> Callable[..., float]:
    """A kernel that has trained nothing once, so that it is loaded, or compiled if it never was."""
    kind = STRATEGIES[strategy]
    kernel = kind.kernels(model)[library]
    kernel(model.start(Size(1, 1), seed=0), *kind.nothing)
    return kernel


def train(dealt: Dealt, setting: Setting, kernel_name: str = "auto") -> Trained:
    """Train all rounds, or up to the first one whose loss is not finite."""
    kind, model = STRATEGIES[setting.strategy], build_model(setting)
    library = kernels.choose(kernel_name, kind.kernels(model)).library
    kernel = Timed(load_kernel(model, setting.strategy, library))
    strategy = kind.start(dealt, setting, model, kernel)
    total, seen, moved, loss = sum(work.words for work in strategy.schedule), 0, 0, math.nan
    for work in strategy.schedule:
        pace = Pace(seen / total, (seen + work.words) / total, setting.rate, _MIN_RATE)
        loss = strategy.train(work, pace)
        seen += work.words
        moved += strategy.bytes_moved(work)
        if not math.isfinite(loss):
            break
    tables, judged, held_out_loss = strategy.tables, held_out(dealt, setting), math.nan
    if judged is not None and math.isfinite(loss):
        own = {name: table[judged.ids] for name, table in tables.items()}
        held_out_loss = judged.loss(model, own)
    vectors = model.vectors({name: tables[name] for name in model.vector_tables})
    slowest = statistics.mean(strategy.load)
    return Trained(tables, vectors, loss, held_out_loss, kernel.seconds, moved, slowest)
