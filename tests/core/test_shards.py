"""Workers hand every row and every step to the kernel once, at the rate of its place in the round."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.kernels.batches import (
    BucketSizes,
    bucket_rates,
    make_bucket,
    random_rates,
    random_rows,
    random_tables,
)
from vecmill import models
from vecmill.core import shards
from vecmill.core.kernels import has_numba
from vecmill.core.kernels.sgns_numpy import ROWS_PER_STEP
from vecmill.core.rows import concatenate, take
from vecmill.core.schedule import Pace
from vecmill.core.shards import BATCH_ROWS, Metrics, train_bucket, train_rows
from vecmill.models import Size

PACE = Pace(begin=0.2, end=0.6, learning_rate=0.05, min_rate=1e-4)
MODEL = models.build("sgns", {})


class Recorder:
    """A kernel that trains nothing and keeps what it gets. Its loss is the number of rows or steps."""

    def __init__(self):
        self.calls = []

    def on_rows(self, tables, rows, rates):
        self.calls.append((tables, rows, rates))
        return float(len(rates))

    def on_steps(self, tables, bucket, rates, steps):
        self.calls.append((tables, bucket, rates, steps))
        return float(len(steps))


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(shards, "BATCH_ROWS", 16)


def cut(rows, ends):
    bounds = [0, *sorted(min(end, len(rows.centers)) for end in ends), len(rows.centers)]
    return [take(rows, begin, end) for begin, end in pairwise(bounds)]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.usefixtures("small_batches")
def test_every_row_is_trained_once_at_the_rate_of_its_position(threads):
    rows, kernel, tables = random_rows(1, n_rows=100, skipped=2), Recorder(), {}

    done = train_rows(tables, cut(rows, [7, 50]), kernel.on_rows, PACE, expected_rows=97, threads=threads)

    # Threads may call the kernel in another order.
    calls = sorted(kernel.calls, key=lambda call: -float(call[2][0]))
    assert all(given_tables is tables for given_tables, _, _ in calls)
    assert [len(rates) for *_, rates in calls] == [16] * 6 + [4]
    trained = concatenate([batch for _, batch, _ in calls])
    assert trained.centers.tolist() == rows.centers.tolist()
    assert trained.words.tolist() == rows.words[rows.offsets[0] : rows.offsets[-1]].tolist()
    assert trained.negatives.tolist() == rows.negatives.tolist()
    # Rows beyond the expected ones are trained at the last rate of the round.
    expected_rates = PACE.rates(np.minimum(np.arange(100) / 97, 1.0))
    np.testing.assert_array_equal(np.concatenate([rates for *_, rates in calls]), expected_rates)
    assert done == Metrics(pairs=int(rows.offsets[-1] - rows.offsets[0]), loss=100, cpu_seconds=0)


def test_a_shard_without_rows_trains_nothing():
    kernel = Recorder()

    for batches in ([], [random_rows(0, n_rows=0)]):
        assert train_rows({}, batches, kernel.on_rows, PACE, expected_rows=0.0, threads=2) == (0, 0, 0)
    assert kernel.calls == []


def test_rows_are_trained_even_if_none_was_expected():
    kernel = Recorder()

    train_rows({}, [random_rows(0, n_rows=3)], kernel.on_rows, PACE, expected_rows=0.0, threads=1)

    [(_, _, rates)] = kernel.calls
    np.testing.assert_array_equal(rates, PACE.rates(np.array([0.0, 1.0, 1.0])))


@pytest.mark.parametrize(
    "library",
    [pytest.param("numba", marks=pytest.mark.skipif(not has_numba(), reason="needs Numba")), "numpy"],
)
@settings(max_examples=10)
@given(ends=st.lists(st.integers(0, 40_000), max_size=5))
def test_one_thread_gives_the_same_bytes_however_rows_are_batched(library, ends):
    rows, size = random_rows(2, 500, n_rows=BATCH_ROWS + 100, longest=2, n_negatives=1), Size(500, 3)
    results = []
    for batches in ([rows], cut(rows, ends)):
        tables = random_tables(MODEL.tables(size))
        done = train_rows(tables, batches, MODEL.kernels[library], PACE, len(rows.centers), threads=1)
        results.append((done, *(table.tobytes() for table in tables.values())))

    assert results[0] == results[1]


def test_the_size_of_batches_is_a_multiple_of_the_rows_per_step():
    assert BATCH_ROWS % ROWS_PER_STEP == 0


@pytest.mark.parametrize(("threads", "calls"), [(1, [range(4)]), (2, [range(2), range(2, 4)])])
def test_threads_share_the_steps_of_a_bucket(threads, calls):
    bucket, kernel, tables = make_bucket(BucketSizes()), Recorder(), {}
    rates = bucket_rates(bucket)

    done = train_bucket(tables, bucket, kernel.on_steps, rates, threads)

    assert sorted((steps for *_, steps in kernel.calls), key=lambda steps: steps.start) == calls
    for given_tables, given_bucket, given_rates, _ in kernel.calls:
        assert given_tables is tables
        assert given_bucket is bucket
        assert given_rates is rates
    assert done == Metrics(pairs=50, loss=4.0, cpu_seconds=0)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_bucket_without_steps_is_not_trained(threads):
    kernel = Recorder()
    bucket = make_bucket(BucketSizes(n_pairs=0, n_noisy=0))

    assert train_bucket({}, bucket, kernel.on_steps, random_rates(0, 0), threads) == Metrics(0, 0, 0)
    assert kernel.calls == []


def test_a_bucket_with_noise_alone_is_trained():
    bucket, kernel = make_bucket(BucketSizes(n_pairs=0, n_noisy=8)), Recorder()

    done = train_bucket({}, bucket, kernel.on_steps, bucket_rates(bucket), 1)

    assert done == Metrics(pairs=0, loss=1.0, cpu_seconds=0)


def test_more_threads_than_steps_train_every_step_once():
    bucket, kernel = make_bucket(BucketSizes(n_pairs=1, n_noisy=1)), Recorder()

    assert train_bucket({}, bucket, kernel.on_steps, bucket_rates(bucket), 4).loss == 1.0
    assert [step for *_, steps in kernel.calls for step in steps] == [0]
