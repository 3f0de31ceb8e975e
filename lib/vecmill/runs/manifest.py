"""The manifest of a run, run.json, and its metrics, metrics.jsonl."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from vecmill.errors import InputError
from vecmill.storage.files import Files

MANIFEST = "run.json"
METRICS_FILE = "metrics.jsonl"

Record = dict[str, Any]


class Manifest:
    """run.json: configuration, versions, input, and the state, key and counts of every stage.

    A stage is done only if its record says so; the record is written after its tables are published.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self.content: Record = {"stages": {}}
        text = files.read_text_if_any(MANIFEST)
        if text is not None:
            try:
                self.content = json.loads(text)
                self.content["stages"].items()
            except (ValueError, KeyError, AttributeError, TypeError) as error:
                raise InputError(
                    f"{files.path(MANIFEST)} is not the record of a run ({error}); delete that "
                    "folder, or name another with output.path"
                ) from error

    def stage(self, name: str) -> Record:
        """A copy of the record of a stage; empty if the stage never began."""
        return dict(self.content["stages"].get(name, {}))

    def is_done(self, name: str, key: str) -> bool:
        """Whether the stage finished under this key."""
        record = self.stage(name)
        return record.get("state") == "done" and record.get("key") == key

    def begin(self, name: str, key: str, *, afresh: bool = False) -> Record:
        """Record that a stage runs. What it recorded before under the same key is kept, unless `afresh`."""
        if afresh or self.stage(name).get("key") != key:
            self.content["stages"][name] = {"key": key}
        return self.update(name, state="running")

    def finish(self, name: str, seconds: float, counts: Mapping[str, Any]) -> None:
        """Record that a stage is done, its duration and its counts."""
        finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.update(name, state="done", seconds=round(seconds, 2), finished=finished, **counts)

    def update(self, name: str, **values: Any) -> Record:
        """Add to the record of a stage, and save it."""
        self.content["stages"][name] = {**self.stage(name), **values}
        self.save()
        return self.stage(name)

    def save(self) -> None:
        """Write run.json."""
        self._files.write_text(MANIFEST, json.dumps(self.content, indent=2, ensure_ascii=False) + "\n")


def read_metrics(files: Files) -> list[Record]:
    """The lines of metrics.jsonl, one per round."""
    return [json.loads(line) for line in (files.read_text_if_any(METRICS_FILE) or "").splitlines()]


def write_metrics(files: Files, lines: list[Record]) -> None:
    """Rewrite metrics.jsonl, one line per round, because not every file system can append to a file."""
    files.write_text(METRICS_FILE, "".join(json.dumps(line) + "\n" for line in lines))
