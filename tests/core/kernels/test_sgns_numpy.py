"""The NumPy kernel against the oracle in plain loops, and the oracle against finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.kernels.batches import batches, make_rows, planted_rows, random_batch
from tests.core.kernels.oracle import oracle_gradients, oracle_loss, oracle_update
from vecmill.core.kernels.sgns_numpy import distinct, initialise, loss, update
from vecmill.core.rows import Rows
from vecmill.errors import ShapeError


@pytest.mark.parametrize("seed", range(3))
def test_the_oracles_gradients_equal_finite_differences(seed):
    W, C, rows, _ = random_batch(seed, vocabulary_size=5, dim=3, n_rows=6)
    tables = np.array([W, C], np.float64)
    step = 1e-6
    expected = np.zeros_like(tables)
    for place in np.ndindex(tables.shape):
        up, down = tables.copy(), tables.copy()
        up[place] += step
        down[place] -= step
        expected[place] = (oracle_loss(*up, rows) - oracle_loss(*down, rows)) / (2 * step)

    np.testing.assert_allclose(oracle_gradients(*tables, rows), expected, rtol=1e-6, atol=1e-7)


def test_the_oracles_loss_of_one_pair_is_the_formula_written_out():
    W = [[0.0, 0.0], [1.0, 2.0]]
    C = [[3.0, 0.5], [0.25, -1.0]]
    rows = make_rows([0], [[1]], [[1]])

    positive = math.log(1 / (1 + math.exp(-4.0)))  # c . w = 3 + 1
    negative = math.log(1 / (1 + math.exp(-1.75)))  # -n . w = -(0.25 - 2)
    assert oracle_loss(W, C, rows) == pytest.approx(-(positive + negative), rel=1e-12)


@settings(max_examples=150)
@given(batches(), st.integers(1, 50))
def test_an_update_equals_the_oracles(batch, rows_per_step):
    W, C, rows, rates = batch
    expected_W, expected_C, expected_loss = oracle_update(W, C, rows, rates, rows_per_step)

    total = update(W, C, rows, rates, rows_per_step=rows_per_step)

    np.testing.assert_allclose(W, expected_W, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(C, expected_C, rtol=1e-5, atol=1e-5)
    assert total == pytest.approx(expected_loss, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("rows_per_step", [1, 16, 1000, 5000])
def test_an_update_over_thousands_of_rows_equals_the_oracles(rows_per_step):
    W, C, rows, rates = random_batch(0, vocabulary_size=3000, n_rows=2500, skipped=2)
    expected_W, expected_C, expected_loss = oracle_update(W, C, rows, rates, rows_per_step)

    total = update(W, C, rows, rates, rows_per_step=rows_per_step)

    np.testing.assert_allclose(W, expected_W, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(C, expected_C, rtol=1e-5, atol=1e-5)
    assert total == pytest.approx(expected_loss, rel=1e-5)


@settings(max_examples=100)
@given(batches())
def test_the_loss_equals_the_oracles_and_changes_nothing(batch):
    W, C, rows, _ = batch
    before = W.copy(), C.copy()

    assert loss(W, C, rows) == pytest.approx(oracle_loss(W, C, rows), rel=1e-5, abs=1e-5)
    np.testing.assert_array_equal(W, before[0])
    np.testing.assert_array_equal(C, before[1])


def test_a_window_that_crosses_the_end_of_a_batch_belongs_to_the_row_its_offsets_name():
    W, C, rows, rates = random_batch(1, n_rows=10)
    tail = Rows(rows.centers[4:], rows.offsets[4:], rows.words, rows.negatives[4:])
    whole_W, whole_C = W.copy(), C.copy()

    whole = update(whole_W, whole_C, rows, rates, rows_per_step=4)
    head = Rows(rows.centers[:4], rows.offsets[:5], rows.words, rows.negatives[:4])
    parts = [update(W, C, part, r, rows_per_step=4) for part, r in ((head, rates[:4]), (tail, rates[4:]))]

    np.testing.assert_array_equal(W, whole_W)
    np.testing.assert_array_equal(C, whole_C)
    assert sum(parts) == pytest.approx(whole, rel=1e-6)


def test_a_negative_equal_to_its_centre_is_left_out():
    W, C, _, _ = random_batch(2)
    rate = np.array([0.1], np.float32)
    with_it, without_it = (W.copy(), C.copy()), (W.copy(), C.copy())

    total = update(*with_it, make_rows([3], [[1, 2]], [[3, 4]]), rate)

    assert total == pytest.approx(update(*without_it, make_rows([3], [[1, 2]], [[4]]), rate), rel=1e-6)
    np.testing.assert_allclose(with_it, without_it, rtol=1e-6)


def test_rows_without_words_change_nothing_and_cost_nothing():
    W, C, _, _ = random_batch(3)
    before = W.copy(), C.copy()
    rows = make_rows([1, 2], [[], []], [[3, 4], [5, 6]])

    assert update(W, C, rows, np.full(2, 0.1, np.float32)) == 0.0
    np.testing.assert_array_equal(W, before[0])
    np.testing.assert_array_equal(C, before[1])


@pytest.mark.parametrize("score", [0.0, 20.0, 100.0, 1e4, 1e30])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.filterwarnings("error")
def test_any_finite_score_gives_the_oracles_loss_and_finite_tables(score, sign):
    W = np.array([[sign * score], [0.5]], np.float32)
    C = np.array([[1.0], [-1.0]], np.float32)
    rows = make_rows([0, 1], [[0], [0, 1]], [[1], [0]])
    rates = np.full(2, 0.025, np.float32)
    expected_W, expected_C, expected_loss = oracle_update(W, C, rows, rates, 2)

    total = update(W, C, rows, rates, rows_per_step=2)

    np.testing.assert_allclose(W, expected_W, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(C, expected_C, rtol=1e-5, atol=1e-6)
    assert total == pytest.approx(expected_loss, rel=1e-5)


def test_the_same_arguments_give_the_same_bytes():
    results = []
    for _ in range(2):
        W, C, rows, rates = random_batch(4, vocabulary_size=300, dim=100, n_rows=3000)
        results.append((update(W, C, rows, rates), W.tobytes(), C.tobytes()))

    assert results[0] == results[1]


def test_the_loss_falls_on_planted_topics_and_words_of_a_topic_come_together():
    n_words, rows = planted_rows(4000)
    W, C = initialise(n_words, 8, np.random.default_rng(0))
    at_first = loss(W, C, rows)

    for rate in np.linspace(0.05, 0.0, 10, endpoint=False):
        update(W, C, rows, np.full(len(rows.centers), rate, np.float32))

    # One noise word in twenty equals its centre, so a word meets 1 + 5 * 0.95 outputs. At best each
    # of its topic's ten outputs, met 0.1 times as centre and 0.225 times as noise, costs what that
    # mixture must, and the other topic's cost nothing: 2.006 nats a word.
    assert at_first / len(rows.words) == pytest.approx(5.75 * math.log(2), rel=0.005)
    assert loss(W, C, rows) / len(rows.words) == pytest.approx(2.006, rel=0.05)
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    cosines = unit @ unit.T
    assert cosines[:10, :10].min() > 0.5 > cosines[:10, 10:].max()


@settings(max_examples=50)
@given(st.data())
def test_every_id_finds_its_place_among_the_distinct_ones_of_its_step(data):
    # With a million steps and ids of 31 bits, a dozen bits are left to number what is sorted.
    n_steps = data.draw(st.sampled_from([1, 7, 1 << 20]))
    count = data.draw(st.sampled_from([0, 1, 30, 5000]))
    largest = data.draw(st.sampled_from([1, 50, 2**31 - 1]))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    ids = rng.integers(0, largest, count, endpoint=True).astype(np.int32)
    steps = rng.integers(0, n_steps, count)

    found, bounds, places = distinct(ids, steps, n_steps)

    assert len(bounds) == n_steps + 1
    np.testing.assert_array_equal(found[bounds[steps] + places], ids)
    expected = sorted({(int(step), int(id_)) for step, id_ in zip(steps, ids, strict=True)})
    of_step = np.repeat(np.arange(n_steps), np.diff(bounds))
    assert list(zip(of_step.tolist(), found.tolist(), strict=True)) == expected


def test_fresh_tables_are_word2vecs():
    W, C = initialise(1000, 50, np.random.default_rng(0))

    assert W.shape == C.shape == (1000, 50)
    assert W.dtype == C.dtype == np.float32
    assert not C.any()
    assert -0.01 <= W.min() < -0.0099
    assert 0.0099 < W.max() <= 0.01
    assert W.std() == pytest.approx(0.02 / math.sqrt(12), rel=0.02)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("W", lambda W: W[0]),
        ("W", lambda W: W.astype(np.float64)),
        ("C", lambda C: C[:, :-1]),
        ("centers", lambda centers: centers + 100),
        ("centers", lambda centers: centers.reshape(-1, 1)),
        ("offsets", lambda offsets: offsets[1:]),
        ("offsets", lambda offsets: offsets[::-1]),
        ("offsets", lambda offsets: offsets + 1),
        ("words", lambda words: words.astype(np.int64)),
        ("words", lambda words: words - 1),
        ("negatives", lambda negatives: negatives[:, 0]),
        ("negatives", lambda negatives: negatives[1:]),
        ("learning_rates", lambda rates: rates[1:]),
        ("learning_rates", lambda rates: rates.astype(np.float64)),
    ],
)
def test_a_wrong_shape_dtype_or_id_is_named_and_changes_nothing(name, change):
    W, C, rows, rates = random_batch(5)
    before = W.copy(), C.copy()
    given_arrays = {"W": W, "C": C, "learning_rates": rates, **rows._asdict()}
    given_arrays[name] = change(given_arrays[name])

    with pytest.raises(ShapeError, match=f"^{name} must"):
        update(
            given_arrays["W"],
            given_arrays["C"],
            Rows(**{field: given_arrays[field] for field in Rows._fields}),
            given_arrays["learning_rates"],
        )
    np.testing.assert_array_equal(W, before[0])
    np.testing.assert_array_equal(C, before[1])


def test_a_step_of_no_rows_is_refused():
    W, C, rows, rates = random_batch(6)

    with pytest.raises(ShapeError, match="rows_per_step must be at least 1, got 0"):
        update(W, C, rows, rates, rows_per_step=0)
