"""The sections on the run: how good its vectors are, how they were trained, and on what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vecmill.report.charts import Axis, Line, Point, figure, line_chart
from vecmill.report.evaluation import WEAT, Score
from vecmill.report.gather import RankedWord, Report, Round, Stage, thinned
from vecmill.report.markup import Html, element
from vecmill.report.pieces import Row, bar_style, folded, note, section, table, table_head
from vecmill.report.scales import duration, large, percent, short, size


def key_figures(report: Report) -> Html:
    """The handful of numbers that say what this is."""
    tokens = next((s.counts.get("tokens") for s in report.stages if s.name == "tokenize"), None)
    train = next((stage for stage in report.stages if stage.name == "train"), None)
    seconds = sum(stage.seconds or 0 for stage in report.stages)
    best = next((score for score in report.scores if score.kind != WEAT), None)
    dim = report.asked.dim if report.asked else None
    figures = [
        ("words in the corpus", large(tokens) if tokens else None),
        ("words in the vocabulary", large(report.vocabulary_size) if report.vocabulary_size else None),
        ("dimensions", str(dim) if dim else None),
        ("words a second in training", large(train.rate) if train and train.rate else None),
        ("from text to vectors", duration(seconds) if seconds else None),
        (f"{best.name}, {best.measure}" if best else "", _value(best) if best else None),
    ]
    return element(
        "dl",
        *(
            element("div", element("dt", name), element("dd", value))
            for name, value in figures
            if value is not None
        ),
        class_="figures",
    )


def evaluation(scores: Sequence[Score]) -> Html:
    """Every score with its bar; those of a test's sections folded away below."""
    whole = [score for score in scores if not score.section]
    parts = [score for score in scores if score.section]
    if not whole:
        whole, parts = parts, []
    return section(
        "evaluation",
        "Evaluation",
        "Analogies by the share answered rightly, similarities by rank correlation with people's "
        "ratings, categories by the purity of clusters.",
        _scores(whole),
        folded(f"All {len(parts)} sections", _scores(parts)) if parts else "",
    )


def _scores(scores: Sequence[Score]) -> Html:
    rows = (
        element(
            "tr",
            element("th", score.name, scope="row"),
            element("td", score.measure, class_="quiet"),
            element(
                "td",
                element(
                    "span",
                    element("span", class_="bar", style=bar_style(max(score.value, 0))),
                    class_="track",
                ),
                class_="wide",
            ),
            element("td", _value(score), class_="number"),
            element("td", _rests_on(score), class_="quiet"),
        )
        for score in scores
    )
    heads = ("test", "measure", "", "score", "rests on")
    return element(
        "div", element("table", table_head(heads, ("score",)), element("tbody", *rows)), class_="scroll"
    )


def _value(score: Score) -> str:
    return f"{score.value:.3f}" if score.kind == "similarity" else f"{score.value:.1%}"


def _rests_on(score: Score) -> str:
    told = []
    if score.scored is not None:
        told.append(f"{score.scored:,} scored")
    if score.unknown:
        told.append(f"{score.unknown:,} unknown")
    if score.interval is not None:
        told.append(f"95% interval {score.interval[0]:.2f} to {score.interval[1]:.2f}")
    return ", ".join(told)


def training(rounds: Sequence[Round], stages: Sequence[Stage]) -> Html:
    """Loss, learning rate and speed by round, the speed of every stage, and the rounds as a table."""
    shown = thinned(rounds)
    loss = [Line("training", [Point(r.number, r.loss, _tip(r, "loss", f"{r.loss:.4f}")) for r in shown])]
    held_out = [
        Point(r.number, r.held_out_loss, _tip(r, "held-out loss", f"{r.held_out_loss:.4f}"))
        for r in shown
        if r.held_out_loss is not None
    ]
    if held_out:
        loss.append(Line("held-out text", held_out, muted=True))
    first, last = rounds[0], rounds[-1]
    says = f"From {first.loss:.3f} after the first round to {last.loss:.3f} after the last."
    if held_out:
        says += f" On held-out text {held_out[0].y:.3f} to {held_out[-1].y:.3f}."
    by_round = Axis("round", whole=True)
    rate = [Point(r.number, r.learning_rate, _tip(r, "rate", short(r.learning_rate))) for r in shown]
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
            short(r.learning_rate),
            f"{r.words_per_second:,.0f}",
        )
        for r in shown
    ]
    numbers = ("epoch", "loss", "held-out loss", "learning rate", "words/s")
    return section(
        "training",
        "Training",
        "Loss is the mean over pairs of a word and its context, each with its negatives.",
        element(
            "div",
            line_chart("Loss", says, by_round, Axis("loss, nats a pair"), loss),
            line_chart(
                "Learning rate",
                "At the end of each round.",
                by_round,
                Axis("learning rate", low=0),
                [Line("learning rate", rate)],
            ),
            line_chart(
                "Speed",
                "Words of the corpus a second, all workers together.",
                by_round,
                Axis("words a second", low=0),
                [Line("speed", speed)],
            ),
            _speeds(stages),
            class_="charts",
        ),
        folded("The rounds as a table", table(("round", *numbers), figures, numbers)),
    )


def _speeds(stages: Sequence[Stage]) -> Html:
    """How fast each stage went through the words of the corpus, as bars."""
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
    says = "Words of the corpus a second. Training reads it once an epoch, as does the drawing of pairs."
    return figure("Speed by stage", says, element("ul", *items, class_="answers speeds"))


def vocabulary(curve: Sequence[RankedWord], vocabulary_size: int) -> Html:
    """Zipf's law, how much of the corpus so many words cover, and what subsampling keeps."""
    first, last = curve[0], curve[-1]
    by_rank = Axis("rank of the word, most frequent first", log=True)
    zipf = [
        Line(
            "this corpus",
            [Point(w.rank, w.count, f"{w.word} · rank {w.rank:,} · {w.count:,} times") for w in curve],
        ),
        Line("1/rank", [Point(w.rank, first.count / w.rank, "") for w in curve], muted=True),
    ]
    # The reference line must not stretch the axis below one occurrence.
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
            f"All {vocabulary_size:,} words of the vocabulary make up {last.covered:.1%} of the corpus.",
            Axis("words in the vocabulary", log=True),
            Axis("share of the corpus", low=0, high=1, written=percent),
            [Line("covered", covered)],
        ),
    ]
    kept = [
        Point(w.share, w.kept, f"{w.word} · {percent(w.share)} of the corpus · kept {percent(w.kept)}")
        for w in curve
        if w.kept is not None
    ]
    if kept:
        charts.append(
            line_chart(
                "Subsampling",
                f"Of “{first.word}” {percent(kept[0].y)} is kept; rarer words are kept whole.",
                Axis("share of the corpus that is this word", log=True, written=percent),
                Axis("kept", low=0, high=1, written=percent),
                [Line("kept", kept)],
            )
        )
    drawn = [
        Point(
            w.share,
            w.drawn,
            f"{w.word} · {percent(w.share)} of the corpus, {percent(w.drawn)} of negatives",
        )
        for w in curve
        if w.drawn
    ]
    if drawn:
        charts.append(
            line_chart(
                "Negatives",
                f"“{first.word}” is {percent(first.share)} of the corpus and "
                f"{percent(drawn[0].y)} of the negatives.",
                Axis("share of the corpus that is this word", log=True, written=percent),
                Axis("share of the negatives", log=True, written=percent),
                [
                    Line("drawn", drawn),
                    Line("as often as it occurs", [Point(p.x, p.x, "") for p in drawn], muted=True),
                ],
            )
        )
    return section("vocabulary", "Vocabulary", "", element("div", *charts, class_="charts"))


def run(report: Report) -> Html:
    """The stages with their counts and speed, the configuration and the versions."""
    rows = [_stage_row(stage) for stage in report.stages]
    settings = [
        (f"{name}.{key}", _told(value))
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
        facts.append(("input", f"{files}, {size(source['bytes'])}"))
        facts.append(("fingerprint of the input", str(source.get("fingerprint", ""))))
    heads = ("stage", "state", "time", "words/s", "what it counted")
    return section(
        "run",
        "The run",
        "",
        table(heads, rows, ("time", "words/s")),
        note(
            "A stage that went on after a stop counts the time since then; "
            "training's speed is that of all its rounds."
        ),
        element(
            "div", *(element("div", element("dt", n), element("dd", v)) for n, v in facts), class_="facts"
        )
        if facts
        else "",
        folded("Configuration", table(("key", "value"), settings)) if settings else "",
    )


def _stage_row(stage: Stage) -> Row:
    counted = ", ".join(
        f"{name.replace('_', ' ')} {value:,}" for name, value in stage.counts.items() if value
    )
    return (
        stage.name,
        stage.state,
        duration(stage.seconds) if stage.seconds is not None else "",
        f"{stage.rate:,.0f}" if stage.rate else "",
        counted,
    )


def _tip(round_: Round, name: str, value: str) -> str:
    return f"round {round_.number} · {name} {value}".replace("  ", " ")


def _told(value: Any) -> str:
    """A setting as a person writes it in TOML, lists and tables included."""
    if isinstance(value, bool):
        return str(value).lower()
    return "–" if value is None else str(value)  # noqa: RUF001 - a dash for nothing
