"""What `tests.bench.simulate` measures without Spark is what Spark trains."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench import corpus
from tests.bench.strategies import Setting, train
from tests.end_to_end.conftest import STRATA_PER_ROUND, Finished, forget, metrics
from vecmill.storage import checkpoints
from vecmill.storage.stores import open_store
from vecmill.training.blocked import driver


@pytest.fixture
def finished_adasum(vecmill, finished: Finished, tmp_path) -> Finished:
    """Three shards, with a warm-up of one slice."""
    folder = tmp_path / "adasum"
    settings = finished.copied_to(folder)
    settings |= {"train.shards": 3, "train.merge": "adasum", "train.warm_up": 1}
    forget(folder, "pairs", "train", "export")
    outcome = vecmill("run", settings=settings)
    assert outcome.code == 0, outcome.output
    return Finished(folder, settings, outcome)


@pytest.mark.parametrize(
    ("run", "strategy", "merge", "shards", "warm_up"),
    [
        ("finished", "averaging", "mean", 2, 0),
        ("finished_adasum", "averaging", "adasum", 3, 1),
        ("finished_blocked", "blocked", "", 3, 0),
    ],
)
def test_a_simulated_training_has_the_bytes_of_a_real_one(
    request, monkeypatch, run, strategy, merge, shards, warm_up
):
    folder = request.getfixturevalue(run).folder
    monkeypatch.setattr(driver, "STRATA_PER_ROUND", STRATA_PER_ROUND)
    setting = Setting(
        strategy, merge, shards, slices=2, rate=0.1, seed=1, epochs=2, dim=16, warm_up=warm_up
    )

    simulated = train(corpus.read_run(folder), setting)

    rounds = metrics(folder)
    real = checkpoints.read(open_store(str(folder)), rounds[-1]["round"]).parameters
    assert real.keys() == simulated.tables.keys()
    for name, table in real.items():
        np.testing.assert_array_equal(simulated.tables[name], table)
    assert simulated.held_out_loss == pytest.approx(rounds[-1]["held_out_loss"], rel=1e-9)
    assert simulated.bytes_moved == sum(round_["bytes_moved"] for round_ in rounds)
