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


# Raised when what run.json says changes so that older versions cannot read it.
FORMAT = 2

# What other stages read from a record, and its type; lists and tables are checked down to their values.
_TYPES: dict[str, Any] = {
    "key": str,
    "state": str,
    "tokens": int,
    "words": int,
    "tokens_covered": int,
    "held_out_words": int,
    "words_of": [[int]],
    "epochs": [int],
    "rows_of_epoch": {str: int},
    "round": int,
    "rounds": int,
    "needs": {str: object},
    "settings": {str: object},
}


class StageRecord(dict[str, Any]):
    """The record of a stage. A missing value is an InputError: only a damaged record lacks one."""

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        super().__init__(content)
        self._where = where

    def __missing__(self, key: str) -> Any:
        raise _damaged(self._where, f"{key} is missing")


class Manifest:
    """run.json: configuration, versions, input, tables, and the state, key and counts of every stage.

    A stage is done only if its record says so; the record is written after its tables are published.
    Raises InputError if run.json is damaged or of a newer version.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self.content: Record = {"stages": {}}
        text = files.read_text_if_any(MANIFEST)
        if text is not None:
            self.content = _checked(text, files.path(MANIFEST))
        self.content["format"] = FORMAT

    @property
    def digests(self) -> dict[str, str]:
        """Of every published table, by name: the digest of its list of files. Changes are saved with it."""
        return self.content.setdefault("tables", {})  # type: ignore[no-any-return]

    def stage(self, name: str) -> StageRecord:
        """A copy of the record of a stage; empty if the stage never began."""
        where = f"{self._files.path(MANIFEST)}: stages.{name}"
        return StageRecord(self.content["stages"].get(name, {}), where)

    def is_done(self, name: str, key: str) -> bool:
        """Whether the stage finished under this key."""
        record = self.stage(name)
        return record.get("state") == "done" and record.get("key") == key

    def begin(self, name: str, key: str, *, afresh: bool = False) -> StageRecord:
        """Record that a stage runs. What it recorded before under the same key is kept, unless `afresh`."""
        if afresh or self.stage(name).get("key") != key:
            self.content["stages"][name] = {"key": key}
        return self.update(name, state="running")

    def finish(self, name: str, seconds: float, counts: Mapping[str, Any]) -> None:
        """Record that a stage is done, its duration and its counts."""
        finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.update(name, state="done", seconds=round(seconds, 2), finished=finished, **counts)

    def update(self, name: str, **values: Any) -> StageRecord:
        """Add to the record of a stage, and save it."""
        self.content["stages"][name] = {**self.stage(name), **values}
        self.save()
        return self.stage(name)

    def save(self) -> None:
        """Write run.json."""
        self._files.write_text(MANIFEST, json.dumps(self.content, indent=2, ensure_ascii=False) + "\n")


def _checked(text: str, where: str) -> Record:
    """The content of a run.json, its parts of the types that stages rely on."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(where, f"it is not JSON, {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("stages"), dict):
        raise _damaged(where, "it is not the record of a run")
    version = content.get("format", FORMAT)
    if not isinstance(version, int) or version > FORMAT:
        raise InputError(
            f"{where} has format {str(version)[:20]}, but this version of vecmill knows only formats up to "
            f"{FORMAT}; install the version that wrote it, or name another folder with output.path"
        )
    if not _is_of(content.get("tables", {}), {str: str}):
        raise _damaged(where, "tables must name the digest of each table")
    for name, record in content["stages"].items():
        if not isinstance(record, dict):
            raise _damaged(where, f"stages.{name} must be a table, got {type(record).__name__}")
        for key, kind in _TYPES.items():
            if key in record and not _is_of(record[key], kind):
                raise _damaged(where, f"stages.{name}.{key} cannot be {json.dumps(record[key])[:60]}")
    return content


def _is_of(value: Any, kind: Any) -> bool:
    """Whether a value of JSON has a type of _TYPES."""
    if isinstance(kind, list):
        return isinstance(value, list) and all(_is_of(item, kind[0]) for item in value)
    if isinstance(kind, dict):
        [(of_keys, of_values)] = kind.items()
        return isinstance(value, dict) and all(
            _is_of(key, of_keys) and _is_of(item, of_values) for key, item in value.items()
        )
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _damaged(where: str, what: str) -> InputError:
    return InputError(
        f"{where} is damaged: {what[:200]}; restore run.json from a copy, or delete the folder to run anew"
    )


def read_metrics(files: Files) -> list[Record]:
    """The lines of metrics.jsonl, one per round. Raises InputError naming the line that is not one."""
    lines: list[Record] = []
    for number, text in enumerate((files.read_text_if_any(METRICS_FILE) or "").splitlines(), 1):
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if not (_is_of(line, {str: object}) and _is_of([line.get("round"), line.get("pairs")], [int])):
            raise InputError(
                f"{files.path(METRICS_FILE)}, line {number}: expected the record of a round, got "
                f"{text[:60]!r}; delete the line, or the file if it is not needed"
            )
        lines.append(line)
    return lines


def write_metrics(files: Files, lines: list[Record]) -> None:
    """Rewrite metrics.jsonl, one line per round, because not every file system can append to a file."""
    files.write_text(METRICS_FILE, "".join(json.dumps(line) + "\n" for line in lines))
