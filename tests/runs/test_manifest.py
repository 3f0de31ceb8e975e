"""run.json and metrics.jsonl."""

from __future__ import annotations

import json

import pytest

from vecmill.errors import InputError
from vecmill.runs.manifest import FORMAT, Manifest, read_metrics, write_metrics


def test_a_new_manifest_has_no_stage(files):
    manifest = Manifest(files)

    assert manifest.stage("tokenize") == {}
    assert not manifest.is_done("tokenize", "key")


def test_a_stage_is_done_once_it_finished_and_only_under_its_key(files):
    manifest = Manifest(files)

    manifest.begin("tokenize", "key")
    assert not Manifest(files).is_done("tokenize", "key")
    manifest.finish("tokenize", 1.2345, {"tokens": 7})

    reread = Manifest(files)
    assert reread.is_done("tokenize", "key")
    assert not reread.is_done("tokenize", "other key")
    assert not reread.is_done("vocabulary", "key")
    record = reread.stage("tokenize")
    assert (record["tokens"], record["seconds"], record["key"]) == (7, 1.23, "key")


def test_beginning_again_under_the_same_key_keeps_the_record(files):
    manifest = Manifest(files)
    manifest.begin("train", "key")
    manifest.update("train", round=3)

    assert manifest.begin("train", "key") == {"key": "key", "round": 3, "state": "running"}


def test_beginning_under_another_key_drops_the_record(files):
    manifest = Manifest(files)
    manifest.begin("train", "key")
    manifest.update("train", round=3)

    assert manifest.begin("train", "other key") == {"key": "other key", "state": "running"}
    assert Manifest(files).stage("train") == {"key": "other key", "state": "running"}


def test_beginning_afresh_drops_the_record_of_the_same_key(files):
    manifest = Manifest(files)
    manifest.begin("train", "key")
    manifest.update("train", round=3)

    assert manifest.begin("train", "key", afresh=True) == {"key": "key", "state": "running"}


def test_the_record_of_a_stage_is_a_copy(files):
    manifest = Manifest(files)
    manifest.begin("train", "key")

    manifest.stage("train")["state"] = "done"

    assert manifest.stage("train")["state"] == "running"


def test_the_manifest_is_json_that_people_can_read(files, tmp_path):
    manifest = Manifest(files)
    manifest.content["configuration"] = {"input": {"path": "/korpus/größe"}}
    manifest.save()

    text = (tmp_path / "run.json").read_text(encoding="utf-8")
    assert '  "configuration": {\n' in text
    assert "größe" in text
    assert json.loads(text) == {
        "stages": {},
        "configuration": {"input": {"path": "/korpus/größe"}},
        "format": FORMAT,
    }


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is not the record of a run"),
        ("{}", "it is not the record of a run"),
        ('{"stages": []}', "it is not the record of a run"),
        ("null", "it is not the record of a run"),
        ("[" * 100_000, "it is not JSON"),
        ('{"stages": {}, "tables": {"texts": 1}}', "tables must name the digest of each table"),
        ('{"stages": {"train": 1}}', "stages.train must be a table, got int"),
        ('{"stages": {"train": {"round": null}}}', "stages.train.round cannot be null"),
        ('{"stages": {"train": {"round": true}}}', "stages.train.round cannot be true"),
        ('{"stages": {"texts": {"words_of": [[1, "a"]]}}}', "stages.texts.words_of cannot be"),
    ],
)
def test_a_damaged_record_of_a_run_is_refused(files, tmp_path, content, fault):
    (tmp_path / "run.json").write_text(content)

    with pytest.raises(InputError, match=r"run\.json is damaged: .*; restore run\.json") as raised:
        Manifest(files)
    assert fault in str(raised.value)


@pytest.mark.parametrize("version", [FORMAT + 1, '"x"', 10**30])
def test_a_run_of_a_newer_version_is_refused(files, tmp_path, version):
    (tmp_path / "run.json").write_text(f'{{"stages": {{}}, "format": {version}}}')

    with pytest.raises(InputError, match=r"this version of vecmill knows only formats up to"):
        Manifest(files)


def test_a_missing_value_of_a_stage_is_reported_with_its_place(files):
    manifest = Manifest(files)
    manifest.begin("train", "key")

    with pytest.raises(InputError, match=r"run\.json: stages\.train is damaged: round is missing"):
        manifest.stage("train")["round"]


def test_metrics_are_read_as_they_were_written(files, tmp_path):
    lines = [
        {"round": 1, "pairs": 7, "loss": 0.5, "held_out_loss": None},
        {"round": 2, "pairs": 8, "loss": 0.25},
    ]
    assert read_metrics(files) == []

    write_metrics(files, lines)

    assert read_metrics(files) == lines
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("line", ["{", "[]", "null", "{}", '{"round": 1}', '{"round": "1", "pairs": 1}'])
def test_a_damaged_line_of_metrics_is_named(files, tmp_path, line):
    (tmp_path / "metrics.jsonl").write_text('{"round": 1, "pairs": 7}\n' + line + "\n")

    with pytest.raises(InputError, match=r"metrics\.jsonl, line 2: expected the record of a round, got"):
        read_metrics(files)
