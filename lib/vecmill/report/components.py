"""What the sections of the page are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from vecmill.report.markup import Html, element

Row = Sequence[str]


def section(id_: str, title: str, lead: str, *content: str) -> Html:
    """A section with its heading and a sentence or two on how to read it."""
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
    """A table whose first column names its rows, the columns headed by one of `numbers` to the right.

    It scrolls by itself where the page is narrow.
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
    """The headings of a table, those of `numbers` to the right."""
    cells = (
        element("th", head, scope="col", class_="number" if head in numbers else None) for head in heads
    )
    return element("thead", element("tr", *cells))


def answer_list(answers: Sequence[tuple[str, float]], expected: str | None = None) -> Html:
    """Words with their cosines as bars and numbers, the `expected` one marked."""
    items = (
        element(
            "li",
            shown_word(word),
            element("span", "✓", class_="right", title="as expected") if word == expected else "",
            element("span", element("span", class_="bar", style=bar_style(max(cosine, 0))), class_="track"),
            element("span", f"{cosine:.2f}", class_="number"),
        )
        for word, cosine in answers
    )
    return element("ol", *items, class_="answers")


def shown_word(word: str) -> Html:
    """A word of the vocabulary; where there is a map, report.js makes it lead there."""
    return element("bdi", word, class_="word", data_word=word)


def bar_style(share: float) -> str:
    """The length of a bar for style.css, in shares of its track; below 0, to the left."""
    return f"--share:{share:.3f}"


def folded(summary: str, content: Html) -> Html:
    """Content that is there for those who open it."""
    return element("details", element("summary", summary), content)


def note(text: str) -> Html:
    """A remark in small print; nothing where there is none."""
    return element("p", text, class_="note") if text else Html("")
