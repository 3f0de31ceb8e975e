"""Sections on the vectors: map, neighbours, analogies, offsets and bias."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from vecmill.core.measures.offsets import OffsetPlane
from vecmill.core.measures.similarity import ScoredWords
from vecmill.evaluation.gender_bias import GenderBias, most_female, most_gendered, most_male
from vecmill.evaluation.scores import Score
from vecmill.report.markup import Html, element, joined, shown_word
from vecmill.report.page_elements import answer_list, bar_style, note, section, table_head, word_element
from vecmill.report.plane_chart import plane_chart
from vecmill.report.scales import format_percent, format_signed
from vecmill.report.vector_answers import Analogy, Neighbours, WordMap

ANALOGY_WORDS = 6


def word_map(shown: WordMap) -> Html:
    """The interactive map: an empty canvas and controls, which report.js fills."""
    count, method = len(shown.layout.points), shown.layout.method
    lead = (
        f"The {count:,} words that are most frequent or named on this page, laid out by {method}. "
        "Neighbouring words are used alike; the axes have no meaning. Point at a word, or look "
        f"one up, to see its nearest among the {shown.among:,} most frequent words."
    )
    hint = (
        ""
        if method == "t-SNE"
        else "PCA shows less than t-SNE, which comes with: pip install scikit-learn."
    )
    controls = element(
        "div",
        element("label", "Look up a word", for_="lookup"),
        element(
            "input",
            id="lookup",
            type="search",
            list="lookup-words",
            autocomplete="off",
            autocapitalize="off",
            spellcheck="false",
            placeholder="a word",
        ),
        element("datalist", id="lookup-words"),
        element("p", id="lookup-status", role="status"),
        element("div", id="lookup-answers"),
        _legend(shown.typical),
        class_="lookup",
    )
    canvas = element(
        "div",
        element(
            "canvas",
            id="map-canvas",
            tabindex=0,
            role="application",
            aria_label=f"Map of {count:,} words. Arrow keys move it, plus and minus zoom, 0 shows all.",
        ),
        element(
            "div",
            *(
                element("button", sign, type="button", data_map=action, aria_label=title, title=title)
                for action, sign, title in (
                    ("in", "+", "Zoom in"),
                    ("out", "−", "Zoom out"),  # noqa: RUF001 - the minus sign
                    ("all", "⤢", "Show all"),
                )
            ),
            class_="zoom",
        ),
        element("p", "Click or tap, then zoom and drag", class_="hint", id="map-hint"),
        element("noscript", element("p", "The map needs JavaScript.")),
        class_="map",
    )
    return section("map", "Map", lead, element("div", canvas, controls, class_="mapping"), note(hint))


def _legend(typical: Sequence[Sequence[str]]) -> Html:
    """The colours of the map, with the most typical words of each group."""
    if not typical:
        return Html("")
    items = (
        element(
            "li",
            *(joined(", " if n else "", word_element(word)) for n, word in enumerate(words)),
            style=f"--group:var(--group-{group})",
        )
        for group, words in enumerate(typical)
    )
    return element(
        "div",
        element("h3", "Colours"),
        element("ol", *items, class_="groups"),
        note("Groups by k-means in all dimensions, and words near their centres."),
        class_="colours",
    )


def map_data(shown: WordMap) -> dict[str, Any]:
    """The map for report.js; coordinates in thousandths, cosines in hundredths, (id, cosine) flattened."""
    return {
        "words": [shown_word(word) for word in shown.words],
        "counts": shown.counts,
        "points": [round(float(value) * 1000) for point in shown.layout.points for value in point],
        "groups": shown.groups,
        "near": [[value for id_, c in row for value in (id_, round(c * 100))] for row in shown.near],
    }


def neighbours(cards: Sequence[Neighbours]) -> Html:
    """One card per word, with its nearest words and their cosines as bars."""
    return section(
        "neighbours",
        "Nearest neighbours",
        "The words whose vectors have the most similar directions, by cosine; 1 is the same direction.",
        element(
            "div",
            *(
                element(
                    "article",
                    element("h3", word_element(card.word)),
                    element("p", f"{card.count:,} times", class_="quiet") if card.count else "",
                    answer_list(card.near),
                    class_="card",
                )
                for card in cards
            ),
            class_="cards",
        ),
    )


def analogies(questions: Sequence[Analogy]) -> Html:
    """One card per analogy; the expected answer is marked if it is among the answers."""
    return section(
        "analogies",
        "Analogies",
        "A is to B as C is to what? The words nearest to B − A + C, without these three. "  # noqa: RUF001
        "The questions are the same for every model; ✓ marks the expected answer.",
        element("div", *(_analogy_card(question) for question in questions), class_="cards"),
    )


def _analogy_card(question: Analogy) -> Html:
    a, b, c = (word_element(word) for word in (question.a, question.b, question.c))
    answers = answer_list(question.answers, question.expected)
    return element("article", element("h3", a, " : ", b, " = ", c, " : ?"), answers, class_="card")


def offsets(planes: dict[str, OffsetPlane]) -> Html:
    """One picture per relation; its paths are parallel if the relation is an offset."""
    pictures = []
    for name, plane in planes.items():
        paths = [
            [(word, float(x), float(y)) for word, (x, y) in zip(family, points, strict=True)]
            for family, points in zip(plane.families, plane.coordinates, strict=True)
        ]
        examples = " → ".join(plane.families[0])
        caption = (
            f"{len(paths)} families, such as {examples}. The mean cosine between their offsets, in all "
            f"dimensions, is {format_signed(plane.alignment)}; with shuffled partners it is "
            f"{format_signed(plane.by_chance)}."
        )
        shares = (float(plane.explained[0]), float(plane.explained[1]))
        pictures.append(plane_chart(name, caption, paths, shares))
    return section(
        "offsets",
        "Relations as offsets",
        "Lines join the words of a family, in the plane in which these words vary most. "
        "If a relation is an offset of the vectors, its lines are parallel.",
        element("div", *pictures, class_="charts"),
    )


def bias(measured: GenderBias, tests: Sequence[Score]) -> Html:
    """Projections on the gender direction, and the association tests if there are any."""
    own, next_ = (float(share) for share in (*measured.direction.explained, 0.0)[:2])
    occupations = element(
        "figure",
        element("h3", "Occupations between “he” and “she”"),
        element(
            "div", element("span", "← he"), element("span", "she →"), class_="ends", aria_hidden="true"
        ),
        _diverging([*most_gendered(measured.occupations).items()]),
        element(
            "figcaption",
            f"Projection on the direction in which {measured.pairs} pairs such as she and he differ, "
            f"positive towards she. It explains {format_percent(own)} of their differences, the next "
            f"direction {format_percent(next_)}.",
        ),
        class_="chart",
    )
    return section(
        "bias",
        "Bias",
        "What the corpus associates with whom, not how the world is or should be. Vectors pass it on "
        "to whatever is built on them.",
        element("div", occupations, element("div", *_furthest(measured)), class_="charts"),
        association_tests(tests) if tests else "",
    )


def _diverging(scored: ScoredWords) -> Html:
    """Words with bars, to the left for negative and to the right for positive projections."""
    furthest = max(abs(projection) for _, projection in scored) or 1.0
    rows = (
        element("li", word_element(word), _two_sided(projection / furthest), _number(projection))
        for word, projection in scored
    )
    return element("ul", *rows, class_="diverging")


def _two_sided(share: float) -> Html:
    return element("span", element("span", class_="bar", style=bar_style(share)), class_="track two-sided")


def _number(value: float) -> Html:
    return element("span", format_signed(value), class_="number")


def _furthest(measured: GenderBias) -> Iterator[Html]:
    """The words at both ends of the direction, and the answers to the best known biased analogy."""
    yield element("h3", "All words, furthest to either side")
    sides = (
        ("towards she", most_female(measured.words)),
        ("towards he", most_male(measured.words)),
    )
    yield element(
        "div",
        *(
            element(
                "div",
                element("p", title, class_="quiet"),
                element(
                    "ol",
                    *(element("li", word_element(word), _number(value)) for word, value in words),
                    class_="answers",
                ),
            )
            for title, words in sides
        ),
        class_="sides",
    )
    yield note(f"Of the {len(measured.words):,} most frequent words.")
    if not isinstance(measured.answers, str):
        (a, x, b), answers = measured.question, measured.answers
        yield element("h3", f"{a} is to {x} as {b} is to …", class_="later")
        yield element(
            "p",
            *(
                joined(
                    " · " if n else "", word_element(word), element("span", f" {score:.2f}", class_="quiet")
                )
                for n, (word, score) in enumerate(answers[:ANALOGY_WORDS])
            )
            if answers
            else ("No word is near enough.",),
            class_="listed",
        )
        yield note(
            f"Of the words at a distance of at most 1 from {x}, those whose difference from it is most "
            f"parallel to that of {b} from {a} (Bolukbasi et al. 2016); cosines near 0 mean none is."
        )


def association_tests(tests: Sequence[Score]) -> Html:
    """A table of WEAT effect sizes with bars."""
    rows = (
        element(
            "tr",
            element(
                "th",
                test.section or test.file,
                element("span", test.about, class_="about") if test.about else "",
                scope="row",
            ),
            element("td", _two_sided(test.value / 2), class_="wide"),
            element("td", format_signed(test.value), class_="number"),
            element("td", _format_p_value(test.figures.get("p")), class_="quiet"),
        )
        for test in tests
    )
    heads = ("test", "", "effect size", "p-value")
    return joined(
        element("h3", "Word-embedding association tests", class_="later"),
        element(
            "div",
            element(
                "table",
                table_head(heads, heads[2:3]),
                element("tbody", *rows),
                class_="scores associations",
            ),
            class_="scroll",
        ),
        note(
            "Effect sizes lie between −2 and 2; they are positive if the first targets go with the "  # noqa: RUF001
            "first attributes and the second with the second (Caliskan et al. 2017)."
        ),
    )


def _format_p_value(value: float | None) -> str:
    if value is None or math.isnan(value):
        return ""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"
