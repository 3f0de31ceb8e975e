"""From TOML and from "section.key=value" to plain dictionaries."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from vecmill.config.messages import shorten_quote
from vecmill.errors import ConfigError

# What names a key: the section, the key, and in a key that holds a table the key of that table.
KeyPath = tuple[str, ...]

# The type of a key, or None if there is no such key.
TypeOf = Callable[[str, str], Any]


def read_toml(path: str) -> dict[str, Any]:
    """The content of a TOML file. Raises ConfigError if it cannot be read or is not TOML."""
    try:
        # Editors of Windows begin a file with a byte order mark.
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError([f"--config: {path} does not exist"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"--config: cannot read {path}: it is not UTF-8; save it as UTF-8"]) from None
    except OSError as error:
        raise ConfigError([f"--config: cannot read {path}: {error.strerror or error}"]) from None
    except (ValueError, RecursionError) as error:
        # Not only TOMLDecodeError: a number may have too many digits, and lists may be nested too deeply.
        raise ConfigError([f"{path}: not valid TOML: {shorten_quote(str(error))}"]) from None


def parse_override(text: str, type_of: TypeOf) -> tuple[KeyPath, Any]:
    """The key and the value of "section.key=value".

    A key that takes a string takes the text as it is, without quotes around it. The value of another key is
    TOML, or a number as Python has it (".05"); what is neither stays a string, and the check of the key
    reports it. Everything after the key of a table is one key of that table: "evaluate.floors.a.tsv".

    Raises ConfigError if the text has another form.
    """
    name, equals, value = text.partition("=")
    parts = _split_name(name)
    if not equals or len(parts) < 2 or not all(parts):
        raise ConfigError([f"--set {shorten_quote(text)}: must have the form section.key=value"])
    section, key, *rest = parts
    expected = type_of(section, key)
    origin: Any = get_origin(expected)
    if rest and origin is dict:
        return (section, key, ".".join(rest)), _parse(value.strip(), get_args(expected)[1])
    return tuple(parts), _parse(value.strip(), expected)


def put(content: dict[str, Any], path: KeyPath, value: Any) -> None:
    """Set a key of `content`. Raises ConfigError if a part of its path is a value and not a table."""
    table: Any = content
    for part in path[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, Mapping):
            name = shorten_quote(".".join(path))
            raise ConfigError([f"--set {name}: {shorten_quote(part)} is a value, not a section"])
    table[path[-1]] = value


def _split_name(name: str) -> list[str]:
    """The parts of a dotted name, which may be quoted as in TOML."""
    if '"' not in name and "'" not in name:
        return name.strip().split(".")
    parts: list[str] = []
    found = _load_value(name)
    while isinstance(found, dict) and len(found) == 1:
        [(part, found)] = found.items()
        parts.append(part)
    return parts


def _load_value(name: str) -> Any:
    try:
        return tomllib.loads(f"{name} = 0")
    except (ValueError, RecursionError):
        return None


def _parse(value: str, expected: Any) -> Any:
    accepted = _accepted(expected)
    parsed = _parse_toml(value)
    if str in accepted:
        if isinstance(parsed, str):
            return parsed
        is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        return value[1:-1] if is_quoted else value
    if parsed is not None:
        return parsed
    for number in accepted & {int, float}:
        try:
            return number(value)
        except ValueError:
            continue
    return value.lower() == "true" if bool in accepted and value in ("True", "False") else value


def _parse_toml(value: str) -> Any:
    """The value as TOML has it; None if it is not TOML."""
    try:
        content = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return None
    return content["value"] if len(content) == 1 else None


def _accepted(expected: Any) -> set[type]:
    """The types of which a value may be, such as {str} for `str | None` and for a choice of strings."""
    origin, arguments = get_origin(expected), get_args(expected)
    if origin is Literal:
        return set(map(type, arguments))
    if origin is Annotated:
        return _accepted(arguments[0])
    if origin in (Union, UnionType):
        return set().union(*map(_accepted, arguments))
    return {origin or expected} - {NoneType}
