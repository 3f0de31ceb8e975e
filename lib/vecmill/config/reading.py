"""From TOML and from "section.key=value" to plain dictionaries."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vecmill.errors import ConfigError


def read_toml(path: str) -> dict[str, Any]:
    """The content of a TOML file. Raises ConfigError if it cannot be read or is not TOML."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError([f"--config: {path} does not exist"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"--config: cannot read {path}: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from None


def apply_override(content: dict[str, Any], text: str) -> Iterator[str]:
    """Put "section.key=value" into `content`. A value that is not valid TOML is a plain string."""
    name, equals, value = text.partition("=")
    parts = name.strip().split(".")
    if not equals or len(parts) < 2 or not all(parts):
        yield f"--set {text}: must have the form section.key=value"
        return
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    section: Any = content
    for part in parts[:-1]:
        section = section.setdefault(part, {})
        if not isinstance(section, dict):
            yield f"--set {text}: {part} is a value, not a section"
            return
    section[parts[-1]] = parsed
