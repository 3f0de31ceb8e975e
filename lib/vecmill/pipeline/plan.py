"""The stage plan: the memory that the run requires, and its strategy if that is left open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from vecmill.config import Config
from vecmill.errors import ConfigError
from vecmill.formatting import format_bytes
from vecmill.pipeline.stage import Record, Settings, Stage, pick
from vecmill.planning.corpus import counted_corpus
from vecmill.planning.requirements import requirements
from vecmill.planning.resources import resources_of
from vecmill.planning.shortages import memory_shortages
from vecmill.planning.strategy_choice import choose, with_settings
from vecmill.runs.run import Run


def _run(run: Run) -> Mapping[str, Any]:
    """Raises ConfigError if the run does not fit into the memory of this machine."""
    corpus = counted_corpus(run.store, run.manifest)
    resources = resources_of(run.store, {})
    config, chosen = run.config, {}
    if config.train.strategy == "auto":
        choice = choose(corpus, config, resources)
        for reason in choice.reasons:
            run.say("plan", reason)
        config, chosen = with_settings(config, choice.settings), {"settings": choice.settings}
    needed = requirements(corpus, config, resources.slots, by_files=resources.by_files)
    faults = memory_shortages(needed, resources, config)
    if faults:
        raise ConfigError([f"this run cannot fit: {fault}" for fault in faults])
    run.say(
        "plan",
        f"memory: {format_bytes(needed.training_task)} per training task, {format_bytes(needed.driver)} "
        f"for the driver; disk: {format_bytes(needed.output)}",
    )
    return {**chosen, "needs": asdict(needed)}


def _settings(config: Config) -> Settings:
    """The keys that sizes depend on, and if the strategy is left open, those that its choice depends on."""
    sizes = pick(config.pairs, "window", "negatives", "materialize") | pick(
        config.train, "strategy", "dim", "epochs", "shards", "slices", "warm_up", "holdout"
    )
    sizes["model"] = config.model.model_dump()
    if config.train.strategy != "auto":
        return sizes
    open_rate = "learning_rate" not in config.train.model_fields_set
    return sizes | pick(config.train, "learning_rate", "min_learning_rate", "kernel") | {"open": open_rate}


def _still_holds(run: Run, record: Record) -> bool:
    """Whether this machine, on which a run may resume, has the memory that the run requires here."""
    resources, config = resources_of(run.store, {}), _settle(run.config, record)
    corpus = counted_corpus(run.store, run.manifest)
    # With its own slots: on more cores, more tasks run at once than were planned for.
    needed = requirements(corpus, config, resources.slots, by_files=resources.by_files)
    return not memory_shortages(needed, resources, config)


def _settle(config: Config, record: Record) -> Config:
    return with_settings(config, record.get("settings", {}))


STAGE = Stage(
    "plan",
    ("pairs", "train"),
    reads=("vocabulary",),
    settings=_settings,
    work=_run,
    outputs=lambda record: [],
    still_holds=_still_holds,
    settles=_settle,
)
