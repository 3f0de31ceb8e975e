"""The configurations that come along."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecmill.config import Config
from vecmill.spark import session

CONF = Path(__file__).parents[1] / "conf"


@pytest.mark.parametrize("name", ["local", "cluster", "demo"])
def test_a_configuration_that_comes_along_is_valid(name: str) -> None:
    assert Config.load(str(CONF / f"{name}.toml"), ["input.path=corpus"]).output.path


def test_the_local_configuration_mentions_every_key() -> None:
    sections = (CONF / "local.toml").read_text().split("\n[")[1:]
    mentioned = {
        f"{section.split(']')[0]}.{line.removeprefix('# ').split(' =')[0]}"
        for section in sections
        for line in section.splitlines()[1:]
        if " =" in line
    }

    assert {
        f"{section}.{key}"
        for section, field in Config.model_fields.items()
        for key in field.annotation.model_fields  # type: ignore[union-attr]
    } <= mentioned


@pytest.mark.parametrize("name", ["local", "cluster"])
def test_spark_settings_that_come_along_are_read_and_each_is_explained(name: str) -> None:
    path = CONF / "spark" / f"{name}.conf"

    assert "spark.driver.memory" in session.read_properties(str(path))
    for block in path.read_text().strip().split("\n\n"):
        assert block.startswith("#")
