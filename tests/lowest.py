"""Pins of the lowest versions that pyproject.toml allows, for `make test-lowest`.

    python tests/lowest.py fast viz test > constraints.txt

prints one `name==version` per line for the dependencies of the package and of these extras. It uses only
Python's own library, because it runs before anything is installed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:>=|==)\s*(?P<version>[0-9][0-9.]*)")


def project() -> dict[str, Any]:
    """The table [project] of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    return table


def pin(requirement: str) -> str:
    """The lowest version that a requirement allows. Raises ValueError if it has no lower bound."""
    bounds = _REQUIREMENT.match(requirement)
    if bounds is None:
        raise ValueError(f"{requirement!r} in pyproject.toml has no lower bound, such as >=1.0")
    return f"{bounds['name']}=={bounds['version']}"


def pins(extras: Iterable[str]) -> list[str]:
    """One pin per dependency of the package and of these extras."""
    table = project()
    requirements = [*table["dependencies"]]
    for extra in extras:
        requirements += table["optional-dependencies"][extra]
    # Two extras may have the same requirement.
    return list(dict.fromkeys(map(pin, requirements)))


def lowest_python() -> str:
    """The lowest version of Python that the package runs on."""
    return str(project()["requires-python"]).removeprefix(">=")


if __name__ == "__main__":
    running = "{}.{}".format(*sys.version_info)
    if running != lowest_python():
        # The lowest versions have no wheels for later versions of Python.
        sys.exit(f"this needs Python {lowest_python()}, not {running}; give PYTHON=python{lowest_python()}")
    print("\n".join(pins(sys.argv[1:])))
