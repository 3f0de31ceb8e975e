"""Oracles against finite differences and against formulas that are written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.core.kernels.batches import BucketSizes, make_bucket, make_rows, random_rows, random_tables
from tests.core.kernels.oracles import ORACLES
from tests.core.kernels.sgns_oracle import loss
from vecmill import models
from vecmill.core.buckets import Bucket
from vecmill.models import MODELS, Size


def test_every_model_has_an_oracle():
    assert {oracle.kind for oracle in ORACLES.values()} == set(MODELS)


@pytest.mark.parametrize("name", ORACLES)
def test_oracles_cover_every_library_of_their_model(name):
    oracle = ORACLES[name]
    model = models.build(oracle.kind, oracle.options)

    assert set(oracle.update) == set(model.kernels)
    assert set(oracle.update_bucket) == set(model.bucket_kernels)


def batches_of(oracle, seed):
    """Rows of six words, and a bucket if the model can train buckets."""
    yield random_rows(seed, vocabulary_size=6, n_rows=6)
    if oracle.update_bucket:
        yield make_bucket(BucketSizes(seed, n_words=6, n_contexts=6, n_pairs=20, n_noisy=5))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ORACLES)
def test_gradients_equal_finite_differences(name, seed):
    oracle, step = ORACLES[name], 1e-6
    model = models.build(oracle.kind, oracle.options)
    tables = random_tables(model.tables(Size(words=6, dim=3)), seed)
    tables = {key: table.astype(np.float64) for key, table in tables.items()}

    for batch in batches_of(oracle, seed):

        def loss_after(table, index, change, batch=batch):
            changed = {**tables, table: tables[table].copy()}
            changed[table][index] += change
            return oracle.loss(changed, batch)

        for table, gradient in oracle.gradients(tables, batch).items():
            slopes = np.zeros_like(gradient)
            for index in np.ndindex(gradient.shape):
                rise = loss_after(table, index, step) - loss_after(table, index, -step)
                slopes[index] = rise / (2 * step)
            np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-7)


def test_the_sgns_loss_of_one_pair_is_the_formula_written_out():
    tables = {"W": [[0.0, 0.0], [1.0, 2.0]], "C": [[3.0, 0.5], [0.25, -1.0]]}
    rows = make_rows([0], [[1]], [[1]])

    positive = math.log(1 / (1 + math.exp(-4.0)))  # c . w = 3 + 1
    negative = math.log(1 / (1 + math.exp(-1.75)))  # -n . w = -(0.25 - 2)
    assert loss(tables, rows) == pytest.approx(-(positive + negative), rel=1e-12)


def test_the_sgns_loss_of_one_step_of_a_bucket_is_the_formula_written_out():
    tables = {"W": [[0.5], [2.0]], "C": [[1.0], [-3.0]]}
    zero, one = np.array([0], np.int32), np.array([1], np.int32)
    bucket = Bucket(words=one, contexts=zero, noisy=zero, noise=np.array([[0, 1, 1, 1, 1, 1]], np.int32))

    pair = math.log(1 / (1 + math.exp(-2.0)))  # c . w = 1 * 2
    noise = math.log(1 / (1 + math.exp(0.5))) + 5 * math.log(1 / (1 + math.exp(-1.5)))  # -n . w
    assert loss(tables, bucket) == pytest.approx(-(pair + noise), rel=1e-12)
