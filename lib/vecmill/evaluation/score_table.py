"""Scores as an aligned table for a person and as JSON for a program."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import mean, stdev
from typing import Any, NamedTuple

from vecmill.evaluation import scores
from vecmill.evaluation.scores import Rules, Score
from vecmill.evaluation.test_sets import Kind

_TITLES: dict[Kind, str] = {
    "similarity": "word similarity",
    "analogies": "analogies",
    "odd-one-out": "odd one out",
    "categories": "categories",
    "word-sets": "WEAT",
}


ABOUT = "what is compared"


class Evaluated(NamedTuple):
    """The scores of the vectors that are called `name`."""

    name: str
    scores: list[Score]


def content(evaluated: Sequence[Evaluated], rules: Rules) -> dict[str, Any]:
    """All of it for JSON: the settings, a run each, and over several runs their mean and spread."""
    runs: list[dict[str, Any]] = [
        {"name": name, "scores": [scores.to_json(score) for score in some]} for name, some in evaluated
    ]
    told: dict[str, Any] = {
        "settings": {
            "restrict": rules.restrict,
            "ignore_case": rules.ignore_case,
            "unknown": "counted as wrong" if rules.score_unknown else "left out",
        },
        "runs": runs,
    }
    if len(evaluated) > 1:
        told["over_runs"] = [_over_runs(several) for several in _side_by_side(evaluated)]
    return told


def as_text(told: Mapping[str, Any]) -> str:
    """What `content` gave, as the text of a file."""
    return json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def line(score: Score) -> str:
    """A score on one line, for a log."""
    return f"{score.name}: {figure(score)} ({score.asked:,} asked, {score.unknown:,} unknown)"


def figure(score: Score) -> str:
    """The figure that counts, with its name."""
    return f"{score.measure} {_number(score.value)}" if not math.isnan(score.value) else "no score"


def lines(evaluated: Sequence[Evaluated], rules: Rules) -> Iterator[str]:
    """A table a kind of test: a row a file and one a section, then how they were asked."""
    rows = _side_by_side(evaluated)
    for kind, title in _TITLES.items():
        of_kind = [several for several in rows if several[0].kind == kind]
        if of_kind:
            yield from aligned([*_table(title, of_kind)])
            yield ""
    yield from _rules(rules, len(evaluated), any(several[0].kind == "analogies" for several in rows))


def _side_by_side(evaluated: Sequence[Evaluated]) -> list[tuple[Score, ...]]:
    """The scores of the same section, one a run, in the order of the tests."""
    return list(zip(*(some for _, some in evaluated), strict=True))


def _over_runs(several: Sequence[Score]) -> dict[str, Any]:
    first = several[0]
    figures = {name: [score.figures[name] for score in several] for name in first.figures}
    return {
        "file": first.file,
        "section": first.section or None,
        "measure": first.measure,
        "figures": {name: summary(values) for name, values in figures.items()},
    }


def summary(values: Sequence[float]) -> dict[str, float | None]:
    """What JSON tells of one figure over several runs; `spread` is the deviation of a single run."""
    return {
        "mean": scores.plain(mean(values)),
        "spread": scores.plain(stdev(values)),
        "lowest": scores.plain(min(values)),
        "highest": scores.plain(max(values)),
    }


def _table(title: str, rows: Sequence[tuple[Score, ...]]) -> Iterator[list[str]]:
    """The cells of a table, its headings first."""
    first = rows[0]
    range_ = "lowest .. highest" if len(first) > 1 else "95% interval" if first[0].interval else None
    counts = ("asked", "unknown", "scored")
    about = any(several[0].about for several in rows)
    yield [title, *first[0].figures, *([range_] if range_ else []), *counts, *([ABOUT] if about else [])]
    file = None
    for several in rows:
        score = several[0]
        if score.file != file and score.section:
            yield [score.file]
        file = score.file
        cells = [_figure(name, [one.figures[name] for one in several]) for name in score.figures]
        if range_:
            ends = _ends(several) if len(several) > 1 else score.interval or (math.nan, math.nan)
            cells.append(f"{_number(ends[0])} .. {_number(ends[1])}")
        cells += [_counted([getattr(one, name) for one in several]) for name in counts]
        yield [f"  {score.section}" if score.section else score.file, *cells, *([score.about] * about)]


def aligned(table: Sequence[list[str]]) -> Iterator[str]:
    """The rows as lines: the first column and what a test is about to the left, all others to the right.

    A row may have fewer cells than the first, which has the headings.
    """
    widths = [max(len(row[i]) for row in table if i < len(row)) for i in range(len(table[0]))]
    to_left = [i == 0 or heading == ABOUT for i, heading in enumerate(table[0])]
    for row in table:
        cells = (
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(row, widths, to_left, strict=False)
        )
        yield "  ".join(cells).rstrip()


def _ends(several: Sequence[Score]) -> tuple[float, float]:
    values = [score.value for score in several]
    return min(values), max(values)


def _figure(name: str, values: Sequence[float]) -> str:
    told: Callable[[float], str] = _p_value if name == "p" else _number
    spread = f" ± {told(stdev(values))}" if len(values) > 1 else ""
    return told(mean(values)) + spread


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _p_value(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2g}"


def _counted(values: Sequence[int]) -> str:
    """The count, or the fewest and the most over several runs."""
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"


def _rules(rules: Rules, runs: int, has_analogies: bool) -> Iterator[str]:
    unknown = (
        "counted as wrong, pairs with cosine 0; left out of categories and WEAT"
        if rules.score_unknown
        else "left out"
    )
    case = "one word" if rules.ignore_case else "different words"
    yield f"Questions with an unknown word are {unknown}. Spellings that differ in case are {case}."
    if has_analogies:
        yield f"Analogies are asked of the {rules.restrict:,} most frequent words."
    if runs > 1:
        yield f"Means over {runs} runs, ± the standard deviation of one run."
