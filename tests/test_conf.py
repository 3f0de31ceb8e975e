"""The configuration files in conf/ are valid, and conf/local.toml explains every key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from vecmill.config import Config, ModelSection
from vecmill.config.reference import LOCAL_HEADER, LOCAL_VALUES, as_help, as_toml, keys_of
from vecmill.models import MODELS, ModelKind, Option
from vecmill.spark import session

CONF = Path(__file__).parents[1] / "conf"
KEYS = [(section, key) for section, keys in Config.keys().items() for key in keys]


@pytest.mark.parametrize("name", ["local", "cluster", "demo"])
def test_a_configuration_in_conf_is_valid(name: str) -> None:
    assert Config.load(str(CONF / f"{name}.toml"), ["input.path=corpus"]).output.path


def test_the_local_configuration_contains_every_key() -> None:
    sections = (CONF / "local.toml").read_text().split("\n[")[1:]
    contained = {
        f"{section.split(']')[0]}.{line.removeprefix('# ').split(' =')[0]}"
        for section in sections
        for line in section.splitlines()[1:]
        if " =" in line
    }

    assert {f"{section}.{key}" for section, key in KEYS} <= contained


def test_the_local_configuration_is_generated_from_the_descriptions() -> None:
    generated = as_toml(LOCAL_HEADER, LOCAL_VALUES)

    assert (CONF / "local.toml").read_text() == generated, (
        "run: .venv/bin/python -m vecmill.config.reference > conf/local.toml"
    )


def test_every_default_and_example_of_the_local_configuration_is_valid(tmp_path: Path) -> None:
    text = (CONF / "local.toml").read_text()
    file = tmp_path / "all.toml"
    file.write_text(re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE))

    config = Config.load(str(file))

    content = tomllib.loads(file.read_text())
    assert [(section, key) for section in content for key in content[section]] == KEYS
    for section, key in KEYS:
        field = Config.sections()[section].model_fields[key]
        value, default = (
            getattr(getattr(config, section), key),
            field.get_default(call_default_factory=True),
        )
        set_here = f"{section}.{key}" in LOCAL_VALUES
        assert set_here or value == (field.examples[0] if field.examples else default)


def test_the_local_configuration_leaves_the_keys_that_a_strategy_chooses_unset() -> None:
    for strategy in ("auto", "blocked", "averaging"):
        overrides = ["input.path=corpus", f"train.strategy={strategy}"]
        assert Config.load(str(CONF / "local.toml"), overrides).train.strategy == strategy


def test_every_key_has_a_description_and_a_default_or_an_example() -> None:
    for section in Config.sections().values():
        for key in keys_of(section.model_fields):
            assert len(key.description) > 20, key
            assert key.name == "path" or (key.default is None) != (key.example is None), key


def test_help_and_toml_have_every_description() -> None:
    words = [re.sub(r"[\s#]+", " ", text) for text in (as_help(), as_toml("", {"output.path": "a"}))]

    for section, key in KEYS:
        description = Config.sections()[section].model_fields[key].description or ""
        for text in words:
            assert re.sub(r"[\s#]+", " ", description) in text, key


def test_help_and_toml_have_the_keys_that_a_model_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"mean": Option(bool, True, "divide by the window")}
    monkeypatch.setitem(MODELS, "toy", ModelKind("a toy", build=dict, options=options))

    assert re.search(r"\n  mean = true +toy: divide by the window\n", as_help())
    assert '\nkind = "toy" ' in as_toml("", {"model.kind": "toy", "output.path": "a"})
    assert re.search(r"\n# mean = true +# divide", as_toml("", {"model.kind": "toy", "output.path": "a"}))
    assert "mean = true" not in as_toml("", {"output.path": "a"})
    assert list(ModelSection.model_fields) == ["kind"]


@pytest.mark.parametrize("name", ["local", "cluster"])
def test_spark_settings_in_conf_are_valid_and_each_has_an_explanation(name: str) -> None:
    path = CONF / "spark" / f"{name}.conf"

    assert "spark.driver.memory" in session.read_properties(str(path))
    for block in path.read_text().strip().split("\n\n"):
        assert block.startswith("#")
