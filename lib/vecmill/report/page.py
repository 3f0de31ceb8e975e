"""The report as one HTML file that needs nothing beside it: no network, no other file."""

from __future__ import annotations

from importlib.resources import files
from string import Template

from vecmill.report import run_sections, vector_sections
from vecmill.report.components import section
from vecmill.report.contents import Report
from vecmill.report.evaluation import WEAT
from vecmill.report.markup import Html, element, escaped, json_for_script


def render(report: Report) -> str:
    """The whole page; the same report gives the same text."""
    shown = sections_of(report)
    links = (element("a", name, href=f"#{_id(name)}") for name in shown)
    data = vector_sections.map_data(report.asked.map) if report.asked and report.asked.map else None
    return Template(_asset("template.html")).substitute(
        title=escaped(f"{report.title}: word vectors"),
        style=_asset("style.css"),
        script=_asset("report.js"),
        heading=escaped(report.title),
        subtitle=escaped(_subtitle(report)),
        figures=run_sections.key_figures(report),
        links=Html("".join(links)),
        sections=Html("\n".join(shown.values())),
        footer=escaped(_footer(report)),
        data=json_for_script(data),
    )


def sections_of(report: Report) -> dict[str, Html]:
    """Every section there is something to show in, by the name in the navigation."""
    found: dict[str, Html] = {}
    asked = report.asked
    scores = [score for score in report.scores if score.kind != WEAT]
    tests = [score for score in report.scores if score.kind == WEAT]
    if asked is not None and asked.map is not None:
        found["Map"] = vector_sections.word_map(asked.map)
    if scores:
        found["Evaluation"] = run_sections.evaluation(scores, report.how_asked)
    if asked is not None:
        if asked.neighbours:
            found["Neighbours"] = vector_sections.neighbours(asked.neighbours)
        if asked.analogies:
            found["Analogies"] = vector_sections.analogies(asked.analogies)
        if asked.offsets:
            found["Offsets"] = vector_sections.offsets(asked.offsets)
    if asked is not None and asked.gender is not None:
        found["Bias"] = vector_sections.gender(asked.gender, tests)
    elif tests:
        found["Bias"] = section("bias", "Bias", "", vector_sections.association_tests(tests))
    if report.rounds:
        found["Training"] = run_sections.training(report.rounds, report.stages)
    if report.curve:
        found["Vocabulary"] = run_sections.vocabulary(report.curve, report.vocabulary_size or 0)
    if report.stages:
        found["Run"] = run_sections.run(report)
    return found


def _asset(name: str) -> str:
    return (files("vecmill.report") / "assets" / name).read_text(encoding="utf-8")


def _id(name: str) -> str:
    return name.lower()


def _subtitle(report: Report) -> str:
    train = report.configuration.get("train") or {}
    epochs, dim = train.get("epochs"), train.get("dim")
    if epochs and dim:
        return f"Word vectors of {dim} dimensions, skip-gram with negative sampling, {epochs} epochs"
    return "Word vectors"


def _footer(report: Report) -> str:
    version = report.versions.get("vecmill")
    return f"Made by vecmill {version}" if version else "Made by vecmill"
