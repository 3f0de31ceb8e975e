"""HTML with automatic escaping: text is escaped unless it is `Html` already."""

from __future__ import annotations

import html
import json
from typing import Any

# Letters of a word that are shown, and of any other text.
MOST_WORD, MOST_TEXT = 80, 2000

VOID = {"br", "col", "input", "meta"}

# "</script" ends a script and "<!--" changes its meaning, also within a string.
_UNSAFE_IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


class Html(str):
    """Text that is HTML and is not escaped again."""

    __slots__ = ()


def shown_word(word: str) -> str:
    """A word of the vocabulary as the page shows it: words of a megabyte are cut."""
    return _cut(word, MOST_WORD)


def escaped(text: str) -> Html:
    """`text`, escaped for the content of an element or a quoted attribute, and cut if it is very long.

    Halves of surrogate pairs, which JSON can express and UTF-8 cannot, become question marks.
    """
    if isinstance(text, Html):
        return text
    return Html(html.escape(_cut(text, MOST_TEXT).encode(errors="replace").decode()))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def element(name: str, *content: str, **attributes: str | float | bool | None) -> Html:
    """An element of HTML or SVG, with its content and attributes escaped.

    `class_` becomes class, and `data_tip` becomes data-tip. Attributes that are None or False are left
    out; one that is True has no value.
    """
    parts = [name]
    for key, value in attributes.items():
        plain = key.removesuffix("_").replace("_", "-")
        if value is True:
            parts.append(plain)
        elif value is not None and value is not False:
            parts.append(f'{plain}="{escaped(str(value))}"')
    start = f"<{' '.join(parts)}>"
    return Html(start if name in VOID else f"{start}{joined(*content)}</{name}>")


def joined(*content: str) -> Html:
    """Pieces of content joined, each escaped unless it is Html."""
    return Html("".join(escaped(piece) for piece in content))


def json_for_script(value: Any) -> Html:
    """`value` as JSON for a script element; no string in it can end the script."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Html(text.translate(_UNSAFE_IN_SCRIPT))
