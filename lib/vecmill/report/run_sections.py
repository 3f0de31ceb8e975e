"""Sections on the run: evaluation, training, vocabulary, and the run itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from vecmill.evaluation.scores import Score
from vecmill.formatting import format_bytes, format_duration
from vecmill.report.charts import Axis, Point, Series, figure, line_chart
from vecmill.report.markup import Html, element, joined
from vecmill.report.page_elements import Row, bar_style, folded, note, section, table, table_head
from vecmill.report.report_data import RankedWord, Report, StageSummary, thin_rounds
from vecmill.report.run_record import RoundRecord
from vecmill.report.scales import format_large, format_percent, format_short

# Scores among the key figures; more would not be read at a glance.
KEY_SCORES = 4

VOCABULARY_LEAD = (
    "How often words occur, how much of the corpus the most frequent ones cover, how many of their "
    "occurrences training skips, and how often each word is drawn as a negative."
)


def key_figures(report: Report) -> Html:
    """The key figures of the run, and below them its main scores."""
    tokens = next((s.counts.get("tokens") for s in report.stages if s.name == "tokenize"), None)
    train = next((stage for stage in report.stages if stage.name == "train"), None)
    seconds = sum(stage.seconds or 0 for stage in report.stages)
    dim = report.answers.dim if report.answers else None
    figures = [
        ("words in the corpus", format_large(tokens) if tokens else None),
        (
            "words in the vocabulary",
            format_large(report.vocabulary_size) if report.vocabulary_size else None,
        ),
        ("dimensions", str(dim) if dim else None),
        ("words/s in training", format_large(train.rate) if train and train.rate else None),
        ("from text to vectors", format_duration(seconds) if seconds else None),
    ]
    whole_files = [score for score in report.scores if score.kind != "word-sets" and not score.section]
    scores = [
        (f"{score.measure} in {score.file}", _format_value(score)) for score in whole_files[:KEY_SCORES]
    ]
    return joined(_figures(figures), _figures(scores, "figures scored") if scores else "")


def _figures(figures: Sequence[tuple[str, str | None]], class_: str = "figures") -> Html:
    shown = (
        element("div", element("dt", name), element("dd", value))
        for name, value in figures
        if value is not None
    )
    return element("dl", *shown, class_=class_)


def evaluation(scores: Sequence[Score], rules: str) -> Html:
    """Every score with its bar, then the scores of the sections of each test file, then the rules."""
    whole_files = [score for score in scores if not score.section]
    files = list(dict.fromkeys(score.file for score in scores if score.section))
    return section(
        "evaluation",
        "Evaluation",
        "Analogies: share of correct answers. Similarities: rank correlation with people's "
        "ratings. Categories: purity of clusters.",
        _score_table(whole_files, [score.file for score in whole_files]) if whole_files else "",
        *(
            joined(
                element("h3", f"{file}, section by section"),
                _score_table(sections, [score.section for score in sections]),
            )
            for file in files
            if (sections := [score for score in scores if score.section and score.file == file])
        ),
        note(rules),
    )


def _score_table(scores: Sequence[Score], names: Sequence[str]) -> Html:
    rows = (
        element(
            "tr",
            element("th", name, scope="row"),
            element("td", _bar(score), class_="wide"),
            element("td", _format_value(score), class_="number"),
            element("td", _format_details(score), class_="quiet"),
        )
        for score, name in zip(scores, names, strict=True)
    )
    # The measure is the heading of the column if it is the same for all.
    measures = {score.measure for score in scores}
    heads = ("test", "", measures.pop() if len(measures) == 1 else "score", "rests on")
    return element(
        "div",
        element("table", table_head(heads, heads[2:3]), element("tbody", *rows), class_="scores"),
        class_="scroll",
    )


def _bar(score: Score) -> Html:
    """The score as a bar from 0 to 1, and its interval as a whisker."""
    whisker: Html | str = ""
    if interval := _finite_interval(score):
        low, high = (min(max(end, 0.0), 1.0) for end in interval)
        whisker = element("span", class_="whisker", style=f"--low:{low:.3f};--high:{high:.3f}")
    bar = element("span", class_="bar", style=bar_style(min(max(score.value, 0), 1)))
    return element("span", bar, whisker, class_="track")


def _format_value(score: Score) -> str:
    return _format_figure(score, score.value)


def _format_figure(score: Score, figure: float) -> str:
    return f"{figure:.3f}" if score.kind == "similarity" else f"{figure:.1%}"


def _format_details(score: Score) -> str:
    """The numbers of questions, the interval and the other figures of a score."""
    details = []
    if score.scored:
        details.append(f"{score.scored:,} scored")
    if score.unknown:
        details.append(f"{score.unknown:,} unknown")
    if interval := _finite_interval(score):
        details.append(f"95% interval {interval[0]:.2f} to {interval[1]:.2f}")
    details += [
        f"{name} {_format_figure(score, figure)}"
        for name, figure in score.figures.items()
        if name != score.measure and math.isfinite(figure)
    ]
    return ", ".join(details)


def _finite_interval(score: Score) -> tuple[float, float] | None:
    return score.interval if score.interval and all(map(math.isfinite, score.interval)) else None


def training(rounds: Sequence[RoundRecord], stages: Sequence[StageSummary]) -> Html:
    """Loss, learning rate and speed by round, the speed of every stage, and the rounds as a table."""
    shown = thin_rounds(rounds)
    loss = [Series("training", [Point(r.number, r.loss, _tip(r, "loss", f"{r.loss:.4f}")) for r in shown])]
    held_out = [
        Point(r.number, r.held_out_loss, _tip(r, "held-out loss", f"{r.held_out_loss:.4f}"))
        for r in shown
        if r.held_out_loss is not None
    ]
    if held_out:
        loss.append(Series("held-out text", held_out, muted=True))
    first, last = rounds[0], rounds[-1]
    caption = f"From {first.loss:.3f} after the first round to {last.loss:.3f} after the last."
    if held_out:
        caption += f" On held-out text {held_out[0].y:.3f} to {held_out[-1].y:.3f}."
    by_round = Axis("round", whole=True)
    rate = [Point(r.number, r.learning_rate, _tip(r, "rate", format_short(r.learning_rate))) for r in shown]
    speed = [
        Point(r.number, r.words_per_second, _tip(r, "", f"{r.words_per_second:,.0f} words/s"))
        for r in shown
    ]
    figures = [
        (
            str(r.number),
            str(r.epoch),
            f"{r.loss:.4f}",
            f"{r.held_out_loss:.4f}" if r.held_out_loss is not None else "",
            format_short(r.learning_rate),
            f"{r.words_per_second:,.0f}",
        )
        for r in shown
    ]
    numbers = ("epoch", "loss", "held-out loss", "learning rate", "words/s")
    return section(
        "training",
        "Training",
        "Loss is the mean over training examples, such as a pair of words with its negatives.",
        element(
            "div",
            line_chart("Loss", caption, by_round, Axis("loss, nats per example"), loss),
            line_chart(
                "Learning rate",
                "At the end of each round.",
                by_round,
                Axis("learning rate", low=0),
                [Series("learning rate", rate)],
            ),
            line_chart(
                "Speed",
                "Words of the corpus per second, all workers together.",
                by_round,
                Axis("words per second", low=0),
                [Series("speed", speed)],
            ),
            _speeds(stages),
            class_="charts",
        ),
        folded("The rounds as a table", table(("round", *numbers), figures, numbers)),
    )


def _speeds(stages: Sequence[StageSummary]) -> Html:
    """The words of the corpus that each stage processed per second, as bars."""
    rates = [(stage.name, stage.rate) for stage in stages if stage.rate]
    highest = max((rate for _, rate in rates), default=1.0)
    items = (
        element(
            "li",
            element("span", name, class_="name"),
            element("span", element("span", class_="bar", style=bar_style(rate / highest)), class_="track"),
            element("span", f"{rate:,.0f}", class_="number"),
        )
        for name, rate in rates
    )
    if not rates:
        return Html("")
    caption = "Words of the corpus per second. Training and the drawing of pairs read it once per epoch."
    return figure("Speed by stage", caption, element("ul", *items, class_="answers speeds"))


def vocabulary(curve: Sequence[RankedWord], vocabulary_size: int) -> Html:
    """Charts of word frequency, coverage of the corpus, subsampling and negatives."""
    first, last = curve[0], curve[-1]
    by_rank = Axis("rank of the word, most frequent first", log=True)
    zipf = [
        Series(
            "this corpus",
            [Point(w.rank, w.count, f"{w.word} · rank {w.rank:,} · {w.count:,} times") for w in curve],
        ),
        Series("1/rank", [Point(w.rank, first.count / w.rank, "") for w in curve], muted=True),
    ]
    # The line 1/rank may go below one occurrence; the axis does not.
    occurrences = Axis("occurrences", log=True, low=min(last.count, first.count / last.rank))
    covered = [
        Point(w.rank, w.covered, f"{w.rank:,} words cover {w.covered:.1%} of the corpus") for w in curve
    ]
    charts = [
        line_chart(
            "Frequency by rank",
            f"From “{first.word}”, {first.count:,} times, to {last.count:,} times.",
            by_rank,
            occurrences,
            zipf,
        ),
        line_chart(
            "Coverage",
            f"All {vocabulary_size:,} words of the vocabulary cover {last.covered:.1%} of the corpus.",
            Axis("words in the vocabulary", log=True),
            Axis("share of the corpus", low=0, high=1, format=format_percent),
            [Series("covered", covered)],
        ),
    ]
    kept = [
        Point(
            w.share,
            w.kept,
            f"{w.word} · {format_percent(w.share)} of the corpus · kept {format_percent(w.kept)}",
        )
        for w in curve
    ]
    if kept:
        charts.append(
            line_chart(
                "Subsampling",
                f"Of “{first.word}” {format_percent(kept[0].y)} is kept; rarer words are kept whole.",
                Axis("share of the corpus that is this word", log=True, format=format_percent),
                Axis("kept", low=0, high=1, format=format_percent),
                [Series("kept", kept)],
            )
        )
    drawn = [
        Point(
            w.share,
            w.drawn,
            f"{w.word} · {format_percent(w.share)} of the corpus, {format_percent(w.drawn)} of negatives",
        )
        for w in curve
        if w.drawn
    ]
    if drawn:
        charts.append(
            line_chart(
                "Negatives",
                f"“{first.word}” is {format_percent(first.share)} of the corpus and "
                f"{format_percent(drawn[0].y)} of the negatives.",
                Axis("share of the corpus that is this word", log=True, format=format_percent),
                Axis("share of the negatives", log=True, format=format_percent),
                [
                    Series("drawn", drawn),
                    Series("as often as it occurs", [Point(p.x, p.x, "") for p in drawn], muted=True),
                ],
            )
        )
    return section("vocabulary", "Vocabulary", VOCABULARY_LEAD, element("div", *charts, class_="charts"))


def run(report: Report) -> Html:
    """The stages with their counts and speed, the versions, the input and the configuration."""
    rows = [_stage_row(stage) for stage in report.stages]
    settings = [
        (f"{name}.{key}", _format_setting(value))
        for name, keys in report.configuration.items()
        if isinstance(keys, dict)
        for key, value in keys.items()
    ]
    facts = [(name, str(version)) for name, version in report.versions.items()]
    if report.seed is not None:
        facts.append(("seed", str(report.seed)))
    source = report.source
    if isinstance(source.get("files"), int) and isinstance(source.get("bytes"), int):
        files = "1 file" if source["files"] == 1 else f"{source['files']:,} files"
        facts.append(("input", f"{files}, {format_bytes(source['bytes'])}"))
        facts.append(("fingerprint of the input", str(source.get("fingerprint", ""))))
    heads = ("stage", "state", "time", "words/s", "counts")
    return section(
        "run",
        "The run",
        "The stages and their times, the input, the settings and the versions.",
        table(heads, rows, ("time", "words/s"), class_="stages"),
        note(
            "The time of a resumed stage counts from the resume; "
            "the speed of training is that of all its rounds."
        ),
        element(
            "div", *(element("div", element("dt", n), element("dd", v)) for n, v in facts), class_="facts"
        )
        if facts
        else "",
        folded("Configuration", table(("key", "value"), settings)) if settings else "",
    )


def _stage_row(stage: StageSummary) -> Row:
    counts = ", ".join(
        f"{name.replace('_', ' ')} {value:,}" for name, value in stage.counts.items() if value
    )
    return (
        stage.name,
        stage.state,
        format_duration(stage.seconds) if stage.seconds is not None else "",
        f"{stage.rate:,.0f}" if stage.rate else "",
        counts,
    )


def _tip(round_: RoundRecord, name: str, value: str) -> str:
    return f"round {round_.number} · {name} {value}".replace("  ", " ")


def _format_setting(value: Any) -> str:
    """A setting, with booleans as in TOML and a dash for None."""
    if isinstance(value, bool):
        return str(value).lower()
    return "–" if value is None else str(value)  # noqa: RUF001
