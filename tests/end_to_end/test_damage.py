"""Damage to a run's tables and records is found by name, before other numbers come of it."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Settings, assert_same_vectors, forget, manifest


def largest_file(folder: Path) -> Path:
    return max(folder.rglob("*.parquet"), key=lambda path: path.stat().st_size)


def flip_a_bit(folder: Path) -> Path:
    """Flip a bit in the middle half of the largest file; the file."""
    path = largest_file(folder)
    content = bytearray(path.read_bytes())
    place = random.Random(str(folder.name)).randrange(len(content) // 4, len(content) * 3 // 4)
    content[place] ^= 1
    path.write_bytes(content)
    return path


def lose(folder: Path) -> Path:
    path = largest_file(folder)
    path.unlink()
    return path


@pytest.mark.parametrize(
    ("table", "rerun", "damage"),
    [
        ("vocabulary", ("pairs", "train", "export"), flip_a_bit),
        ("vocabulary", ("pairs", "train", "export"), lose),
        ("texts", ("pairs", "train", "export"), flip_a_bit),
        ("texts", ("pairs", "train", "export"), lose),
        ("pairs/epoch=2", ("train", "export"), flip_a_bit),
        ("pairs/epoch=2", ("train", "export"), lose),
        ("model/round=4", ("export",), lose),
    ],
)
def test_a_damaged_table_is_named_and_ends_the_run_with_3(
    vecmill, finished, tmp_path, damage, table, rerun
):
    settings = finished.copied_to(tmp_path / "out")
    forget(tmp_path / "out", *rerun)
    file = damage(tmp_path / "out" / table)

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert file.name in outcome.last_line
    assert "is damaged" in outcome.last_line
    assert f"delete {tmp_path}/out/{table} and run the same command again" in outcome.last_line
    assert "Traceback" not in outcome.output


@pytest.mark.parametrize("eighth", range(1, 8))
def test_a_flipped_bit_of_a_checkpoint_is_named_or_lies_where_no_vector_does(
    vecmill, finished, tmp_path, eighth
):
    settings = finished.copied_to(tmp_path / "out")
    forget(tmp_path / "out", "export")
    path = largest_file(tmp_path / "out" / "model/round=4")
    content = bytearray(path.read_bytes())
    content[len(content) * eighth // 8] ^= 1
    path.write_bytes(content)

    outcome = vecmill("run", settings=settings)

    if outcome.code:
        assert outcome.code == 3
        assert f"{tmp_path}/out/model/round=4 and run the same command again" in outcome.last_line
    else:
        assert_same_vectors(finished.folder, tmp_path / "out")


def test_a_damaged_table_is_rebuilt_once_it_is_deleted(vecmill, finished, tmp_path):
    settings = finished.copied_to(tmp_path / "out")
    forget(tmp_path / "out", "train", "export")
    flip_a_bit(tmp_path / "out" / "pairs/epoch=2")
    shutil.rmtree(tmp_path / "out" / "pairs/epoch=2")

    assert vecmill("run", settings=settings).code == 0

    assert_same_vectors(finished.folder, tmp_path / "out")


def interrupt_training(out: Path) -> None:
    """Make the record say that training was stopped after its last round."""
    forget(out, "export")
    content = manifest(out)
    content["stages"]["train"]["state"] = "running"
    (out / "run.json").write_text(json.dumps(content))


def replace_by_the_one_before(folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("round=3"), folder)


@pytest.mark.parametrize("damage", [flip_a_bit, lose, replace_by_the_one_before, shutil.rmtree])
def test_a_damaged_last_checkpoint_falls_back_to_the_one_before_and_says_so(
    vecmill, finished, tmp_path, damage
):
    settings = finished.copied_to(tmp_path / "out")
    interrupt_training(tmp_path / "out")
    damage(tmp_path / "out/model/round=4")

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 0, outcome.output
    if damage is not shutil.rmtree:
        assert "the checkpoint of round 4 cannot be used; training again after round 3" in outcome.output
    assert_same_vectors(finished.folder, tmp_path / "out")


def test_two_damaged_checkpoints_end_the_run_with_3(vecmill, finished, tmp_path):
    settings = finished.copied_to(tmp_path / "out")
    interrupt_training(tmp_path / "out")
    for number in (3, 4):
        flip_a_bit(tmp_path / f"out/model/round={number}")

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert "model/round=4" in outcome.last_line


def with_stage(content: dict[str, Any], **values: Any) -> dict[str, Any]:
    content["stages"]["train"].update(values)
    return content


@pytest.mark.parametrize(
    "change",
    [
        lambda content: "nonsense",
        lambda content: "[]",
        lambda content: "null",
        lambda content: "{" * 100_000,
        lambda content: json.dumps({**content, "stages": []}),
        lambda content: json.dumps({**content, "stages": {"train": None}}),
        lambda content: json.dumps({**content, "format": 99}),
        lambda content: json.dumps({**content, "format": "x" * 10_000}),
        lambda content: json.dumps({**content, "tables": {"tokens": 1}}),
        lambda content: json.dumps(with_stage(content, round="four")),
        lambda content: json.dumps(with_stage(content, round=True)),
        lambda content: json.dumps(with_stage(content, key=None)),
        lambda content: json.dumps(with_stage(content, state=["done"])),
    ],
)
def test_a_damaged_record_of_a_run_is_one_sentence(
    vecmill, finished, tmp_path, change: Callable[[dict[str, Any]], str]
):
    settings: Settings = finished.copied_to(tmp_path / "out")
    (tmp_path / "out/run.json").write_text(change(manifest(tmp_path / "out")))

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert len([line for line in outcome.output.splitlines() if line.startswith("vecmill: ")]) == 1
    assert "run.json" in outcome.last_line
    assert len(outcome.last_line) < 600


@pytest.mark.parametrize("line", ["nonsense", "null", '{"round": "x"}', "[1]", '{"round": 1}'])
def test_a_damaged_line_of_the_metrics_is_named(vecmill, finished, tmp_path, line):
    settings = finished.copied_to(tmp_path / "out")
    interrupt_training(tmp_path / "out")
    (tmp_path / "out/metrics.jsonl").write_text(f"{line}\n")

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert "metrics.jsonl, line 1: expected the record of a round" in outcome.last_line
