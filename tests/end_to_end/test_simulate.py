"""What `tests.bench.simulate` measures without Spark is what Spark trains."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.bench import corpus
from tests.bench.strategies import Setting, train
from tests.end_to_end.conftest import SMALL
from vecmill.storage import checkpoints
from vecmill.training.blocked import driver


@pytest.mark.parametrize(
    ("strategy", "merge", "shards", "warm_up"),
    [("averaging", "mean", 2, 0), ("averaging", "adasum", 3, 1), ("blocked", "", 3, 0)],
)
def test_a_simulated_training_has_the_bytes_of_a_real_one(
    vecmill, small_corpus, tmp_path, monkeypatch, strategy, merge, shards, warm_up
):
    # Fewer than a pass has, so that one takes more rounds than one.
    monkeypatch.setattr(driver, "STRATA_A_ROUND", 2)
    settings = {
        **SMALL,
        "train.epochs": 1,
        "train.strategy": strategy,
        "train.shards": shards,
        "input.path": small_corpus,
        "output.path": tmp_path,
    }
    if merge:
        settings |= {"train.merge": merge, "train.warm_up": warm_up}
    assert vecmill("run", settings=settings).code == 0
    setting = Setting(
        strategy, merge, shards, slices=2, rate=0.1, seed=1, epochs=1, dim=16, warm_up=warm_up
    )

    simulated = train(corpus.read_run(tmp_path), setting)

    last = max((tmp_path / "model").iterdir(), key=lambda round_: int(round_.name.partition("=")[2]))
    real = checkpoints.assemble(pq.read_table(last)).parameters
    assert real.keys() == simulated.tables.keys()
    for name, table in real.items():
        np.testing.assert_array_equal(simulated.tables[name], table)
    rounds = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert simulated.held_out_loss == pytest.approx(rounds[-1]["held_out_loss"], rel=1e-9)
    assert simulated.bytes_moved == sum(round_["bytes_moved"] for round_ in rounds)
