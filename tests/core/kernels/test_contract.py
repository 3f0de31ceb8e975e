"""The contract of kernels that train on rows: every model, every library."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.kernels.batches import make_rows, random_rates, random_rows, random_tables, row_sizes
from tests.core.kernels.oracles import ORACLES
from tests.core.kernels.subjects import assert_same, copy_of, row_subjects
from vecmill import models
from vecmill.core.rows import Rows, take
from vecmill.core.shards import BATCH_ROWS
from vecmill.core.threads import map_in_threads
from vecmill.errors import ShapeError
from vecmill.models import Size

SIZE = Size(words=12, dim=5)


@pytest.fixture(scope="module", params=row_subjects())
def subject(request):
    return request.param


@pytest.fixture(scope="module", params=ORACLES)
def oracle(request):
    return ORACLES[request.param]


def tables_of(subject, size=SIZE, seed=0, scale=1.0):
    return random_tables(subject.model.tables(size), seed, scale)


# Equal to the oracle


@settings(max_examples=150)
@given(sizes=row_sizes, dim=st.integers(1, 9))
def test_an_update_equals_the_oracle(subject, sizes, dim):
    rows = random_rows(*sizes)
    tables = tables_of(subject, Size(sizes.vocabulary_size, dim), sizes.seed)
    subject.assert_equals_the_oracle(tables, rows, random_rates(sizes.seed, len(rows.centers)))


def test_one_row_equals_the_oracle(subject):
    rows = make_rows([1], [[2, 3, 2]], [[4, 4, 1]])
    subject.assert_equals_the_oracle(tables_of(subject), rows, np.array([0.1], np.float32))


@pytest.mark.parametrize("dim", [1, 15, 16, 17, 100, 300])
def test_any_dimension_equals_the_oracle(subject, dim):
    rows = random_rows(7, n_rows=30, n_negatives=5)
    subject.assert_equals_the_oracle(tables_of(subject, Size(12, dim)), rows, random_rates(7, 30))


@pytest.mark.parametrize("n_negatives", [0, 1, 5, 6, 11, 20])
def test_any_number_of_negatives_equals_the_oracle(subject, n_negatives):
    rows = random_rows(7, n_rows=30, n_negatives=n_negatives)

    assert rows.negatives.shape == (30, n_negatives)
    subject.assert_equals_the_oracle(tables_of(subject), rows, random_rates(7, 30))


@pytest.mark.parametrize("words", [1, 2])
def test_repeated_ids_equal_the_oracle(subject, words):
    rows = random_rows(3, vocabulary_size=words, n_rows=30)
    subject.assert_equals_the_oracle(tables_of(subject, Size(words, 5)), rows, random_rates(3, 30))


def test_a_window_of_hundreds_of_words_equals_the_oracle(subject):
    rows = random_rows(8, n_rows=3, longest=900)
    subject.assert_equals_the_oracle(tables_of(subject), rows, random_rates(8, 3, 0.001))


def test_thousands_of_rows_equal_the_oracle(subject):
    size = Size(words=3000, dim=5)
    rows = random_rows(0, size.words, n_rows=2500, skipped=2)
    subject.assert_equals_the_oracle(tables_of(subject, size), rows, random_rates(0, 2500))


# The loss


@settings(max_examples=50)
@given(sizes=row_sizes)
def test_at_rate_zero_the_loss_is_the_oracles_and_the_tables_stay(subject, sizes):
    rows = random_rows(*sizes)
    tables = tables_of(subject, Size(sizes.vocabulary_size, 5), sizes.seed)
    before = copy_of(tables)

    loss = subject.train(tables, rows, np.zeros(len(rows.centers), np.float32))

    assert loss == pytest.approx(subject.oracle.loss(tables, rows), rel=1e-5, abs=1e-5)
    assert_same(tables, before)


@settings(max_examples=100)
@given(sizes=row_sizes, dim=st.integers(1, 9))
def test_the_held_out_loss_is_the_oracles_and_the_tables_stay(oracle, sizes, dim):
    model = models.build(oracle.kind, oracle.options)
    tables = random_tables(model.tables(Size(sizes.vocabulary_size, dim)), sizes.seed)
    rows = random_rows(*sizes)
    before = copy_of(tables)

    loss = model.held_out_loss(tables, rows)

    assert loss == pytest.approx(oracle.loss(tables, rows), rel=1e-5, abs=1e-5)
    assert_same(tables, before)


def test_the_held_out_loss_of_thousands_of_rows_is_the_oracles(oracle):
    model = models.build(oracle.kind, oracle.options)
    tables, rows = random_tables(model.tables(SIZE)), random_rows(1, n_rows=2500)

    assert model.held_out_loss(tables, rows) == pytest.approx(oracle.loss(tables, rows), rel=1e-5)


def test_a_nan_parameter_gives_a_loss_that_is_not_finite(subject):
    rows = random_rows(9)

    for name in tables_of(subject):
        tables = tables_of(subject)
        tables[name][:] = np.nan
        assert not math.isfinite(subject.train(tables, rows, random_rates(9, 20))), name
        assert not math.isfinite(subject.model.held_out_loss(tables, rows)), name


# Arguments


def test_tables_are_changed_in_place(subject):
    tables = tables_of(subject)
    before, given_arrays = copy_of(tables), dict(tables)

    loss = subject.train(tables, random_rows(1), random_rates(1, 20))

    assert type(loss) is float
    for name, table in tables.items():
        assert table is given_arrays[name]
        assert (table != before[name]).any(), name


def test_a_batch_without_rows_changes_nothing_and_costs_nothing(subject):
    tables = tables_of(subject)
    before = copy_of(tables)
    rows = random_rows(0, n_rows=0)

    assert subject.train(tables, rows, np.zeros(0, np.float32)) == 0.0
    assert subject.model.held_out_loss(tables, rows) == 0.0
    assert_same(tables, before)


def test_rows_without_words_change_nothing_and_cost_nothing(subject):
    tables = tables_of(subject)
    before = copy_of(tables)
    rows = make_rows([1, 2], [[], []], [[3, 4], [5, 6]])

    assert subject.train(tables, rows, np.full(2, 0.1, np.float32)) == 0.0
    assert_same(tables, before)


def test_arrays_may_be_read_only_views_with_gaps(subject):
    rows, rates = random_rows(3), random_rates(3, 20)
    *views, view_of_rates = (np.repeat(array, 2, axis=0)[::2] for array in (*rows, rates))
    for array in (*views, view_of_rates):
        array.flags.writeable = False
    tables, others = tables_of(subject), tables_of(subject)

    loss = subject.train(tables, Rows(*views), view_of_rates)

    assert loss == subject.train(others, rows, rates)
    assert_same(tables, others)


def test_rows_may_be_cut_into_batches_of_the_size_that_workers_use(subject):
    size = Size(words=500, dim=3)
    rows = random_rows(2, size.words, n_rows=BATCH_ROWS + 50, longest=3, skipped=2)
    rates = random_rates(2, len(rows.centers), 0.01)
    tables, whole_tables = tables_of(subject, size), tables_of(subject, size)

    whole = subject.train(whole_tables, rows, rates)
    parts = [
        subject.train(tables, take(rows, begin, end), rates[begin:end])
        for begin, end in ((0, BATCH_ROWS), (BATCH_ROWS, len(rates)))
    ]

    assert_same(tables, whole_tables)
    assert sum(parts) == pytest.approx(whole, rel=1e-6)


def test_the_same_arguments_give_the_same_bytes(subject):
    size = Size(words=300, dim=100)
    rows, rates = random_rows(4, size.words, n_rows=3000), random_rates(4, 3000)
    results = []
    for _ in range(2):
        tables = tables_of(subject, size)
        loss = subject.train(tables, rows, rates)
        results.append((loss, {name: table.tobytes() for name, table in tables.items()}))

    assert results[0] == results[1]


def test_a_pickled_kernel_trains(subject):
    tables = tables_of(subject)
    before = copy_of(tables)

    assert pickle.loads(pickle.dumps(subject.train))(tables, random_rows(0), random_rates(0, 20)) > 0
    assert any((table != before[name]).any() for name, table in tables.items())


# Threads


def rows_without_common_ids(number: int, n_rows: int = 20) -> Rows:
    """Rows of six ids each, of which no other row and no other `number` has one."""
    ids = np.arange(6 * n_rows).reshape(n_rows, 6) + 6 * n_rows * number
    return make_rows(ids[:, 0].tolist(), ids[:, 1:4].tolist(), ids[:, 4:].tolist())


@pytest.mark.parametrize("threads", [2, 7])
def test_threads_train_shared_tables(subject, threads):
    """Rows without a common id commute, so threads must give the bytes that one thread gives."""
    size, batches = Size(words=1200, dim=6), [rows_without_common_ids(number) for number in range(10)]
    rates = np.full(20, 0.1, np.float32)
    tables, alone = tables_of(subject, size), tables_of(subject, size)

    expected = [subject.train(alone, rows, rates) for rows in batches]
    losses = list(map_in_threads(lambda rows: subject.train(tables, rows, rates), batches, threads))

    assert losses == expected
    assert_same(tables, alone)


def test_two_threads_on_the_same_rows_of_tables_lose_little(subject):
    size = Size(words=60, dim=20)
    batches = [random_rows(seed, size.words, n_rows=2000) for seed in range(8)]
    rates = random_rates(0, 2000, 0.01)
    tables, alone = tables_of(subject, size, scale=0.05), tables_of(subject, size, scale=0.05)
    before = copy_of(tables)

    expected = sum(subject.train(alone, rows, rates) for rows in batches)
    loss = sum(map_in_threads(lambda rows: subject.train(tables, rows, rates), batches, 2))

    # What one thread reads while the other one writes differs from run to run.
    assert loss == pytest.approx(expected, rel=0.02)
    for name, table in tables.items():
        assert (table != before[name]).any(axis=1).all(), name


# Refusals


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("centers", lambda centers: centers + 100),
        ("centers", lambda centers: centers.reshape(-1, 1)),
        ("centers", lambda centers: centers.astype(np.int64)),
        ("offsets", lambda offsets: offsets[1:]),
        ("offsets", lambda offsets: offsets[::-1]),
        ("offsets", lambda offsets: offsets + 1),
        ("offsets", lambda offsets: offsets - 1),
        ("offsets", lambda offsets: offsets.astype(np.int64)),
        ("words", lambda words: words.astype(np.int64)),
        ("words", lambda words: words.reshape(-1, 1)),
        ("words", lambda words: words - 1),
        ("words", lambda words: words + 1),
        ("negatives", lambda negatives: negatives[:, 0]),
        ("negatives", lambda negatives: negatives[1:]),
        ("negatives", lambda negatives: negatives.astype(np.int64)),
        ("negatives", lambda negatives: negatives - 1),
        ("learning_rates", lambda rates: rates[1:]),
        ("learning_rates", lambda rates: rates.astype(np.float64)),
    ],
)
def test_an_array_of_another_shape_dtype_or_range_is_named_and_changes_nothing(subject, name, change):
    tables = tables_of(subject)
    before = copy_of(tables)
    # Both ends of the range of ids occur, so that any shift leaves it.
    rows = make_rows([0, 11], [[0, 11], [5]], [[0, 11], [3, 4]])
    arrays = {"learning_rates": random_rates(5, 2), **rows._asdict()}
    arrays[name] = change(arrays[name])
    rates = arrays.pop("learning_rates")

    with pytest.raises(ShapeError, match=f"^{name} must"):
        subject.train(tables, Rows(**arrays), rates)
    if name != "learning_rates":
        with pytest.raises(ShapeError, match=f"^{name} must"):
            subject.model.held_out_loss(tables, Rows(**arrays))
    assert_same(tables, before)


@pytest.mark.parametrize(
    "change",
    [lambda table: table[0], lambda table: table.astype(np.float64), lambda table: table[np.newaxis]],
    ids=["one dimension", "float64", "three dimensions"],
)
def test_a_table_of_another_shape_or_dtype_is_named_and_changes_nothing(subject, change):
    for name in tables_of(subject):
        tables = tables_of(subject)
        tables[name] = change(tables[name])
        before = copy_of(tables)

        with pytest.raises(ShapeError, match=f"^{name} must"):
            subject.train(tables, random_rows(5), random_rates(5, 20))
        with pytest.raises(ShapeError, match=f"^{name} must"):
            subject.model.held_out_loss(tables, random_rows(5))
        assert_same(tables, before)


@pytest.mark.parametrize("cut", [lambda table: table[:-1], lambda table: table[:, :-1].copy()])
def test_tables_of_different_sizes_are_refused_and_change_nothing(subject, cut):
    for name in tables_of(subject):
        tables = tables_of(subject)
        tables[name] = cut(tables[name])
        before = copy_of(tables)

        with pytest.raises(ShapeError, match=" must "):
            subject.train(tables, random_rows(5), random_rates(5, 20))
        assert_same(tables, before)
