"""HTML that cannot forget to escape: text is escaped wherever it is not `Html` already."""

from __future__ import annotations

import html
import json
from typing import Any

VOID = {"br", "col", "input", "meta"}

# A script ends at "</script" and changes its meaning at "<!--", whatever a string in it says.
_UNSAFE_IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


class Html(str):
    """Text that is HTML and stands as it is."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """`text` as it must stand between tags or in a quoted attribute."""
    return text if isinstance(text, Html) else Html(html.escape(text))


def element(name: str, *content: str, **attributes: str | float | bool | None) -> Html:
    """An element of HTML or SVG with its content and attributes, everything escaped.

    `class_` stands for class and `data_tip` for data-tip. An attribute that is None or False is left
    out, one that is True has no value.
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
    """Pieces of content one after the other, each escaped unless it is HTML."""
    return Html("".join(escaped(piece) for piece in content))


def json_for_script(value: Any) -> Html:
    """`value` as JSON that can stand in a script element: no word in it can end the script."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Html(text.translate(_UNSAFE_IN_SCRIPT))
