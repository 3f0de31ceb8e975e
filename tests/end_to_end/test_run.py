"""The whole pipeline in one session: quality, what a run writes, and what runs again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from pyspark.sql import SparkSession

from tests.end_to_end import planted
from tests.end_to_end.conftest import (
    SMALL,
    STRATEGIES,
    Command,
    Finished,
    Settings,
    assert_same_vectors,
    forget,
    manifest,
    metrics,
)
from vecmill.vectors.word_vectors import read_run

STAGES = ["tokenize", "vocabulary", "plan", "texts", "pairs", "train", "export"]


def stages_run(vecmill: Command, settings: Settings) -> list[str]:
    """Run the pipeline; the stages whose records it wrote anew, all of which are then done."""
    file = Path(settings["output.path"]) / "run.json"
    content = json.loads(file.read_text())
    # Times in the manifest are whole seconds, and a run may take less.
    for record in content["stages"].values():
        record["finished"] = "before"
    file.write_text(json.dumps(content))

    outcome = vecmill("run", settings=settings)

    assert outcome.code == 0, outcome.output
    records = manifest(file.parent)["stages"]
    assert {record["state"] for record in records.values()} == {"done"}
    ran = [name for name in STAGES if records[name]["finished"] != "before"]
    unchanged = [name for name in STAGES if f"{name:<10} unchanged, not run again" in outcome.output]
    assert sorted([*ran, *unchanged]) == sorted(STAGES)
    return ran


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_planted_corpus_gives_the_planted_neighbours(vecmill, counted, tmp_path, seed):
    settings = counted.copied_to(tmp_path / "out") | {
        "train.dim": 24,
        "train.epochs": 8,
        "train.learning_rate": 0.1,
        "train.seed": seed,
    }
    outcome = vecmill("run", settings=settings)

    assert outcome.code == 0, outcome.output
    vectors = read_run(str(tmp_path / "out"))
    # With each of these seeds it is 1.0; by chance 0.07.
    assert planted.neighbour_precision(vectors.similar) > 0.9


@pytest.mark.parametrize("strategy", ["adasum", "blocked"])
def test_a_planted_corpus_gives_the_planted_neighbours_with_three_shards(
    vecmill, counted, tmp_path, strategy
):
    settings = counted.copied_to(tmp_path / "out") | {
        "train.dim": 24,
        "train.epochs": 4,
        "train.learning_rate": 0.2,
        "train.shards": 3,
        "train.slices": 2,
        **STRATEGIES[strategy],
    }
    outcome = vecmill("run", settings=settings)

    assert outcome.code == 0, outcome.output
    vectors = read_run(str(tmp_path / "out"))
    # It is 1.0; by chance 0.07.
    assert planted.neighbour_precision(vectors.similar) > 0.9


def test_a_run_leaves_what_the_readme_promises(vecmill: Command, finished: Finished, tmp_path: Path):
    out, outcome = finished.folder, finished.outcome

    assert outcome.code == 0, outcome.output
    record = manifest(out)
    assert {name: stage["state"] for name, stage in record["stages"].items()} == dict.fromkeys(
        STAGES, "done"
    )
    assert record["configuration"]["train"]["dim"] == 16
    assert record["input"]["files"] == 1
    assert record["stages"]["tokenize"]["documents"] == 150
    assert record["stages"]["tokenize"]["tokens"] == 150 * 16
    lines = metrics(out)
    assert [(line["epoch"], line["slice"]) for line in lines] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert sum(line["words"] for line in lines) == 2 * record["stages"]["texts"]["words"]
    assert sum(line["pairs"] for line in lines) == record["stages"]["train"]["pairs"]
    assert all("rows" not in line for line in lines)
    assert all(line["loss"] > 0 and line["held_out_loss"] > 0 for line in lines)
    assert lines[-1]["learning_rate"] == pytest.approx(2.5e-6)
    assert lines[-1]["held_out_loss"] < lines[0]["held_out_loss"]
    assert len(list((out / "pairs").rglob("*.parquet"))) == 2 * 2 * 2
    assert sorted(path.name for path in (out / "model").iterdir()) == ["round=3", "round=4"]
    assert outcome.output.count(" round ") == 4
    page = tmp_path / "report.html"
    assert vecmill("report", str(page), settings={"output.path": out}).code == 0
    assert "held-out" in page.read_text().lower()
    assert not (out / ".staging").exists()
    assert json.loads((out / ".lock.1").read_text())["released"] is True


def test_gensim_loads_the_exports_and_finds_the_same_vectors(finished):
    out = finished.folder
    ours = read_run(str(out))

    for name, binary in (("vectors.txt", False), ("vectors.bin", True)):
        theirs = KeyedVectors.load_word2vec_format(out / "exports" / name, binary=binary)
        assert theirs.index_to_key == ours.words
        np.testing.assert_array_equal(theirs.vectors, ours.vectors)


def test_only_what_depends_on_a_changed_setting_runs_again(vecmill, finished, tmp_path):
    out = tmp_path / "out"
    settings = finished.copied_to(out)
    first_epoch = out / "pairs" / "epoch=1"

    assert stages_run(vecmill, settings) == []
    slower = {**settings, "train.learning_rate": 0.05}
    assert stages_run(vecmill, slower) == ["train", "export"]
    assert not np.array_equal(read_run(str(out)).vectors, read_run(str(finished.folder)).vectors)
    written = first_epoch.stat().st_mtime_ns
    longer = {**slower, "train.epochs": 3}
    assert stages_run(vecmill, longer) == ["plan", "pairs", "train", "export"]
    assert first_epoch.stat().st_mtime_ns == written, "pairs that exist are not drawn again"
    assert (out / "pairs" / "epoch=3").exists()
    others = {**settings, "pairs.window": 2, "pairs.subsample": 0.1, "vocabulary.min_count": 2}
    assert stages_run(vecmill, others) == STAGES[1:]
    assert first_epoch.stat().st_mtime_ns != written

    # Whatever was computed in between, the settings alone determine the result.
    assert stages_run(vecmill, settings) == STAGES[1:]
    assert_same_vectors(finished.folder, out)


def test_a_deleted_table_is_rebuilt_once_a_stage_reads_it(vecmill, finished, tmp_path):
    out = tmp_path / "out"
    settings = finished.copied_to(out)
    before = (out / "exports" / "vectors.txt").read_bytes()

    for table in ("tokens", "texts", "pairs/epoch=1"):
        shutil.rmtree(out / table)
    assert stages_run(vecmill, settings) == []
    refused = vecmill("pairs", settings=settings)
    assert refused.code == 3
    assert "needs the stage tokenize in" in refused.last_line
    shutil.rmtree(out / "exports")
    assert stages_run(vecmill, settings) == ["export"]
    shutil.rmtree(out / "model")
    shutil.rmtree(out / "vectors")
    assert stages_run(vecmill, settings) == ["tokenize", "texts", "pairs", "train", "export"]
    assert (out / "exports" / "vectors.txt").read_bytes() == before


def test_new_text_makes_everything_stale(vecmill, tmp_path):
    corpus = planted.write_corpus(tmp_path / "text.txt", texts=60)
    settings = {**SMALL, "input.path": corpus, "output.path": tmp_path / "out"}
    assert vecmill("run", settings=settings).code == 0
    before = manifest(tmp_path / "out")["stages"]

    with corpus.open("a") as file:
        file.write("a0 b0 c0 d0\n")

    assert stages_run(vecmill, settings) == STAGES
    after = manifest(tmp_path / "out")["stages"]
    assert after["tokenize"]["documents"] == before["tokenize"]["documents"] + 1
    assert all(after[name]["key"] != before[name]["key"] for name in STAGES)


def test_pairs_drawn_while_training_give_the_same_bytes_as_written_ones(vecmill, finished, tmp_path):
    out = tmp_path / "drawn"
    settings = finished.copied_to(out) | {"pairs.materialize": "false"}
    forget(out, "pairs", "train", "export")
    drawn = vecmill("run", settings=settings)

    assert drawn.code == 0, drawn.output
    assert not (out / "pairs").exists()
    assert_same_vectors(finished.folder, out)


def test_stages_one_by_one_give_the_same_bytes_however_spark_partitions_its_work(
    vecmill, spark: SparkSession, finished, small_corpus, tmp_path
):
    settings = {**SMALL, "input.path": small_corpus, "output.path": tmp_path / "out"}
    changed = {
        "spark.sql.files.maxPartitionBytes": "2000",
        "spark.sql.shuffle.partitions": "5",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "7",
    }
    before = {key: spark.conf.get(key) for key in changed}
    try:
        for key, value in changed.items():
            spark.conf.set(key, value)
        for command in ("tokenize", "vocabulary", "pairs", "train", "export"):
            outcome = vecmill(command, settings=settings)
            assert outcome.code == 0, outcome.output
    finally:
        for key, value in before.items():
            spark.conf.set(key, value)

    assert_same_vectors(finished.folder, tmp_path / "out")


def test_the_pipeline_runs_on_a_file_system_that_is_not_the_local_one(
    vecmill, spark: SparkSession, finished, small_corpus, tmp_path
):
    (tmp_path / "mounted").mkdir()
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    hadoop.set("fs.viewfs.mounttable.vecmill.link./data", (tmp_path / "mounted").as_uri())
    (tmp_path / "mounted" / "corpus.txt").write_bytes(small_corpus.read_bytes())
    remote = {
        **SMALL,
        "input.path": "viewfs://vecmill/data/corpus.txt",
        "output.path": "viewfs://vecmill/data/out",
    }

    outcome = vecmill("run", settings=remote)

    assert outcome.code == 0, outcome.output
    assert_same_vectors(finished.folder, tmp_path / "mounted" / "out")
    exported = (tmp_path / "mounted" / "out" / "exports").glob("[!.]*")
    expected = (finished.folder / "exports").iterdir()
    assert {path.name for path in exported} == {path.name for path in expected}
    neighbours = vecmill("neighbors", "a0", "-n", "3", settings={"output.path": remote["output.path"]})
    assert neighbours.code == 0
    assert len(neighbours.output.strip().splitlines()) == 4


def test_pairs_can_be_shown_with_their_words(vecmill, finished):
    outcome = vecmill("pairs", "--show", "20", settings=finished.settings)

    assert outcome.code == 0, outcome.output
    shown = outcome.output.strip().splitlines()

    assert shown[0].split() == ["w", "c", "label"]
    assert len(shown) == 21
    assert {line.split()[2] for line in shown[1:]} == {"+", "-"}
