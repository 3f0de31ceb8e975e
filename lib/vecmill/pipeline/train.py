"""The stage train: pairs/, or texts/ if pairs are not written, to model/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vecmill.config import Config
from vecmill.pipeline.stage import Settings, Stage, pick
from vecmill.runs.run import Run
from vecmill.storage import checkpoints
from vecmill.training import rounds
from vecmill.training.held_out import held_out
from vecmill.training.strategies import STRATEGIES


def _run(run: Run) -> Mapping[str, Any]:
    """Train, resuming after the last round that was published."""
    if not run.manifest.stage("train").get("round"):
        run.files.delete("model")
    library, reason = run.config.kernel
    run.say("train", f"kernel: {library} ({reason})")
    strategy = STRATEGIES[run.config.train.strategy].start(run, held_out(run))
    return {
        "kernel": library,
        **rounds.train(run, strategy, lambda text: run.say("train", text)),
    }


def _settings(config: Config) -> Settings:
    return (
        pick(config.pairs, "window", "negatives")
        | pick(config.train, "dim", "epochs", "learning_rate", "min_learning_rate")
        | pick(config.train, "strategy", "merge", "warm_up", "threads")
        | {"model": config.model.model_dump(), "kernel": config.kernel.library}
    )


STAGE = Stage(
    "train",
    ("train",),
    reads=("vocabulary", "texts"),
    needs=lambda c: ("plan", "pairs") if c.pairs.materialize else ("plan",),
    settings=_settings,
    work=_run,
    outputs=lambda record: [checkpoints.name(record["round"])] if record.get("round") else [],
)
