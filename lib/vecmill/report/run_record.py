"""What a report reads from run.json and metrics.jsonl, which may be damaged or of another version."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vecmill.errors import InputError
from vecmill.formatting import shorten

Record = Mapping[str, Any]

# Larger numbers are no counts and no losses, and charts cannot show them.
MOST_COUNT = 10**18
MOST_FIGURE = 1e15


@dataclass(frozen=True)
class RoundRecord:
    """A round of training, from a line of metrics.jsonl; losses in nats per example."""

    number: int
    epoch: int
    words: int
    loss: float
    held_out_loss: float | None
    learning_rate: float
    words_per_second: float


def json_object(text: str, path: str) -> dict[str, Any]:
    """The JSON object in the text of a file. Raises InputError."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        cause = shorten(str(error), 100)
        raise InputError(f"{path} is not JSON ({cause}); restore it, or run again") from error
    if not isinstance(content, dict):
        raise _wrong(path, "the file", "a JSON object", content)
    return content


def read_record(text: str, path: str) -> dict[str, Any]:
    """run.json, with {} for missing sections, and with only those stages that began.

    Raises InputError if a part that the report shows has the wrong type.
    """
    record = json_object(text, path)
    for name in ("stages", "versions", "configuration", "input", "model"):
        record[name] = _section(record.get(name), name, path)
    for name, stage in record["stages"].items():
        record["stages"][name] = _section(stage, f"stages.{name}", path)
        _check_stage(record["stages"][name], f"stages.{name}", path)
    _check_count(record.get("seed"), "seed", path)
    for name in ("files", "bytes"):
        _check_count(record["input"].get(name), f"input.{name}", path)
    source = record["configuration"].get("input")
    record["configuration"]["input"] = _section(source, "configuration.input", path)
    train = record["configuration"].get("train")
    record["configuration"]["train"] = _section(train, "configuration.train", path)
    return record


def read_rounds(text: str, path: str) -> list[RoundRecord]:
    """The rounds in the text of metrics.jsonl. Raises InputError with the number of a broken line."""
    rounds = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            record = json.loads(line)
            held_out = record.get("held_out_loss")
            rounds.append(
                RoundRecord(
                    _count(record["round"]),
                    _count(record["epoch"]),
                    _count(record["words"]),
                    _figure(record["loss"]),
                    None if held_out is None else _figure(held_out),
                    _figure(record["learning_rate"]),
                    _figure(record["words_per_second"]),
                )
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            cause = shorten(str(error), 100)
            raise InputError(
                f"{path}, line {number}: expected a round as 'vecmill train' writes it, got "
                f"{line[:60]!r} ({cause}); train again, or take the file from the same run"
            ) from error
    return rounds


def _section(value: Any, name: str, path: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise _wrong(path, name, "a JSON object", value)
    return value or {}


def _check_stage(stage: Record, name: str, path: str) -> None:
    for key in ("state", "finished"):
        if not isinstance(stage.get(key, ""), str):
            raise _wrong(path, f"{name}.{key}", "a string", stage[key])
    for key in ("tokens", "words"):
        _check_count(stage.get(key), f"{name}.{key}", path)
    seconds = stage.get("seconds")
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is not None and not (is_number and 0 <= seconds <= MOST_FIGURE):
        raise _wrong(path, f"{name}.seconds", "a number of seconds", seconds)
    if not isinstance(stage.get("epochs") or [], list):
        raise _wrong(path, f"{name}.epochs", "a list", stage["epochs"])


def _check_count(value: Any, name: str, path: str) -> None:
    if value is not None and not (type(value) is int and 0 <= value <= MOST_COUNT):
        raise _wrong(path, name, "a whole number from 0", value)


def _count(value: Any) -> int:
    if not 0 <= (count := int(value)) <= MOST_COUNT:
        raise ValueError(f"{shorten(repr(value), 40)} is not a count")
    return count


def _figure(value: Any) -> float:
    """A number, which may be NaN or infinity. Raises ValueError for finite ones that no chart can show."""
    figure = float(value)
    if math.isfinite(figure) and abs(figure) > MOST_FIGURE:
        raise ValueError(f"{figure:g} is out of range")
    return figure


def _wrong(path: str, name: str, expected: str, got: Any) -> InputError:
    shown = type(got).__name__ if isinstance(got, dict | list) else shorten(repr(got), 60)
    return InputError(f"{path}: {name} must be {expected}, got {shown}; restore it, or run again")
