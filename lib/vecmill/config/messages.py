"""Errors of pydantic as sentences."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

# Characters of a value that a message quotes.
_MOST_QUOTED = 120


class Sources(NamedTuple):
    """Where the keys of a configuration were set.

    file        the configuration file, if there is one
    overridden  the paths of the keys that --set sets
    """

    file: str | None
    overridden: Sequence[Sequence[str]]

    def of(self, location: Sequence[str | int]) -> str:
        """The file or "--set", whichever sets the key at `location`."""
        return "--set" if self.file is None or self._is_overridden(location) else self.file

    def of_all(self, locations: Sequence[Sequence[str]]) -> str:
        """The source of several keys: "FILE and --set" if one of them is from --set and the others not."""
        if self.file is None:
            return "--set"
        if not any(map(self._is_overridden, locations)):
            return self.file
        return "--set" if all(map(self._is_overridden, locations)) else f"{self.file} and --set"

    def _is_overridden(self, location: Sequence[str | int]) -> bool:
        return any(list(path[: len(location)]) == list(location[: len(path)]) for path in self.overridden)


def error_message(source: str, fault: Mapping[str, Any], keys: Mapping[str, Collection[str]]) -> str:
    """An error of pydantic as "file: section.key must be ..., got ...".

    source  the file, or "--set"
    keys    the keys of each section, for a suggestion
    """
    name = shorten_quote(".".join(str(part) for part in fault["loc"]))
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
    return f"{source}: {name} must be {requirement}, got {quote(got)}"


def quote(value: Any) -> str:
    """A value as Python has it, without its middle if it is long."""
    try:
        return shorten_quote(repr(value))
    except ValueError:
        # Python refuses to print whole numbers of more than some thousand digits.
        return "a number of thousands of digits"


def shorten_quote(text: str) -> str:
    """A part of a message that the user wrote, without its middle if it is long."""
    return text if len(text) <= _MOST_QUOTED else f"{text[:80]} […] {text[-20:]}"


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
