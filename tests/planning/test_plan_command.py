"""`vecmill plan` estimates a corpus, or takes what the run has counted, and writes nothing."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from vecmill.commands.plan import plan
from vecmill.config import Config
from vecmill.pipeline import PIPELINE, OutsideInput
from vecmill.runs.manifest import Manifest
from vecmill.spark import session
from vecmill.storage.hadoop_files import list_input
from vecmill.storage.stores import open_store


def test_a_plan_is_made_from_the_text_alone_or_from_counts_and_writes_nothing(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "build", lambda properties: spark)
    monkeypatch.setattr(SparkSession, "stop", lambda self: None)
    text, output = tmp_path / "text.txt", tmp_path / "out"
    text.write_text("one two three four\n" * 1000)
    overrides = [f"input.path={text}", f"output.path={output}", "train.dim=10"]
    arguments = Namespace(config=None, overrides=overrides, spark_conf=None)

    estimated = plan(arguments)

    assert "ESTIMATE" in estimated
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

    counted = plan(arguments)

    assert "ESTIMATE" not in counted
    assert "25.0% of tokens are kept" in counted
    assert "80.0% in the vocabulary" in counted
    assert sorted(output.rglob("*")) == before
