"""The sections on the run: how good its vectors are, how they were trained, and on what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vecmill.report.charts import Axis, Line, Point, figure, line_chart
from vecmill.report.components import Row, bar_style, folded, note, section, table, table_head
from vecmill.report.contents import RankedWord, Report, Round, Stage, thinned
from vecmill.report.evaluation import WEAT, Score
from vecmill.report.markup import Html, element, joined
from vecmill.report.scales import duration, large, percent, short, size

# More of them would not be taken in at a glance.
FIGURES_SCORED = 4

VOCABULARY_LEAD = (
    "How often words occur, how much of the corpus so many of them cover, how many occurrences of the "
    "frequent ones training passes over, and how often each is drawn as a negative."
)


def key_figures(report: Report) -> Html:
    """The handful of numbers that say what this is, and below them how good it is."""
    tokens = next((s.counts.get("tokens") for s in report.stages if s.name == "tokenize"), None)
    train = next((stage for stage in report.stages if stage.name == "train"), None)
    seconds = sum(stage.seconds or 0 for stage in report.stages)
    dim = report.asked.dim if report.asked else None
    figures = [
        ("words in the corpus", large(tokens) if tokens else None),
        ("words in the vocabulary", large(report.vocabulary_size) if report.vocabulary_size else None),
        ("dimensions", str(dim) if dim else None),
        ("words a second in training", large(train.rate) if train and train.rate else None),
        ("from text to vectors", duration(seconds) if seconds else None),
    ]
    whole = [score for score in report.scores if score.kind != WEAT and not score.section]
    scored = [(f"{score.measure} in {score.file}", _value(score)) for score in whole[:FIGURES_SCORED]]
    return joined(_figures(figures), _figures(scored, "figures scored") if scored else "")


def _figures(figures: Sequence[tuple[str, str | None]], class_: str = "figures") -> Html:
    shown = (
        element("div", element("dt", name), element("dd", value))
        for name, value in figures
        if value is not None
    )
    return element("dl", *shown, class_=class_)


def evaluation(scores: Sequence[Score], how_asked: str) -> Html:
    """Every score with its bar, and below those of the sections of each test file."""
    whole = [score for score in scores if not score.section]
    files = list(dict.fromkeys(score.file for score in scores if score.section))
    return section(
        "evaluation",
        "Evaluation",
        "Analogies by the share answered rightly, similarities by rank correlation with people's "
        "ratings, categories by the purity of clusters.",
        _scores(whole, [score.file for score in whole]) if whole else "",
        *(
            joined(element("h3", f"{file}, section by section"), _scores(some, [s.section for s in some]))
            for file in files
            if (some := [score for score in scores if score.section and score.file == file])
        ),
        note(how_asked),
    )


def _scores(scores: Sequence[Score], names: Sequence[str]) -> Html:
    rows = (
        element(
            "tr",
            element("th", name, scope="row"),
            element("td", _bar(score), class_="wide"),
            element("td", _value(score), class_="number"),
            element("td", _rests_on(score), class_="quiet"),
        )
        for score, name in zip(scores, names, strict=True)
    )
    # The figure that counts has a column of its own where it is the same for all.
    measures = {score.measure for score in scores}
    heads = ("test", "", measures.pop() if len(measures) == 1 else "score", "rests on")
    return element(
        "div",
        element("table", table_head(heads, heads[2:3]), element("tbody", *rows), class_="scores"),
        class_="scroll",
    )


def _bar(score: Score) -> Html:
    """The score as a bar from 0 to 1, with its interval as a whisker."""
    whisker: Html | str = ""
    if score.interval is not None:
        low, high = (min(max(end, 0.0), 1.0) for end in score.interval)
        whisker = element("span", class_="whisker", style=f"--low:{low:.3f};--high:{high:.3f}")
    bar = element("span", class_="bar", style=bar_style(min(max(score.value, 0), 1)))
    return element("span", bar, whisker, class_="track")


def _value(score: Score) -> str:
    return _told_figure(score, score.value)


def _told_figure(score: Score, figure: float) -> str:
    return f"{figure:.3f}" if score.kind == "similarity" else f"{figure:.1%}"


def _rests_on(score: Score) -> str:
    told = []
    if score.scored is not None:
        told.append(f"{score.scored:,} scored")
    if score.unknown:
        told.append(f"{score.unknown:,} unknown")
    if score.interval is not None:
        told.append(f"95% interval {score.interval[0]:.2f} to {score.interval[1]:.2f}")
    told += [f"{name} {_told_figure(score, figure)}" for name, figure in score.figures.items()]
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
    return section("vocabulary", "Vocabulary", VOCABULARY_LEAD, element("div", *charts, class_="charts"))


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
        "What was done and how long it took, on what, with which settings and versions.",
        table(heads, rows, ("time", "words/s"), class_="stages"),
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
