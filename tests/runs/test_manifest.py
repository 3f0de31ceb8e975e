"""run.json and metrics.jsonl."""

from __future__ import annotations

import json

import pytest

from vecmill.errors import InputError
from vecmill.runs.manifest import Manifest, read_metrics, write_metrics


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
    }


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"stages": []}', "null"])
def test_a_file_that_is_not_the_record_of_a_run_is_refused(files, tmp_path, content):
    (tmp_path / "run.json").write_text(content)

    with pytest.raises(InputError, match=r"run\.json is not the record of a run .*output\.path"):
        Manifest(files)


def test_metrics_are_read_as_they_were_written(files, tmp_path):
    lines = [{"round": 1, "loss": 0.5, "held_out_loss": None}, {"round": 2, "loss": 0.25}]
    assert read_metrics(files) == []

    write_metrics(files, lines)

    assert read_metrics(files) == lines
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2
