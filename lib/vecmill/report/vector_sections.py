"""The sections on what the vectors say: map, neighbours, analogies, offsets and bias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vecmill.core.offsets import OffsetPlane
from vecmill.report.asked import Analogy, GenderBias, Neighbours, WordMap
from vecmill.report.evaluation import Score
from vecmill.report.markup import Html, element, joined
from vecmill.report.pieces import answer_list, bar_style, note, section, shown_word, table
from vecmill.report.planes import plane_chart
from vecmill.report.scales import percent, signed


def word_map(shown: WordMap) -> Html:
    """The interactive map: an empty canvas and its controls, filled by report.js."""
    count, method = len(shown.layout.points), shown.layout.method
    lead = (
        f"The {count:,} words that are most frequent or named on this page, laid out by {method}. "
        "Words that stand together are used alike; the axes mean nothing. Point at a word, or look "
        f"one up, to see its nearest among the {shown.among:,} most frequent words."
    )
    how = (
        ""
        if method == "t-SNE"
        else "PCA shows less than t-SNE, which comes with: pip install 'vecmill[viz]'."
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
                element("button", sign, type="button", data_map=action, aria_label=told, title=told)
                for action, sign, told in (
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
    return section("map", "Map", lead, element("div", canvas, controls, class_="mapping"), note(how))


def map_data(shown: WordMap) -> dict[str, Any]:
    """The map for report.js: coordinates in thousandths, cosines in hundredths, nearest flat."""
    return {
        "words": shown.words,
        "counts": shown.counts,
        "points": [round(float(value) * 1000) for point in shown.layout.points for value in point],
        "near": [[part for id_, c in row for part in (id_, round(c * 100))] for row in shown.near],
    }


def neighbours(cards: Sequence[Neighbours]) -> Html:
    """A card a word, with its nearest and their cosines as bars."""
    return section(
        "neighbours",
        "Nearest neighbours",
        "The words whose vectors point most nearly the same way, by cosine; 1 is the same direction.",
        element(
            "div",
            *(
                element(
                    "article",
                    element("h3", shown_word(card.word)),
                    element("p", f"{card.count:,} times", class_="quiet") if card.count else "",
                    answer_list(card.near),
                    class_="card",
                )
                for card in cards
            ),
            class_="cards",
        ),
    )


def analogies(asked: Sequence[Analogy]) -> Html:
    """A card an analogy, the expected answer marked where it is among the answers."""
    return section(
        "analogies",
        "Analogies",
        "A is to B as C is to what? The words nearest to B − A + C, without these three. "  # noqa: RUF001
        "The same questions are asked of every model; ✓ marks the answer a person would give.",
        element(
            "div",
            *(
                element(
                    "article",
                    element(
                        "h3",
                        *(shown_word(some.a), " : ", shown_word(some.b), " = ", shown_word(some.c), " : ?"),
                    ),
                    answer_list(some.answers, some.expected),
                    class_="card",
                )
                for some in asked
            ),
            class_="cards",
        ),
    )


def offsets(planes: dict[str, OffsetPlane]) -> Html:
    """A picture a kind of family: where a relation is an offset, the paths run parallel."""
    pictures = []
    for name, plane in planes.items():
        paths = [
            [(word, float(x), float(y)) for word, (x, y) in zip(family, points, strict=True)]
            for family, points in zip(plane.families, plane.coordinates, strict=True)
        ]
        examples = " → ".join(plane.families[0])
        says = f"{len(paths)} families, such as {examples}."
        shares = (float(plane.explained[0]), float(plane.explained[1]))
        pictures.append(plane_chart(name, says, paths, shares))
    return section(
        "offsets",
        "Relations as offsets",
        "Words of one family joined by a line, in the plane in which these words vary most. "
        "Where the vectors hold a relation as an offset, the lines run parallel.",
        element("div", *pictures, class_="charts"),
    )


def gender(found: GenderBias, tests: Sequence[Score]) -> Html:
    """Occupations along the gender direction, and the association tests where there are any."""
    own, next_ = found.explained
    furthest = max(abs(projection) for _, projection in found.occupations) or 1.0
    rows = (
        element(
            "li",
            shown_word(word),
            element(
                "span",
                element("span", class_="bar", style=bar_style(projection / furthest)),
                class_="track",
            ),
            element("span", signed(projection), class_="number"),
        )
        for word, projection in found.occupations
    )
    return section(
        "bias",
        "Bias",
        "What the corpus associates with whom, and not how the world is or should be. Vectors carry "
        "it into whatever is built on them.",
        element(
            "figure",
            element("h3", "Occupations between “he” and “she”"),
            element(
                "div", element("span", "← he"), element("span", "she →"), class_="ends", aria_hidden="true"
            ),
            element("ul", *rows, class_="diverging"),
            element(
                "figcaption",
                f"Projection on the direction in which {found.pairs} pairs such as she and he differ, "
                f"positive towards she. It takes {percent(own)} of their differences, the next direction "
                f"{percent(next_)}.",
            ),
            class_="chart wide",
        ),
        association_tests(tests) if tests else "",
    )


def association_tests(tests: Sequence[Score]) -> Html:
    """The effect sizes of WEAT as a table."""
    rows = [
        (
            test.section or test.file,
            signed(test.value),
            f"{test.figures['p']:.2g}" if "p" in test.figures else "",
            str(test.scored) if test.scored is not None else "",
        )
        for test in tests
    ]
    numbers = ("effect size", "p-value", "words")
    return joined(
        element("h3", "Word-embedding association tests"),
        element("div", table(("test", *numbers), rows, numbers), class_="narrow"),
        note(
            "Effect sizes lie between −2 and 2; positive, where the first targets go with the "  # noqa: RUF001
            "first attributes (Caliskan et al. 2017)."
        ),
    )
