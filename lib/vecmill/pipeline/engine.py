"""The stages in their order: what each reads, which settings it depends on, and whether it is stale.

A stage's key is a hash of its settings and of the keys of what it reads. A stage is done when
run.json says so under the key it has now; whatever changes a key makes everything behind it stale.
What no stage will read again may be deleted, and is made again once one will.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyspark

import vecmill
from vecmill.config import Config
from vecmill.core import kernels
from vecmill.errors import InputError
from vecmill.evaluation import word_tests
from vecmill.evaluation.word_tests import WordTest
from vecmill.pipeline import steps
from vecmill.planning.strategy_choice import with_settings
from vecmill.runs.run import Run
from vecmill.storage import checkpoints
from vecmill.storage.files import FileStatus, list_input

# Raise it when a stage begins to write something else from the same settings.
_FORMAT = 1

Settings = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline.

    command   the command that runs it
    reads     the stages whose tables it reads
    settings  what of a configuration it depends on
    work      does it, and returns what run.json shall say of it
    made      the files and folders that are there if its record is true
    is_result whether these are what the run is for, and not only for other stages to read
    is_whole  whether what its record says is all that the configuration wants
    is_wanted whether the configuration wants it at all
    """

    name: str
    command: str
    reads: tuple[str, ...]
    settings: Callable[[Config], Settings]
    work: Callable[[Run], Mapping[str, Any]]
    made: Callable[[Mapping[str, Any]], Sequence[str]]
    is_result: bool = False
    is_whole: Callable[[Config, Mapping[str, Any]], bool] = lambda config, record: True
    is_wanted: Callable[[Config], bool] = lambda config: True


def _pick(section: Any, *names: str) -> Settings:
    return {name: getattr(section, name) for name in names}


def _planned_by(config: Config) -> Settings:
    """What a plan depends on: the sizes of a training, and for a choice what was left open and what not."""
    sizes = _pick(config.pairs, "window", "materialize") | _pick(
        config.train, "strategy", "dim", "epochs", "shards", "slices"
    )
    if config.train.strategy != "auto":
        return sizes
    open_rate = "learning_rate" not in config.train.model_fields_set
    return sizes | _pick(config.train, "learning_rate", "min_learning_rate", "kernel") | {"open": open_rate}


STAGES = (
    Stage(
        "tokenize",
        "tokenize",
        (),
        lambda c: {"input": c.input.model_dump(), "tokenizer": c.tokenizer.model_dump()},
        steps.tokenize,
        lambda record: ["tokens"],
    ),
    Stage(
        "vocabulary",
        "vocabulary",
        ("tokenize",),
        lambda c: c.vocabulary.model_dump() | _pick(c.pairs, "subsample", "noise_exponent"),
        steps.build_vocabulary,
        lambda record: ["vocabulary"],
    ),
    Stage(
        "plan",
        "pairs",
        ("vocabulary",),
        _planned_by,
        steps.plan,
        lambda record: [],
    ),
    Stage(
        "texts",
        "pairs",
        # It needs the words of the vocabulary and not its sampling tables, so it asks for the
        # settings that decide on the words instead of depending on the whole stage.
        ("tokenize",),
        lambda c: c.vocabulary.model_dump() | _pick(c.train, "shards", "slices", "seed", "holdout"),
        steps.encode_texts,
        lambda record: ["texts"],
    ),
    Stage(
        "pairs",
        "pairs",
        ("vocabulary", "texts"),
        lambda c: _pick(c.pairs, "window", "negatives") | _pick(c.train, "strategy"),
        steps.draw_pairs,
        lambda record: [f"pairs/epoch={epoch}" for epoch in record.get("epochs", ())],
        is_whole=lambda c, record: set(steps.epochs_to_draw(c)) <= set(record.get("epochs", ())),
    ),
    Stage(
        "train",
        "train",
        ("vocabulary", "texts"),
        lambda c: (
            _pick(c.pairs, "window", "negatives")
            | _pick(c.train, "dim", "epochs", "learning_rate", "min_learning_rate")
            | _pick(c.train, "strategy", "merge", "warm_up", "threads")
            | {"kernel": kernels.choose(c.train.kernel).name}
        ),
        steps.train,
        lambda record: [checkpoints.name(record["round"])] if record.get("round") else [],
    ),
    Stage(
        "export",
        "export",
        ("train",),
        lambda c: {},
        steps.export,
        lambda record: ["vectors", "exports"],
        is_result=True,
    ),
    Stage(
        "evaluate",
        "evaluate",
        ("export",),
        lambda c: c.evaluate.model_dump(),
        steps.evaluate,
        lambda record: [steps.EVALUATION],
        is_result=True,
        is_wanted=lambda c: bool(c.evaluate.files),
    ),
)

_BY_NAME = {stage.name: stage for stage in STAGES}


def keys(config: Config, files: Sequence[FileStatus], tests: Sequence[WordTest] = ()) -> dict[str, str]:
    """The key of every stage under this configuration, these input files and these tests."""
    found: dict[str, str] = {}
    for stage in STAGES:
        content = [stage.name, _FORMAT, stage.settings(config), [found[r] for r in stage.reads]]
        if not stage.reads:
            content.append([list(file) for file in files])
        if stage.name == "evaluate":
            content.append([test.digest for test in tests])
        text = json.dumps(content, sort_keys=True)
        found[stage.name] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return found


def execute(asked: Run, command: str) -> None:
    """Do what `command` asks for: its own stages, or all of them for "run". What is done is skipped.

    Raises InputError where a stage is asked for alone and what it reads is missing or stale.
    """
    files = list_input(asked.spark, asked.config.input.path) if asked.config.input.path else []
    # Read before anything is computed, so that a broken test does not wait for the vectors.
    tests = _tests(asked.config) if command in ("run", "evaluate") else []
    for stage in STAGES:
        if command not in ("run", stage.command) or not stage.is_wanted(asked.config):
            continue
        run, current = _planned(asked, files, tests)
        _record_run(run, files)
        is_gone = _is_gone(run, stage)
        if is_done(run, stage, current) and not (is_gone and command == stage.command):
            run.say(stage.name, "unchanged, not run again")
            continue
        if command != "run":
            _require(run, stage, current)
        run.manifest.begin(stage.name, current[stage.name], afresh=is_gone)
        started = time.monotonic()
        counts = stage.work(run)
        seconds = time.monotonic() - started
        run.manifest.finish(stage.name, seconds, counts)
        run.say(stage.name, _told(counts, seconds))


def _planned(
    run: Run, files: Sequence[FileStatus], tests: Sequence[WordTest]
) -> tuple[Run, dict[str, str]]:
    """The run with the strategy that its plan has chosen, where it has, and the keys that go with it."""
    current = keys(run.config, files, tests)
    if run.config.train.strategy == "auto" and run.manifest.is_done("plan", current["plan"]):
        config = with_settings(run.config, run.manifest.stage("plan")["settings"])
        return replace(run, config=config), keys(config, files, tests) | {"plan": current["plan"]}
    return run, current


def _tests(config: Config) -> list[WordTest]:
    tests = word_tests.read_all(config.evaluate.files)
    word_tests.check_floors(tests, config.evaluate.floors)
    return tests


def is_done(run: Run, stage: Stage, current: Mapping[str, str]) -> bool:
    """Whether the stage has nothing left to do under these keys.

    What it made may have been deleted since, to save room; that matters where it is a result, or where a
    stage that is still to be done reads it.
    """
    record = run.manifest.stage(stage.name)
    if not (run.manifest.is_done(stage.name, current[stage.name]) and stage.is_whole(run.config, record)):
        return False
    return not _is_gone(run, stage) or not (stage.is_result or _is_awaited(run, stage, current))


def _is_gone(run: Run, stage: Stage) -> bool:
    """Whether some of what the stage made is not there any more."""
    return not all(map(run.folder.exists, stage.made(run.manifest.stage(stage.name))))


def _is_awaited(run: Run, stage: Stage, current: Mapping[str, str]) -> bool:
    readers = [other for other in STAGES if stage.name in _needs(other, run.config)]
    return any(reader.is_wanted(run.config) and not is_done(run, reader, current) for reader in readers)


def _needs(stage: Stage, config: Config) -> list[str]:
    """The stages that must be done before this one."""
    needed = [*stage.reads, *(["vocabulary"] if stage.name in ("texts", "export") else [])]
    if config.train.strategy == "auto" and stage.name in ("texts", "train"):
        needed.insert(0, "plan")
    if stage.name == "train" and config.pairs.materialize:
        needed.append("pairs")
    return needed


def _require(run: Run, stage: Stage, current: Mapping[str, str]) -> None:
    for name in _needs(stage, run.config):
        if not is_done(run, _BY_NAME[name], current) or _is_gone(run, _BY_NAME[name]):
            state = _state(run.manifest.stage(name), current[name])
            raise InputError(
                f"{stage.command} needs the stage {name} in {run.folder.root}, which is {state}; "
                f"run 'vecmill {_BY_NAME[name].command}' first, or 'vecmill run' for everything"
            )


def _state(record: Mapping[str, Any], key: str) -> str:
    if not record:
        return "not made yet"
    if record["key"] != key:
        return "made with other settings or other input"
    return "deleted" if record["state"] == "done" else "not finished"


def _record_run(run: Run, files: Sequence[FileStatus]) -> None:
    digest = hashlib.sha256(json.dumps([list(file) for file in files]).encode()).hexdigest()
    run.manifest.content.update(
        configuration=run.config.model_dump(),
        seed=run.config.train.seed,
        versions={
            "vecmill": vecmill.__version__,
            "python": platform.python_version(),
            "spark": pyspark.__version__,
            "numpy": np.__version__,
            "pyarrow": pa.__version__,
        },
        input={
            "files": len(files),
            "bytes": sum(file.size for file in files),
            "fingerprint": digest[:16],
        },
    )
    run.manifest.save()


def _told(counts: Mapping[str, Any], seconds: float) -> str:
    told = [
        f"{name.replace('_', ' ')} {value:,}"
        for name, value in counts.items()
        if isinstance(value, int) and value
    ]
    return ", ".join([*told, f"seconds {seconds:.1f}"])
