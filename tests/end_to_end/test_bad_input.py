"""Faults of input and configuration: the exit code, and the message on the last line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import SMALL, manifest, overrides
from vecmill.runs.lease import hold
from vecmill.storage.local_files import LocalFiles


@pytest.fixture
def settings(small_corpus: Path, tmp_path: Path):
    return {**SMALL, "input.path": small_corpus, "output.path": tmp_path / "out"}


def test_a_missing_path(vecmill, settings, tmp_path):
    settings["input.path"] = tmp_path / "nowhere.txt"

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert outcome.last_line == (
        f"vecmill: input.path: {tmp_path}/nowhere.txt does not exist; "
        "name a file, a folder or a glob that does"
    )


@pytest.mark.parametrize("text", ["", "\n\n", "... !!! ???\n"])
def test_an_empty_corpus(vecmill, settings, tmp_path, text):
    (tmp_path / "empty.txt").write_text(text)
    settings["input.path"] = tmp_path / "empty.txt"

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert f"{tmp_path}/empty.txt holds no token" in outcome.last_line
    assert not (tmp_path / "out" / "tokens").exists()


def test_an_empty_folder(vecmill, settings, tmp_path):
    (tmp_path / "folder").mkdir()
    settings["input.path"] = tmp_path / "folder"

    outcome = vecmill("run", settings=settings)

    assert (outcome.code, outcome.last_line) == (
        3,
        f"vecmill: input.path: {tmp_path}/folder holds no file to read",
    )


def test_a_column_that_json_does_not_have(vecmill, settings, tmp_path):
    (tmp_path / "docs.json").write_text('{"body": "a b", "title": "t"}\n' * 3)
    settings |= {"input.path": tmp_path / "docs.json", "input.format": "json"}

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert "has no column text; its columns are: body, title" in outcome.last_line


def test_a_column_of_another_type(vecmill, spark, settings, tmp_path):
    spark.createDataFrame([(1, "a")], "number int, text string").write.parquet(str(tmp_path / "table"))
    settings |= {"input.path": tmp_path / "table", "input.format": "parquet", "input.column": "number"}

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert "input.column: number in" in outcome.last_line
    assert "must be string, got int" in outcome.last_line


def test_a_file_that_is_not_of_its_format(vecmill, settings, tmp_path):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and then something else")
    settings |= {"input.path": tmp_path / "broken.parquet", "input.format": "parquet"}

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert "broken.parquet" in outcome.last_line
    assert "Traceback" not in outcome.output


def test_a_compressed_file_that_is_cut_short(vecmill, settings, tmp_path):
    (tmp_path / "text.gz").write_bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03 not deflate at all")
    settings["input.path"] = tmp_path / "text.gz"

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert "the input cannot be read" in outcome.last_line
    assert "Traceback" not in outcome.output


def test_a_min_count_that_leaves_no_word(vecmill, settings):
    settings["vocabulary.min_count"] = 100_000

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert "vocabulary.min_count = 100000 leaves no word: the most frequent, " in outcome.last_line


def test_a_corpus_of_single_words_gives_nothing_to_train_on(vecmill, settings, tmp_path):
    (tmp_path / "words.txt").write_text("one\ntwo\nthree\n")
    settings["input.path"] = tmp_path / "words.txt"

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert "no document has two words of the vocabulary" in outcome.last_line


def test_a_pattern_that_is_not_a_regular_expression(vecmill, settings):
    settings["tokenizer.pattern"] = "'(['"

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 2
    assert "tokenizer.pattern must be a Java regular expression, got '(['" in outcome.last_line


def test_a_tokenizer_function_that_does_not_exist(vecmill, settings):
    settings |= {"tokenizer.kind": "python", "tokenizer.pattern": "'json:no_such_function'"}

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 2
    assert "tokenizer.pattern: json:no_such_function cannot be imported" in outcome.last_line


def test_an_output_that_cannot_be_created(vecmill, settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    settings["output.path"] = tmp_path / "file" / "out"

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 2
    assert outcome.last_line.startswith(f"vecmill: output.path: cannot write to {tmp_path}/file/out")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser can write to any folder")
def test_an_output_that_is_read_only(vecmill, settings, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o555)
    settings["output.path"] = tmp_path / "locked" / "out"

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 2
    assert outcome.last_line.startswith("vecmill: output.path: cannot write to")


def test_an_output_that_is_full(vecmill, counted, tmp_path):
    # No file may become larger than 200 kB, as if the disk were full. The pairs of one shard would.
    settings = counted.copied_to(tmp_path / "out") | {"train.dim": 16, "train.epochs": 1}
    command = f"ulimit -f 200; exec {sys.executable} -m vecmill run {' '.join(overrides(settings))}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True)

    assert ended.returncode == 1, ended.stderr
    last_line = ended.stderr.strip().splitlines()[-1]
    assert last_line.startswith("vecmill: the output is full (")
    assert last_line.endswith("make room, then run the same command: it resumes from the last round")
    assert not list((tmp_path / "out").rglob("epoch=1"))
    resumed = vecmill("run", settings=settings)
    assert resumed.code == 0, resumed.output


def test_a_first_checkpoint_without_files_is_reported_and_training_starts_anew(vecmill, finished, tmp_path):
    out = tmp_path / "out"
    settings = finished.copied_to(out)
    content = manifest(out)
    content["stages"]["train"].update(state="running", round=1)
    (out / "run.json").write_text(json.dumps(content))
    checkpoint = out / "model" / "round=1"
    checkpoint.mkdir()

    outcome = vecmill("train", settings=settings)

    assert outcome.code == 0, outcome.output
    assert "the checkpoint of round 1 cannot be used; training again from the start" in outcome.output
    assert str(checkpoint) in outcome.output
    assert "resuming after" not in outcome.output


def test_a_stage_alone_names_the_stage_that_it_lacks(vecmill, settings):
    outcome = vecmill("train", settings=settings)

    assert outcome.code == 3
    assert "train needs the stage vocabulary" in outcome.last_line
    assert "run 'vecmill vocabulary' first, or 'vecmill run' for everything" in outcome.last_line


def test_an_output_that_another_run_holds(vecmill, settings, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with hold(LocalFiles(str(out), out)):
        outcome = vecmill("run", settings=settings)
        left = sorted(path.name for path in out.iterdir())

    assert outcome.code == 5
    assert f"another run holds {out} (process {os.getpid()} on" in outcome.last_line
    assert left == [".lock", ".lock.1"]


def test_an_unknown_word_is_answered_with_close_spellings(vecmill, finished):
    folder = {"output.path": finished.folder}
    outcome = vecmill("neighbors", "THE", settings=folder)
    analogy = vecmill("analogy", "a0", "a1", "a", "-n", "2", settings=folder)

    assert outcome.code == 3
    assert "'THE' is not among the" in outcome.last_line
    assert "the closest spellings are: the" in outcome.last_line
    assert analogy.code == 0
    assert len(analogy.output.strip().splitlines()) == 3


def test_a_run_that_does_not_exist_has_no_neighbors(vecmill, tmp_path):
    outcome = vecmill("neighbors", "king", settings={"output.path": tmp_path / "none"})

    assert outcome.code == 3
    assert "does not exist; run 'vecmill run' first" in outcome.last_line


def test_all_faults_of_a_configuration_are_reported_before_spark_starts(vecmill, tmp_path, monkeypatch):
    monkeypatch.setattr("vecmill.spark.session.build", lambda *_: pytest.fail("Spark was started"))

    outcome = vecmill(
        "run",
        settings={"output.path": tmp_path, "train.dimension": 3, "train.epochs": 0, "pairs.window": "'x'"},
    )

    assert outcome.code == 2
    assert "train.dimension is not a key" in outcome.output
    assert "train.epochs must be a number >= 1, got 0" in outcome.output
    assert "pairs.window must be a whole number, got 'x'" in outcome.output


def test_a_run_json_that_is_not_a_record_is_not_overwritten(vecmill, settings, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text("[]")

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 3
    assert "is not the record of a run" in outcome.last_line
    assert (tmp_path / "out" / "run.json").read_text() == "[]"


def test_odd_lines_are_counted_and_not_fatal(vecmill, settings, tmp_path):
    lines = b"good words here\n\n\xff\xfe broken bytes\n" + b"long " * 50_000 + b"\n"
    (tmp_path / "odd.txt").write_bytes(lines * 3)
    settings["input.path"] = tmp_path / "odd.txt"

    outcome = vecmill("tokenize", settings=settings)

    assert outcome.code == 0
    counts = manifest(tmp_path / "out")["stages"]["tokenize"]
    assert (counts["documents"], counts["empty_documents"], counts["invalid_utf8"]) == (12, 3, 3)
