"""`vecmill plan` estimates a corpus, or takes what the run has counted, and writes nothing."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from vecmill.commands.plan import plan, run
from vecmill.config import Config
from vecmill.formatting import GIB
from vecmill.pipeline import PIPELINE, OutsideInput
from vecmill.planning import resources, sample_text
from vecmill.runs.manifest import Manifest
from vecmill.spark import session
from vecmill.storage.input_files import list_input
from vecmill.storage.stores import open_store


@pytest.fixture(autouse=True)
def _in_the_session_of_the_tests(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "build", lambda properties: spark)
    monkeypatch.setattr(SparkSession, "stop", lambda self: None)


@pytest.mark.parametrize(
    ("available", "total", "code", "sentence"),
    [
        (GIB, 1 << 50, 1, "other processes hold the rest; try again when they have ended"),
        (GIB, 2 * GIB, 2, "memory of this machine: "),
        (1 << 50, 1 << 50, 0, "Everything that was checked fits."),
    ],
)
def test_the_exit_code_says_whether_the_machine_could_ever_do_it(
    tmp_path, monkeypatch, capsys, available, total, code, sentence
):
    monkeypatch.setattr(resources, "available_memory", lambda: available)
    monkeypatch.setattr(resources, "total_memory", lambda: total)
    (tmp_path / "text.txt").write_text("one two three four\n" * 1000)
    overrides = [f"input.path={tmp_path}/text.txt", f"output.path={tmp_path}/out"]

    found = run(Namespace(config=None, overrides=overrides, spark_conf=None))

    assert found == code
    assert sentence in capsys.readouterr().out


def test_the_words_that_are_counted_are_within_the_range_of_the_estimate(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    words = rng.zipf(1.4, 300_000) % 1_000_000
    (tmp_path / "text.txt").write_text("\n".join(map(str, words)))
    monkeypatch.setattr(sample_text, "SAMPLE_BYTES", 100_000)
    paths = [f"input.path={tmp_path}/text.txt", f"output.path={tmp_path}/out"]
    overrides = [*paths, "vocabulary.min_count=1"]

    text, _ = plan(Namespace(config=None, overrides=overrides, spark_conf=None))

    limits = re.search(r"^vocabulary +[\d,]+ +([\d,]+) to ([\d,]+); ", text, re.MULTILINE)
    assert limits is not None
    low, high = limits.groups()
    assert int(low.replace(",", "")) < len(np.unique(words)) < int(high.replace(",", ""))


def test_a_plan_is_made_from_the_text_alone_or_from_counts_and_writes_nothing(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, output = tmp_path / "text.txt", tmp_path / "out"
    text.write_text("one two three four\n" * 1000)
    overrides = [f"input.path={text}", f"output.path={output}", "train.dim=10"]
    arguments = Namespace(config=None, overrides=overrides, spark_conf=None)
    monkeypatch.setattr(sample_text, "SAMPLE_BYTES", 4000)
    monkeypatch.setattr(sample_text, "_PLACE_HERE", 100)

    estimated, missing = plan(arguments)

    assert missing == []
    assert "ESTIMATE" in estimated
    assert re.search(r"^tokens +\d,\d{3} +\d,\d{3} to \d,\d{3}; 100.0% in", estimated, re.MULTILINE)
    assert re.search(r"^With \d words: model .*, output .*\.$", estimated, re.MULTILINE)
    assert not output.exists()

    rows = [(i, word, 1000, 0.25, 0.25) for i, word in enumerate(["four", "one", "three", "two"])]
    schema = "id int, word string, count bigint, keep_probability double, noise_probability double"
    store = open_store(str(output), spark)
    vocabulary = spark.createDataFrame(rows, schema)
    store.publish(store.stage_frame(vocabulary, "vocabulary"), "vocabulary")
    manifest = Manifest(store.files)
    outside = OutsideInput(list_input(spark, str(text)))
    resolved = PIPELINE.resolve(Config.load(None, overrides), outside, manifest)
    counts = {"tokenize": {"tokens": 5000}, "vocabulary": {"words": 4, "tokens_covered": 4000}}
    stages = {name: {"key": resolved[name].key, "state": "done", **counts[name]} for name in counts}
    (output / "run.json").write_text(json.dumps({"stages": stages}))
    before = sorted(output.rglob("*"))

    counted, _ = plan(arguments)

    assert "ESTIMATE" not in counted
    assert "25.0% of tokens are kept" in counted
    assert "80.0% in the vocabulary" in counted
    assert sorted(output.rglob("*")) == before
