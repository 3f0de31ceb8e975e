"""Every key of the configuration with its default and description: for --help and for a TOML file.

conf/local.toml is generated:

    .venv/bin/python -m vecmill.config.reference > conf/local.toml
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic.fields import FieldInfo

from vecmill.config import Config, ModelSection
from vecmill.models import MODELS

_WIDTH = 108
_KEY_WIDTH = 30

Values = Mapping[str, Any]

LOCAL_HEADER = """\
Settings for text on one machine:

  vecmill run --config conf/local.toml --spark-conf conf/spark/local.conf \\
      --set input.path=corpus.txt --set output.path=runs/corpus

A line that begins with # shows the default of a key, or an example if the key has none; remove the # to
set it. This file is generated from the descriptions in lib/vecmill/config/sections.py:

  .venv/bin/python -m vecmill.config.reference > conf/local.toml
"""
LOCAL_VALUES = {"train.learning_rate": 0.05, "output.path": "runs/local"}


class Key(NamedTuple):
    """One key of a section; `default` is None if it has none, `example` is None if it has a default."""

    name: str
    default: Any
    example: Any
    description: str


def keys_of(fields: Mapping[str, FieldInfo]) -> list[Key]:
    """The keys of a section. An empty string, list or table means that there is no default."""
    keys = []
    for name, field in fields.items():
        default = field.get_default(call_default_factory=True) if not field.is_required() else None
        no_default = default is None or default in ("", [], {})
        example = (field.examples or [None])[0]
        keys.append(Key(name, None if no_default else default, example, field.description or ""))
    return keys


def as_help() -> str:
    """All keys, one section after another, for a terminal of 100 columns."""
    lines = ["keys of the configuration (--config and --set) with their defaults:"]
    for name, section in Config.sections().items():
        lines += ["", f"[{name}] {_summary(section)}"]
        keys = keys_of(section.model_fields)
        for key in keys:
            assignment = f"{key.name} = {format_toml(key.default)}" if key.default is not None else key.name
            lines += _columns(f"  {assignment}", key.description, 100)
        if section is ModelSection:
            for kind in MODELS:
                own = keys_of(ModelSection.of_kind(kind).model_fields)[len(keys) :]
                for key in own:
                    assignment = f"  {key.name} = {format_toml(key.default)}"
                    lines += _columns(assignment, f"{kind}: {key.description}", 100)
    return "\n".join(lines) + "\n"


def as_toml(header: str, values: Values) -> str:
    """A TOML file with all sections and keys.

    It sets the keys of `values`, named "section.key", and comments out all others. [model] has the keys of
    its kind.
    """
    lines = [f"# {line}".rstrip() for line in header.splitlines()]
    for name, section in Config.sections().items():
        fields = section.model_fields
        if section is ModelSection:
            kind = values.get("model.kind", fields["kind"].default)
            fields = ModelSection.of_kind(kind).model_fields
        lines += ["", f"[{name}]  # {_summary(section)}"]
        for key in keys_of(fields):
            full_name = f"{name}.{key.name}"
            value = values.get(full_name, key.example if key.default is None else key.default)
            assignment = f"{key.name} = {format_toml(value)}"
            lines += _columns(
                assignment if full_name in values else f"# {assignment}",
                key.description,
                _WIDTH,
                mark="# ",
            )
    return "\n".join(lines) + "\n"


def format_toml(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:_}" if value >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:g}".replace("e-0", "e-")
    if isinstance(value, list):
        return f"[{', '.join(map(format_toml, value))}]"
    if isinstance(value, dict):
        items = (f"{_toml_key(name)} = {format_toml(item)}" for name, item in value.items())
        return f"{{ {', '.join(items)} }}"
    return f"'{value}'" if "\\" in value or '"' in value else f'"{value}"'


def _toml_key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else f'"{name}"'


def _summary(section: type) -> str:
    """The first line of the section's docstring."""
    return (section.__doc__ or "").splitlines()[0]


def _columns(left: str, right: str, width: int, mark: str = "") -> Iterator[str]:
    """`right` wrapped beside `left`, or below it if `left` is too long; `mark` before every line of it."""
    wrapped = [mark + line for line in textwrap.wrap(right, width - _KEY_WIDTH - len(mark))]
    if len(left) >= _KEY_WIDTH:
        yield left
    else:
        yield f"{left:<{_KEY_WIDTH}}{wrapped.pop(0)}"
    yield from (f"{'':<{_KEY_WIDTH}}{line}" for line in wrapped)


if __name__ == "__main__":
    print(as_toml(LOCAL_HEADER, LOCAL_VALUES), end="")
