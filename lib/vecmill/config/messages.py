"""Errors of pydantic as sentences."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any


def error_message(source: str, fault: Mapping[str, Any], keys: Mapping[str, Collection[str]]) -> str:
    """An error of pydantic as "file: section.key must be ..., got ...".

    source  the file, or "--set"
    keys    the keys of each section, for a suggestion
    """
    name = ".".join(str(part) for part in fault["loc"])
    kind, context, got = fault["type"], fault.get("ctx", {}), fault["input"]
    if kind == "extra_forbidden":
        return f"{source}: {name} is not a key{_suggestion(fault['loc'], keys)}"
    if kind == "missing":
        return f"{source}: {name} must be set"
    expected = {
        "greater_than_equal": "a number >= {ge}",
        "greater_than": "a number > {gt}",
        "less_than_equal": "a number <= {le}",
        "less_than": "a number < {lt}",
        "literal_error": "one of {expected}",
        "int_type": "a whole number",
        "float_type": "a number",
        "finite_number": "a finite number",
        "bool_type": "true or false",
        "string_type": "a string",
        "string_too_short": "a string that is not empty",
        "list_type": "a list of strings",
        "dict_type": "a table",
        "model_type": "a section",
        "model_attributes_type": "a section",
    }.get(kind)
    requirement = expected.format(**context) if expected else fault["msg"]
    return f"{source}: {name} must be {requirement}, got {got!r}"


def _suggestion(location: tuple[str | int, ...], keys: Mapping[str, Collection[str]]) -> str:
    """The end of "... is not a key": the most similar key of this or another section, or all keys."""
    section, name = str(location[0]), str(location[-1])
    own = keys.get(section, ())
    for close in difflib.get_close_matches(name, own, 1):
        return f"; did you mean {section}.{close}?"
    others = {key: f"{other}.{key}" for other, names in keys.items() for key in names}
    others |= {other: other for other in keys}
    for close in difflib.get_close_matches(name, others, 1):
        return f"; did you mean {others[close]}?"
    if own:
        return f"; the keys of {section} are: {', '.join(own)}"
    return f"; the sections are: {', '.join(keys)}"
