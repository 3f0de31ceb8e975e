"""The report as one HTML file that loads nothing from the network and no other file."""

from __future__ import annotations

from importlib.resources import files
from string import Template

from vecmill.report import run_sections, vector_sections
from vecmill.report.markup import Html, element, escaped, json_for_script
from vecmill.report.page_elements import section
from vecmill.report.report_data import Report


def render(report: Report) -> str:
    """The whole page. It depends on nothing but the report."""
    sections = page_sections(report)
    links = (element("a", name, href=f"#{name.lower()}") for name in sections)
    answers = report.answers
    data = vector_sections.map_data(answers.map) if answers and answers.map else None
    return Template(_asset("template.html")).substitute(
        title=escaped(f"{report.title}: word vectors"),
        style=_asset("style.css"),
        script=_asset("report.js"),
        heading=escaped(report.title),
        subtitle=escaped(_subtitle(report)),
        figures=run_sections.key_figures(report),
        links=Html("".join(links)),
        sections=Html("\n".join(sections.values())),
        footer=escaped(_footer(report)),
        data=json_for_script(data),
    )


def page_sections(report: Report) -> dict[str, Html]:
    """The sections that are not empty, by their names in the navigation."""
    sections: dict[str, Html] = {}
    answers = report.answers
    weat = [score for score in report.scores if score.kind == "word-sets"]
    other_scores = [score for score in report.scores if score.kind != "word-sets"]
    if answers is not None and answers.map is not None:
        sections["Map"] = vector_sections.word_map(answers.map)
    if other_scores:
        sections["Evaluation"] = run_sections.evaluation(other_scores, report.rules)
    if answers is not None:
        if answers.neighbours:
            sections["Neighbours"] = vector_sections.neighbours(answers.neighbours)
        if answers.analogies:
            sections["Analogies"] = vector_sections.analogies(answers.analogies)
        if answers.offsets:
            sections["Offsets"] = vector_sections.offsets(answers.offsets)
    if answers is not None and answers.bias is not None:
        sections["Bias"] = vector_sections.bias(answers.bias, weat)
    elif weat:
        sections["Bias"] = section("bias", "Bias", "", vector_sections.association_tests(weat))
    if report.rounds:
        sections["Training"] = run_sections.training(report.rounds, report.stages)
    if report.curve:
        sections["Vocabulary"] = run_sections.vocabulary(report.curve, report.vocabulary_size or 0)
    if report.stages:
        sections["Run"] = run_sections.run(report)
    return sections


def _asset(name: str) -> str:
    return (files("vecmill.report") / "assets" / name).read_text(encoding="utf-8")


def _subtitle(report: Report) -> str:
    train = report.configuration.get("train") or {}
    epochs, dim = train.get("epochs"), train.get("dim")
    if not epochs or not dim:
        return "Word vectors"
    parts = (f"Word vectors of {dim} dimensions", report.model_title, f"{epochs} epochs")
    return ", ".join(part for part in parts if part)


def _footer(report: Report) -> str:
    version = report.versions.get("vecmill")
    return f"Made by vecmill {version}" if version else "Made by vecmill"
