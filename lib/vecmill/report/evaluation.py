"""The scores in a run's evaluation.json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EVALUATION = "evaluation.json"
WEAT = "word-sets"

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Score:
    """One score, of a whole test file or, where it is not "", of a `section` of it.

    value     -1..1 for a correlation, -2..2 for an effect size, 0..1 otherwise
    figures   other figures of the same questions, such as the p-value of an effect size
    interval  where the value may lie, if that was reckoned
    scored    questions, pairs or words that the value rests on; None where that is not told
    unknown   those with a word that has no vector
    about     what is compared, where the section's name does not say it
    """

    file: str
    section: str
    kind: str
    measure: str
    value: float
    figures: dict[str, float] = field(default_factory=dict)
    interval: tuple[float, float] | None = None
    scored: int | None = None
    unknown: int | None = None
    about: str = ""


def read_evaluation(content: Record) -> list[Score]:
    """The scores of the first run in `content`, as `vecmill evaluate` writes it, in their order.

    A record without a finite score is passed over: no word of that test was known. So is whatever
    has another form, because the file may be of another version.
    """
    runs = content.get("runs")
    first = runs[0] if isinstance(runs, list) and runs else {}
    records = first.get("scores") if isinstance(first, Mapping) else None
    found = [_score(record) for record in records] if isinstance(records, list) else []
    return [score for score in found if score is not None]


def how_asked(content: Record) -> str:
    """In a sentence how unknown words and case were counted; "" where `content` does not say it."""
    settings = content.get("settings")
    if not isinstance(settings, Mapping):
        return ""
    told = []
    if settings.get("unknown"):
        told.append(f"questions with an unknown word are {settings['unknown']}")
    if restrict := _whole(settings.get("restrict")):
        told.append(f"analogies are asked of the {restrict:,} most frequent words")
    if isinstance(settings.get("ignore_case"), bool):
        told.append("case is ignored" if settings["ignore_case"] else "case matters")
    text = "; ".join(told)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _score(record: Any) -> Score | None:
    if not isinstance(record, Mapping):
        return None
    value, file = _number(record.get("score")), record.get("file")
    if value is None or not isinstance(file, str):
        return None
    measure = str(record.get("measure") or "score")
    figures = record.get("figures")
    numbers = {
        str(name): number
        for name, figure in (figures.items() if isinstance(figures, Mapping) else ())
        if name != measure and (number := _number(figure)) is not None
    }
    section = record.get("section")
    return Score(
        file=file,
        section=section if isinstance(section, str) else "",
        kind=str(record.get("kind") or ""),
        measure=measure,
        value=value,
        figures=numbers,
        interval=_interval(record.get("interval")),
        scored=_whole(record.get("scored")),
        unknown=_whole(record.get("unknown")),
        about=str(record.get("about") or ""),
    )


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _interval(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    low, high = (_number(bound) for bound in value)
    return None if low is None or high is None else (low, high)
