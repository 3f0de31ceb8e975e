"""CONTRIBUTING.md names only what exists."""

from __future__ import annotations

import ast
import pkgutil
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.test_architecture import ALLOWED_BELOW, MOST_IMPORTS, MOST_LINES
from vecmill.config import Config

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "lib" / "vecmill"
TEXT = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part.partition("\n")[2] for part in TEXT.split("\n## ")[1:]}
FENCE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Code in running text, each once. A recipe writes NAME for a name that the reader chooses.
SPANS = sorted(set(re.findall(r"`([^`\n]+)`", FENCE.sub("", TEXT))))


@cache
def names_in_code() -> frozenset[str]:
    """Every module, identifier and string in the package and in the tests of kernels."""
    found: set[str] = set()
    for path in (*PACKAGE.rglob("*.py"), *(PROJECT / "tests" / "core" / "kernels").glob("*.py")):
        found.add(path.stem)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for attribute in ("name", "id", "attr", "arg"):
                value = getattr(node, attribute, None)
                found |= {value} if isinstance(value, str) else set()
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return frozenset(found)


def has_path(path: str) -> bool:
    """Whether it exists in the project, in the package, or in a room of it."""
    pattern = path.rstrip("/").replace("NAME", "*")
    return any(PROJECT.glob(pattern)) or any(PACKAGE.rglob(pattern))


def has_name(name: str) -> bool:
    if "NAME" in name:
        pattern = re.compile(name.replace("NAME", r"\w+"))
        return any(pattern.fullmatch(known) for known in names_in_code())
    return name in names_in_code()


def can_resolve(name: str) -> bool:
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def has_command(words: list[str]) -> bool:
    if words[0] == "make":
        makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
        return words[1:] == [] or re.search(rf"^{words[1]}:", makefile, re.MULTILINE) is not None
    if words[0] == "vecmill":
        return words[1] in ("--help", *names_in_code())
    module, tests = words[words.index("-m") + 1], [word for word in words if word.startswith("tests/")]
    return find_spec(module) is not None and all(map(has_path, tests))


def exists(span: str) -> bool:
    words = span.split()
    if words[0] in ("make", "vecmill", ".venv/bin/python"):
        return has_command(words)
    if key := re.fullmatch(r"(\w+)\.(\w+)( = .*)?", span):
        keys = Config.keys()
        if key[1] in keys:
            return key[2] in keys[key[1]]
    if re.fullmatch(r"vecmill(\.\w+)+", span):
        return can_resolve(span)
    if section := re.fullmatch(r"\[(\w+)\]", span):
        return section[1] in Config.sections()
    if "/" in span or has_path(span):
        return has_path(span)
    if span.endswith(".json") or span.startswith("-"):
        return span in names_in_code()
    return all(map(has_name, re.findall(r"[A-Za-z_]\w*", span)))


@pytest.mark.parametrize("span", SPANS)
def test_every_name_in_the_text_exists(span: str) -> None:
    assert span in (".venv", "section.key") or exists(span)


def test_a_name_that_does_not_exist_is_noticed() -> None:
    for span in (
        "tests/core/missing.py",
        "no_such_function(tables)",
        "train.no_such_key",
        "vecmill.core.no_such_module",
        "make no-such-target",
        "vecmill no-such-command",
        ".venv/bin/python -m vecmill.no_such_module",
        "pipeline/no_such_folder/NAME.py",
        "no_such_prefix_NAME(path)",
    ):
        assert not exists(span), span


def glossary() -> list[tuple[str, str]]:
    """Each term with the module that it belongs to."""
    cells = (line.strip("| ").split(" | ") for line in SECTIONS["Glossary"].splitlines() if "`" in line)
    return [(row[0], row[-1].strip("`")) for row in cells]


@pytest.mark.parametrize(("term", "module"), glossary())
def test_every_term_of_the_glossary_occurs_in_its_module(term: str, module: str) -> None:
    source = (PACKAGE / module).read_text(encoding="utf-8").lower()

    # As a word or within a name, in the singular or in the plural.
    assert re.search(rf"(?<![a-z]){term[:-1]}", source)


def test_a_term_of_the_glossary_has_one_line() -> None:
    terms = [term for term, _ in glossary()]

    assert len(terms) == len(set(terms)) >= 20


def test_a_room_imports_only_rooms_to_its_left() -> None:
    order = re.findall(r"\w+", FENCE.findall(SECTIONS["Rooms"])[0])
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

    assert set(order) == {*ALLOWED_BELOW, "commands", "cli"} >= folders
    for room, below in ALLOWED_BELOW.items():
        assert all(order.index(other) < order.index(room) for other in below), room


def test_the_limits_of_a_module_are_those_of_the_architecture_test() -> None:
    text = " ".join(SECTIONS["Rooms"].split())

    assert f"at most {MOST_LINES} lines and imports at most {MOST_IMPORTS} modules" in text


@pytest.mark.parametrize("title", [title for title in SECTIONS if title.startswith("How to")])
def test_a_recipe_has_at_most_twenty_lines(title: str) -> None:
    assert len([line for line in SECTIONS[title].splitlines() if line]) <= 20


def test_the_set_up_is_two_commands() -> None:
    commands = FENCE.findall(SECTIONS["Set-up"])[0].splitlines()

    assert [command.split(" ")[0] for command in commands] == ["make", ".venv/bin/pip"]
    assert has_command(commands[0].split())
