"""Running the stages that are stale.

A stage's key is a hash of its settings and of the keys of the stages that it reads. A stage is done if
run.json says so under its current key, so whatever changes a key makes everything behind it stale. Tables
that no stage will read again may be deleted; a stage that needs one rebuilds it.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyspark

import vecmill
from vecmill.config import Config
from vecmill.errors import InputError
from vecmill.evaluation import word_tests
from vecmill.models import MODELS
from vecmill.pipeline.stage import OutsideInput, Stage
from vecmill.runs.manifest import Manifest
from vecmill.runs.run import Run
from vecmill.storage.files import FileStatus
from vecmill.storage.hadoop_files import list_input

# Raise it when a stage begins to write something else from the same settings.
_FORMAT = 2


class Resolved(NamedTuple):
    """The key of a stage, and the configuration with what the stages before it have settled."""

    key: str
    config: Config


class Pipeline:
    """Stages in the order in which they run; every stage comes after those that it reads or needs."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = {stage.name: stage for stage in stages}

    def resolve(self, config: Config, outside: OutsideInput, manifest: Manifest) -> dict[str, Resolved]:
        """The key and the configuration of every stage, by name."""
        found: dict[str, Resolved] = {}
        for name, stage in self.stages.items():
            read = [found[other].key for other in stage.reads]
            content = [name, _FORMAT, stage.settings(config), read, stage.outside(outside)]
            text = json.dumps(content, sort_keys=True)
            found[name] = Resolved(hashlib.sha256(text.encode()).hexdigest()[:16], config)
            if manifest.is_done(name, found[name].key):
                config = stage.settles(config, manifest.stage(name))
        return found

    def execute(self, requested: Run, command: str) -> None:
        """Run the stages of a command, or all of them for "run". Stages that are done are skipped.

        Raises InputError if a single stage is requested and a table that it reads is missing or stale.
        """
        outside = _outside(requested, command)
        for name, stage in self.stages.items():
            is_requested = command in stage.commands
            if not (is_requested or command == "run") or not stage.is_wanted(requested.config):
                continue
            resolved = self.resolve(requested.config, outside, requested.manifest)
            run = replace(requested, config=resolved[name].config)
            _record_run(run, outside.files)
            is_deleted = _is_deleted(run, stage)
            if self.is_done(run, stage, resolved) and not (is_deleted and is_requested):
                run.say(name, "unchanged, not run again")
                continue
            if command != "run":
                self._require(run, stage, resolved)
            run.manifest.begin(name, resolved[name].key, afresh=is_deleted)
            started = time.monotonic()
            counts = stage.work(run)
            seconds = time.monotonic() - started
            run.manifest.finish(name, seconds, counts)
            run.say(name, _format_counts(counts, seconds))

    def is_done(self, run: Run, stage: Stage, resolved: Mapping[str, Resolved]) -> bool:
        """Whether the stage has nothing left to do under these keys.

        What it left may have been deleted since; that matters only for results, and for tables that another
        stage is about to read.
        """
        record, (key, config) = run.manifest.stage(stage.name), resolved[stage.name]
        if not (run.manifest.is_done(stage.name, key) and stage.is_whole(config, record)):
            return False
        if stage.is_result and _is_deleted(run, stage):
            return False
        if not self._is_awaited(run, stage, resolved):
            return True
        return stage.still_holds(replace(run, config=config), record) and not _is_deleted(run, stage)

    def _needs(self, stage: Stage, resolved: Mapping[str, Resolved]) -> tuple[str, ...]:
        return (*stage.reads, *stage.needs(resolved[stage.name].config))

    def _is_awaited(self, run: Run, stage: Stage, resolved: Mapping[str, Resolved]) -> bool:
        """Whether a stage that is still to run reads or needs this one."""
        return any(
            stage.name in self._needs(reader, resolved)
            and reader.is_wanted(run.config)
            and not self.is_done(run, reader, resolved)
            for reader in self.stages.values()
        )

    def _require(self, run: Run, stage: Stage, resolved: Mapping[str, Resolved]) -> None:
        for name in self._needs(stage, resolved):
            needed = self.stages[name]
            if not self.is_done(run, needed, resolved) or _is_deleted(run, needed):
                state = _state(run.manifest.stage(name), resolved[name].key)
                raise InputError(
                    f"{stage.commands[0]} needs the stage {name} in {run.files.root}, which is {state}; "
                    f"run 'vecmill {needed.commands[0]}' first, or 'vecmill run' for everything"
                )


def _outside(run: Run, command: str) -> OutsideInput:
    config = run.config
    files = list_input(run.spark, config.input.path) if config.input.path else []
    if command not in ("run", "evaluate"):
        return OutsideInput(files)
    # Read before anything is computed, so that a broken test file is reported at once.
    tests = word_tests.read_all(config.evaluate.files)
    word_tests.check_floors(tests, config.evaluate.floors)
    return OutsideInput(files, tests)


def _is_deleted(run: Run, stage: Stage) -> bool:
    """Whether a part of what the stage left no longer exists."""
    return not all(map(run.files.exists, stage.leaves(run.manifest.stage(stage.name))))


def _state(record: Mapping[str, Any], key: str) -> str:
    if not record:
        return "not made yet"
    if record["key"] != key:
        return "made with other settings or other input"
    return "deleted" if record["state"] == "done" else "not finished"


def _record_run(run: Run, files: Sequence[FileStatus]) -> None:
    digest = hashlib.sha256(json.dumps([list(file) for file in files]).encode()).hexdigest()
    kind = run.config.model.kind
    run.manifest.content.update(
        configuration=run.config.model_dump(),
        model={"kind": kind, "title": MODELS[kind].title},
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


def _format_counts(counts: Mapping[str, Any], seconds: float) -> str:
    formatted = [
        f"{name.replace('_', ' ')} {value:,}"
        for name, value in counts.items()
        if isinstance(value, int) and value
    ]
    return ", ".join([*formatted, f"seconds {seconds:.1f}"])
