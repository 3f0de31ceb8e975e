"""Elements that the sections of the page share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from vecmill.report.markup import Html, element, shown_word

Row = Sequence[str]


def section(id_: str, title: str, lead: str, *content: str) -> Html:
    """A section with its heading and an introduction."""
    return element(
        "section",
        element("h2", title, id=f"{id_}-title"),
        element("p", lead, class_="lead") if lead else "",
        *content,
        id=id_,
        aria_labelledby=f"{id_}-title",
    )


def table(
    heads: Row, rows: Iterable[Row], numbers: Collection[str] = (), class_: str | None = None
) -> Html:
    """A table whose first column names the rows; columns with a heading in `numbers` are right-aligned.

    It scrolls horizontally on a narrow page.
    """
    body = (
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(
                element("td", cell, class_="number" if head in numbers else None)
                for head, cell in zip(heads[1:], row[1:], strict=True)
            ),
        )
        for row in rows
    )
    whole = element("table", table_head(heads, numbers), element("tbody", *body), class_=class_)
    return element("div", whole, class_="scroll")


def table_head(heads: Row, numbers: Collection[str] = ()) -> Html:
    """The headings of a table; those in `numbers` are right-aligned."""
    cells = (
        element("th", head, scope="col", class_="number" if head in numbers else None) for head in heads
    )
    return element("thead", element("tr", *cells))


def answer_list(answers: Sequence[tuple[str, float]], expected: str | None = None) -> Html:
    """Words with their cosines as bars and numbers; the `expected` word is marked."""
    items = (
        element(
            "li",
            word_element(word),
            element("span", "✓", class_="right", title="as expected") if word == expected else "",
            element("span", element("span", class_="bar", style=bar_style(max(cosine, 0))), class_="track"),
            element("span", f"{cosine:.2f}", class_="number"),
        )
        for word, cosine in answers
    )
    return element("ol", *items, class_="answers")


def word_element(word: str) -> Html:
    """A word of the vocabulary; report.js makes it a link to the map."""
    shown = shown_word(word)
    return element("bdi", shown, class_="word", data_word=shown)


def bar_style(share: float) -> str:
    """The length of a bar for style.css, as a share of its track; a negative bar points left."""
    return f"--share:{share:.3f}"


def folded(summary: str, content: Html) -> Html:
    """Content that is hidden until the reader opens it."""
    return element("details", element("summary", summary), content)


def note(text: str) -> Html:
    """A remark in small print, or nothing if `text` is empty."""
    return element("p", text, class_="note") if text else Html("")
