"""HTML with automatic escaping: text is escaped unless it is `Html` already."""

from __future__ import annotations

import html
import json
from typing import Any

VOID = {"br", "col", "input", "meta"}

# "</script" ends a script and "<!--" changes its meaning, also within a string.
_UNSAFE_IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


class Html(str):
    """Text that is HTML and is not escaped again."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """`text`, escaped for the content of an element or a quoted attribute."""
    return text if isinstance(text, Html) else Html(html.escape(text))


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
