"""Running the stages that are not done.

The key of a stage is a hash of its settings and of the keys of the stages that it reads. A stage is done if
run.json records it as done under its current key. So a change of a key makes every stage that depends on it
stale. Tables that no stage is about to read may be deleted; a stage that needs one rebuilds it.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyspark

import vecmill
from vecmill.config import Config
from vecmill.errors import InputError
from vecmill.models import MODELS
from vecmill.pipeline.stage import OutsideInput, Stage
from vecmill.runs.manifest import Manifest
from vecmill.runs.run import Run
from vecmill.storage.files import FileStatus
from vecmill.storage.hadoop_files import list_input

# Raise it if a stage writes something else from the same settings than it did before.
FORMAT = 2

# The command that runs all stages.
ALL = "run"


class Resolved(NamedTuple):
    """The key of a stage, and the configuration with the settings that the stages before it chose."""

    key: str
    config: Config


def list_input_files(run: Run) -> Sequence[FileStatus]:
    """The files of the corpus; none if its format has no files. Raises InputError if they are missing."""
    path = run.config.input.path
    return list_input(run.spark, path) if path else []


class Pipeline:
    """Stages in the order in which they run.

    stages         every stage comes after those that it reads or needs
    list_files     lists the files of the corpus
    format_number  part of every key
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        list_files: Callable[[Run], Sequence[FileStatus]] = list_input_files,
        format_number: int = FORMAT,
    ) -> None:
        self.stages = {stage.name: stage for stage in stages}
        self._list_files = list_files
        self._format = format_number

    def resolve(self, config: Config, outside: OutsideInput, manifest: Manifest) -> dict[str, Resolved]:
        """The key and the configuration of every stage, by name."""
        resolved: dict[str, Resolved] = {}
        for name, stage in self.stages.items():
            read = [resolved[other].key for other in stage.reads]
            content = [name, self._format, stage.settings(config), read, stage.outside(outside)]
            text = json.dumps(content, sort_keys=True)
            resolved[name] = Resolved(hashlib.sha256(text.encode()).hexdigest()[:16], config)
            if manifest.is_done(name, resolved[name].key):
                config = stage.settles(config, manifest.stage(name))
        return resolved

    def execute(self, requested: Run, command: str) -> None:
        """Run the stages of a command, or all stages for "run"; stages that are done are skipped.

        Raises InputError if a single command is requested and a table that it reads is missing or stale.
        """
        stages = [
            stage
            for stage in self.stages.values()
            if (command == ALL or command in stage.commands) and stage.is_enabled(requested.config)
        ]
        # All tests are read before anything is computed, so that a faulty test file is reported at once.
        tests = [test for stage in stages for test in stage.read_tests(requested.config)]
        outside = OutsideInput(self._list_files(requested), tests)
        visited: set[str] = set()
        for stage in stages:
            resolved = self.resolve(requested.config, outside, requested.manifest)
            key, config = resolved[stage.name]
            run = replace(requested, config=config)
            _record_run(run, outside.files)
            unfinished = self.unfinished(run, resolved, visited)
            visited.add(stage.name)
            is_deleted = _is_deleted(run, stage)
            if stage.name not in unfinished and not (is_deleted and command != ALL):
                run.say(stage.name, "unchanged, not run again")
                continue
            if command != ALL:
                self._check_inputs(run, command, stage, resolved, unfinished)
            self._check_tables(run, stage, resolved)
            run.manifest.begin(stage.name, key, afresh=is_deleted)
            started = time.monotonic()
            counts = stage.work(run)
            seconds = time.monotonic() - started
            run.manifest.finish(stage.name, seconds, counts)
            run.say(stage.name, _format_counts(counts, seconds))

    def unfinished(
        self, run: Run, resolved: Mapping[str, Resolved], visited: Collection[str] = ()
    ) -> list[str]:
        """The stages that have something to do under these keys, from the last to the first.

        A stage whose outputs were deleted has something to do only if they are results, or if an unfinished
        stage reads or needs them. Stages in `visited` have been checked against this machine already: what
        a run itself occupies of the memory must not count against it.
        """
        found: list[str] = []
        for stage in reversed(self.stages.values()):
            is_used = any(
                stage.name in self._inputs(self.stages[other], resolved)
                for other in found
                if self.stages[other].is_enabled(run.config)
            )
            if not self._is_done(run, stage, resolved, is_used=is_used, is_checked=stage.name in visited):
                found.append(stage.name)
        return found

    def _is_done(
        self, run: Run, stage: Stage, resolved: Mapping[str, Resolved], *, is_used: bool, is_checked: bool
    ) -> bool:
        record, (key, config) = run.manifest.stage(stage.name), resolved[stage.name]
        if not (run.manifest.is_done(stage.name, key) and stage.is_complete(config, record)):
            return False
        if (is_used or stage.is_result) and _is_deleted(run, stage):
            return False
        if is_checked or not is_used:
            return True
        # While an input is deleted, nothing can be checked; it is rebuilt before this stage is visited.
        inputs = [self.stages[name] for name in self._inputs(stage, resolved)]
        lacks_input = any(_is_deleted(run, needed) for needed in inputs)
        return lacks_input or stage.still_holds(replace(run, config=config), record)

    @staticmethod
    def _inputs(stage: Stage, resolved: Mapping[str, Resolved]) -> tuple[str, ...]:
        return (*stage.reads, *stage.needs(resolved[stage.name].config))

    def _check_tables(self, run: Run, stage: Stage, resolved: Mapping[str, Resolved]) -> None:
        """Raise InputError unless all tables that a stage reads are as they were published."""
        for name in self._inputs(stage, resolved):
            for table in self.stages[name].outputs(run.manifest.stage(name)):
                if table in run.manifest.digests:
                    run.store.check_whole(table)

    def _check_inputs(
        self,
        run: Run,
        command: str,
        stage: Stage,
        resolved: Mapping[str, Resolved],
        unfinished: Collection[str],
    ) -> None:
        """Raise InputError if a stage that this one reads or needs is unfinished or deleted."""
        for name in self._inputs(stage, resolved):
            needed = self.stages[name]
            if name in unfinished or _is_deleted(run, needed):
                raise InputError(
                    f"{command} needs the stage {name} in {run.files.root}, which "
                    f"{_state(run, needed, resolved[name])}; run 'vecmill {needed.commands[0]}' first, or "
                    f"'vecmill {ALL}' for everything"
                )


def _is_deleted(run: Run, stage: Stage) -> bool:
    """Whether a part of the outputs of a stage no longer exists."""
    return not all(map(run.files.exists, stage.outputs(run.manifest.stage(stage.name))))


def _state(run: Run, stage: Stage, resolved: Resolved) -> str:
    """Why an unfinished stage is not done: the end of "which ..."."""
    record = run.manifest.stage(stage.name)
    if not record:
        return "has not run yet"
    if record["key"] != resolved.key:
        return "ran with other settings or other input"
    if record["state"] != "done" or not stage.is_complete(resolved.config, record):
        return "is not finished"
    return "was deleted" if _is_deleted(run, stage) else "does not fit this machine"


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
