"""The compiled kernel against the oracle in plain loops, row by row."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.kernels.batches import batches, make_rows, planted_rows, random_batch
from tests.core.kernels.oracle import oracle_update
from vecmill.core.kernels.sgns_numpy import initialise, loss
from vecmill.core.rows import Rows
from vecmill.errors import ShapeError

sgns_compiled = pytest.importorskip("vecmill.core.kernels.sgns_compiled")
update = sgns_compiled.update


def assert_equals_the_oracle(batch):
    W, C, rows, rates = batch
    expected_W, expected_C, expected_loss = oracle_update(W, C, rows, rates, 1)

    total = update(W, C, rows, rates)

    np.testing.assert_allclose(W, expected_W, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(C, expected_C, rtol=1e-5, atol=1e-5)
    assert total == pytest.approx(expected_loss, rel=1e-5, abs=1e-5)


@settings(max_examples=150)
@given(batches())
def test_an_update_equals_the_oracles(batch):
    assert_equals_the_oracle(batch)


@pytest.mark.parametrize("dim", [1, 15, 16, 17, 100, 300])
@pytest.mark.parametrize("n_negatives", [0, 1, 5, 6, 11, 20])
def test_no_dimension_and_no_number_of_negatives_is_odd_for_its_blocks(dim, n_negatives):
    assert_equals_the_oracle(random_batch(7, dim=dim, n_negatives=n_negatives, n_rows=30))


def test_a_window_of_hundreds_of_words_is_one_row():
    W, C, rows, rates = random_batch(8, n_rows=3, longest=900, dim=8)
    assert_equals_the_oracle((W, C, rows, rates / np.float32(100)))


@settings(max_examples=50)
@given(st.floats(-1e5, 1e5, width=32))
def test_any_score_gives_the_oracles_loss_and_finite_tables(score):
    W = np.array([[score], [0.5]], np.float32)
    C = np.array([[1.0], [-1.0]], np.float32)
    rows, rates = make_rows([0], [[0, 1]], [[1]]), np.full(1, 0.025, np.float32)
    *_, expected = oracle_update(W, C, rows, rates, 1)

    assert update(W, C, rows, rates) == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(W).all()
    assert np.isfinite(C).all()


def test_a_loss_that_is_no_number_comes_through():
    W, C, rows, rates = random_batch(9)
    W[rows.words[0]] = np.nan

    assert not math.isfinite(update(W, C, rows, rates))


def test_rows_without_words_change_nothing_and_cost_nothing():
    W, C, _, _ = random_batch(3)
    before = W.copy(), C.copy()
    rows = make_rows([1, 2], [[], []], [[3, 4], [5, 6]])

    assert update(W, C, rows, np.full(2, 0.1, np.float32)) == 0.0
    np.testing.assert_array_equal(W, before[0])
    np.testing.assert_array_equal(C, before[1])


def test_a_batch_may_be_cut_anywhere_and_its_arrays_may_be_read_only():
    W, C, rows, rates = random_batch(1, n_rows=10)
    for array in rows:
        array.flags.writeable = False
    whole_W, whole_C = W.copy(), C.copy()

    whole = update(whole_W, whole_C, rows, rates)
    head = Rows(rows.centers[:4], rows.offsets[:5], rows.words, rows.negatives[:4])
    tail = Rows(rows.centers[4:], rows.offsets[4:], rows.words, rows.negatives[4:])
    parts = [update(W, C, part, r) for part, r in ((head, rates[:4]), (tail, rates[4:]))]

    np.testing.assert_array_equal(W, whole_W)
    np.testing.assert_array_equal(C, whole_C)
    assert sum(parts) == pytest.approx(whole, rel=1e-6)


def test_the_same_arguments_give_the_same_bytes():
    results = []
    for _ in range(2):
        W, C, rows, rates = random_batch(4, vocabulary_size=300, dim=100, n_rows=3000)
        results.append((update(W, C, rows, rates), W.tobytes(), C.tobytes()))

    assert results[0] == results[1]


def test_the_loss_falls_on_planted_topics_and_words_of_a_topic_come_together():
    n_words, rows = planted_rows(4000)
    W, C = initialise(n_words, 8, np.random.default_rng(0))

    for rate in np.linspace(0.05, 0.0, 10, endpoint=False):
        update(W, C, rows, np.full(len(rows.centers), rate, np.float32))

    # The least that is possible; see the same test of the NumPy kernel.
    assert loss(W, C, rows) / len(rows.words) == pytest.approx(2.006, rel=0.05)
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    cosines = unit @ unit.T
    assert cosines[:10, :10].min() > 0.5 > cosines[:10, 10:].max()


def test_wrong_arguments_are_refused_as_by_the_other_kernel():
    W, C, rows, rates = random_batch(5)

    with pytest.raises(ShapeError, match=r"^words must hold ids"):
        update(W, C, rows._replace(words=rows.words + 100), rates)
    with pytest.raises(ShapeError, match=r"^learning_rates must"):
        update(W, C, rows, rates[1:])
