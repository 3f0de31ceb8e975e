"""The strategies by which many workers train one model, by their names in train.strategy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from vecmill.runs.run import Run
from vecmill.training.averaging.driver import Averaging
from vecmill.training.blocked.driver import Blocked
from vecmill.training.held_out import HeldOut
from vecmill.training.rounds import Strategy


class StrategyKind(NamedTuple):
    """A strategy by name.

    start     from a run and its held-out rows: the strategy, ready to train
    examples  the form of its pairs: rows of a shard, or buckets of regions
    """

    start: Callable[[Run, HeldOut | None], Strategy]
    examples: Literal["rows", "buckets"]


STRATEGIES: dict[str, StrategyKind] = {
    "averaging": StrategyKind(Averaging, "rows"),
    "blocked": StrategyKind(Blocked, "buckets"),
}
