"""The sections on what the vectors say: map, neighbours, analogies, offsets and bias."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from vecmill.core.measures.offsets import OffsetPlane
from vecmill.report.answers import Analogy, GenderBias, Neighbours, WordMap
from vecmill.report.components import answer_list, bar_style, note, section, shown_word, table_head
from vecmill.report.evaluation import Score
from vecmill.report.markup import Html, element, joined
from vecmill.report.plane_chart import plane_chart
from vecmill.report.scales import percent, signed
from vecmill.vectors.word_vectors import Answers

ANALOGY_WORDS = 6


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


def _legend(typical: Sequence[Sequence[str]]) -> Html:
    """The colours of the map: the words that are most typical of each group."""
    if not typical:
        return Html("")
    items = (
        element(
            "li",
            *(joined(", " if n else "", shown_word(word)) for n, word in enumerate(words)),
            style=f"--group:var(--group-{group})",
        )
        for group, words in enumerate(typical)
    )
    return element(
        "div",
        element("h3", "Colours"),
        element("ol", *items, class_="groups"),
        note("Groups found by k-means in all dimensions, and words in their midst."),
        class_="colours",
    )


def map_data(shown: WordMap) -> dict[str, Any]:
    """The map for report.js: coordinates in thousandths, cosines in hundredths, nearest flat."""
    return {
        "words": shown.words,
        "counts": shown.counts,
        "points": [round(float(value) * 1000) for point in shown.layout.points for value in point],
        "groups": shown.groups,
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
        says = (
            f"{len(paths)} families, such as {examples}. The mean cosine between their offsets, in all "
            f"dimensions, is {signed(plane.alignment)}; with partners exchanged it is "
            f"{signed(plane.by_chance)}."
        )
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
    """Words along the gender direction, and the association tests where there are any."""
    own, next_ = found.explained
    occupations = element(
        "figure",
        element("h3", "Occupations between “he” and “she”"),
        element(
            "div", element("span", "← he"), element("span", "she →"), class_="ends", aria_hidden="true"
        ),
        _diverging(found.occupations),
        element(
            "figcaption",
            f"Projection on the direction in which {found.pairs} pairs such as she and he differ, "
            f"positive towards she. It takes {percent(own)} of their differences, the next direction "
            f"{percent(next_)}.",
        ),
        class_="chart",
    )
    return section(
        "bias",
        "Bias",
        "What the corpus associates with whom, and not how the world is or should be. Vectors carry "
        "it into whatever is built on them.",
        element("div", occupations, element("div", *_furthest(found)), class_="charts"),
        association_tests(tests) if tests else "",
    )


def _diverging(scored: Answers) -> Html:
    """Bars to the left for what is below 0 and to the right for what is above."""
    furthest = max(abs(projection) for _, projection in scored) or 1.0
    rows = (
        element("li", shown_word(word), _two_sided(projection / furthest), _number(projection))
        for word, projection in scored
    )
    return element("ul", *rows, class_="diverging")


def _two_sided(share: float) -> Html:
    return element("span", element("span", class_="bar", style=bar_style(share)), class_="track two-sided")


def _number(value: float) -> Html:
    return element("span", signed(value), class_="number")


def _furthest(found: GenderBias) -> Iterator[Html]:
    """The words at both ends of the direction, and what answers the best known biased analogy."""
    yield element("h3", "All words, furthest to either side")
    sides = ((f"towards {name}", some) for name, some in (("she", found.female), ("he", found.male)))
    yield element(
        "div",
        *(
            element(
                "div",
                element("p", title, class_="quiet"),
                element(
                    "ol",
                    *(element("li", shown_word(word), _number(value)) for word, value in some),
                    class_="answers",
                ),
            )
            for title, some in sides
        ),
        class_="sides",
    )
    yield note(f"Of the {found.among:,} most frequent words.")
    if found.analogy is not None:
        (a, x, b), answers = found.analogy
        yield element("h3", f"{a} is to {x} as {b} is to …", class_="later")
        yield element(
            "p",
            *(
                joined(
                    " · " if n else "", shown_word(word), element("span", f" {score:.2f}", class_="quiet")
                )
                for n, (word, score) in enumerate(answers[:ANALOGY_WORDS])
            )
            if answers
            else ("Nothing lies near enough.",),
            class_="listed",
        )
        yield note(
            f"Of words at most 1 away from {x}, those whose difference from it points most nearly as "
            f"{b} does from {a} (Bolukbasi et al. 2016); cosines near 0 say that there is no such word."
        )


def association_tests(tests: Sequence[Score]) -> Html:
    """The effect sizes of WEAT as bars."""
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
            element("td", signed(test.value), class_="number"),
            element("td", _p_value(test.figures.get("p")), class_="quiet"),
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
            "Effect sizes lie between −2 and 2; positive, where the first targets go with the "  # noqa: RUF001
            "first attributes and the second with the second (Caliskan et al. 2017)."
        ),
    )


def _p_value(value: float | None) -> str:
    if value is None:
        return ""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"
