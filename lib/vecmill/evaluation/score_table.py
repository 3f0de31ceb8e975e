"""Scores as aligned tables for people and as JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import mean, stdev
from typing import Any, NamedTuple

from vecmill.evaluation import scores
from vecmill.evaluation.scores import Rules, Score, finite_or_none
from vecmill.evaluation.test_sets import Kind
from vecmill.formatting import shorten
from vecmill.vectors.formats.streams import shown_words

# The scores of a run, in its folder.
EVALUATION = "evaluation.json"

_TITLES: dict[Kind, str] = {
    "similarity": "word similarity",
    "analogies": "analogies",
    "odd-one-out": "odd one out",
    "categories": "categories",
    "word-sets": "WEAT",
}
_ABOUT = "what is compared"
# Of a name in a table.
_MOST_LETTERS = 200


class RunScores(NamedTuple):
    """The scores of one run, or of the vectors in one file; `name` is its path."""

    name: str
    scores: list[Score]


def to_json(runs: Sequence[RunScores], rules: Rules) -> dict[str, Any]:
    """The rules, the scores of each run and, over several runs, their means and spreads."""
    content: dict[str, Any] = {
        "settings": {
            "restrict": rules.restrict,
            "ignore_case": rules.ignore_case,
            "unknown": "counted as wrong" if rules.score_unknown else "left out",
        },
        "runs": [
            {"name": run.name, "scores": [scores.to_json(score) for score in run.scores]} for run in runs
        ],
    }
    if len(runs) > 1:
        content["over_runs"] = [_over_runs(row) for row in _rows(runs)]
    return content


def from_json(content: Any) -> list[RunScores]:
    """The scores of each run in JSON from `to_json`; what has another form is left out.

    See `scores.from_json`.
    """
    runs = content.get("runs") if isinstance(content, Mapping) else None
    return [
        RunScores(str(run.get("name") or ""), _scores_from_json(run.get("scores")))
        for run in (runs if isinstance(runs, list) else ())
        if isinstance(run, Mapping)
    ]


def json_text(content: Mapping[str, Any]) -> str:
    """JSON from `to_json` as the text of a file."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def format_score(score: Score) -> str:
    """A score on one line of the log."""
    return f"{score.name}: {format_figure(score)} ({score.asked:,} asked, {score.unknown:,} unknown)"


def format_figure(score: Score) -> str:
    """The main figure with its name."""
    return f"{score.measure} {_format_number(score.value)}" if not math.isnan(score.value) else "no score"


def format_tables(runs: Sequence[RunScores], rules: Rules) -> Iterator[str]:
    """One table per kind of test, with one row per file and section, then the rules."""
    rows = _rows(runs)
    for kind, title in _TITLES.items():
        rows_of_kind = [row for row in rows if row[0].kind == kind]
        if rows_of_kind:
            yield from align_columns([*_table(title, rows_of_kind)])
            yield ""
    yield from _format_rules(rules, len(runs), any(row[0].kind == "analogies" for row in rows))
    for row in rows:
        yield from _format_words_left_out(row)


def align_columns(table: Sequence[list[str]]) -> Iterator[str]:
    """The rows as lines. The first column and descriptions are left-aligned, all others right-aligned.

    The first row holds the headings; other rows may have fewer cells.
    """
    widths = [max(len(row[i]) for row in table if i < len(row)) for i in range(len(table[0]))]
    is_left = [i == 0 or heading == _ABOUT for i, heading in enumerate(table[0])]
    for row in table:
        cells = (
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(row, widths, is_left, strict=False)
        )
        yield "  ".join(cells).rstrip()


def summarise(values: Sequence[float]) -> dict[str, float | None]:
    """Statistics of one figure over several runs, for JSON; `spread` is the standard deviation of a run."""
    return {
        "mean": finite_or_none(mean(values)),
        "spread": finite_or_none(_spread(values)),
        "lowest": finite_or_none(min(values)),
        "highest": finite_or_none(max(values)),
    }


def _scores_from_json(content: Any) -> list[Score]:
    records = content if isinstance(content, list) else ()
    return [score for record in records if (score := scores.from_json(record)) is not None]


def _rows(runs: Sequence[RunScores]) -> list[tuple[Score, ...]]:
    """For each section, in the order of the tests, its scores in all runs."""
    return list(zip(*(run.scores for run in runs), strict=True))


def _over_runs(row: Sequence[Score]) -> dict[str, Any]:
    first = row[0]
    figures = {name: [score.figures[name] for score in row] for name in first.figures}
    return {
        "file": first.file,
        "section": first.section or None,
        "measure": first.measure,
        "figures": {name: summarise(values) for name, values in figures.items()},
    }


def _table(title: str, rows: Sequence[tuple[Score, ...]]) -> Iterator[list[str]]:
    """The cells of a table, its headings first."""
    first = rows[0]
    range_ = "lowest .. highest" if len(first) > 1 else "95% interval" if first[0].interval else None
    counts = ("asked", "unknown", "scored")
    about = any(row[0].about for row in rows)
    yield [title, *first[0].figures, *([range_] if range_ else []), *counts, *([_ABOUT] if about else [])]
    file = None
    for row in rows:
        score = row[0]
        if score.file != file and score.section:
            yield [score.file]
        file = score.file
        cells = [_format_mean(name, [one.figures[name] for one in row]) for name in score.figures]
        if range_:
            low, high = _ends(row) if len(row) > 1 else score.interval or (math.nan, math.nan)
            cells.append(f"{_format_number(low)} .. {_format_number(high)}")
        cells += [_format_counts([getattr(one, name) for one in row]) for name in counts]
        name = f"  {_cut(score.section)}" if score.section else score.file
        yield [name, *cells, *([_cut(score.about)] * about)]


def _ends(row: Sequence[Score]) -> tuple[float, float]:
    values = [score.value for score in row]
    return min(values), max(values)


def _format_mean(name: str, values: Sequence[float]) -> str:
    """The figure, or its mean and standard deviation over several runs."""
    format_: Callable[[float], str] = _format_p_value if name == "p" else _format_number
    spread = f" ± {format_(_spread(values))}" if len(values) > 1 else ""
    return format_(mean(values)) + spread


def _spread(values: Sequence[float]) -> float:
    """The standard deviation of one run; NaN if a run has no score."""
    return stdev(values) if all(map(math.isfinite, values)) else math.nan


def _format_number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _format_p_value(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2g}"


def _format_counts(values: Sequence[int]) -> str:
    """The count, or the lowest and the highest count of several runs."""
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"


def _format_rules(rules: Rules, runs: int, has_analogies: bool) -> Iterator[str]:
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


def _format_words_left_out(row: Sequence[Score]) -> Iterator[str]:
    """Notes on the words of a section, in any run, that have no vector or are left out of equal sets."""
    name = _cut(row[0].name)
    missing = list(dict.fromkeys(word for score in row for word in score.missing))
    if missing:
        yield f"{name}: no vector for {_count_words(missing)}: {shown_words(missing)}."
    cut = list(dict.fromkeys(word for score in row for word in score.cut))
    if cut:
        yield f"{name}: {_count_words(cut)} left out for target sets of equal size: {shown_words(cut)}."


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else shorten(text, _MOST_LETTERS)


def _count_words(words: Sequence[str]) -> str:
    return f"{len(words):,} {'word' if len(words) == 1 else 'words'}"
