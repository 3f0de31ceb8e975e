"""Skip-gram with negative sampling in every library: what it learns, and extreme scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.kernels.batches import make_rows, planted_bucket, planted_rows, random_batch
from tests.core.kernels.oracles import ORACLES
from tests.core.kernels.sgns_oracle import loss
from vecmill import models
from vecmill.core.buckets import Bucket
from vecmill.core.kernels import has_numba
from vecmill.core.threads import map_in_threads, split
from vecmill.models import Size

MODEL = models.build("sgns", {})
LIBRARIES = [
    pytest.param("numba", marks=pytest.mark.skipif(not has_numba(), reason="needs Numba")),
    "numpy",
]


def cosines_of_topics(W):
    """The least cosine of two words of one topic, and the largest of two words of different topics."""
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    cosines = unit @ unit.T
    return min(cosines[:10, :10].min(), cosines[10:, 10:].min()), cosines[:10, 10:].max()


@pytest.mark.parametrize("library", LIBRARIES)
def test_rows_of_two_planted_topics_are_learned(library):
    n_words, rows = planted_rows(4000)
    tables = MODEL.start(Size(n_words, 8), seed=0)
    at_first = MODEL.held_out_loss(tables, rows)

    for rate in np.linspace(0.05, 0.0, 10, endpoint=False):
        MODEL.kernels[library](tables, rows, np.full(len(rows.centers), rate, np.float32))

    # One noise word in twenty equals its centre, so a word meets 1 + 5 * 0.95 outputs. At best each of the
    # ten outputs of its topic, which it meets 0.1 times as centre and 0.225 times as noise, costs the
    # entropy of that mixture, and the outputs of the other topic cost nothing: 2.006 nats per word.
    assert at_first / len(rows.words) == pytest.approx(5.75 * math.log(2), rel=0.005)
    assert MODEL.held_out_loss(tables, rows) / len(rows.words) == pytest.approx(2.006, rel=0.05)
    within, across = cosines_of_topics(tables["W"])
    assert within > 0.5 > across


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_bucket_of_two_planted_topics_is_learned(library, threads):
    n_words, bucket = planted_bucket(20_000)
    tables = MODEL.start(Size(n_words, 8), seed=0)
    steps, kernel = len(bucket.noise), MODEL.bucket_kernels[library]
    no_rates = np.zeros(steps, np.float32)
    at_first = kernel(tables, bucket, no_rates, range(steps))

    for rate in np.linspace(0.05, 0.0, 10, endpoint=False):
        rates = no_rates + np.float32(rate)
        parts = split(steps, threads)
        list(map_in_threads(lambda part, rates=rates: kernel(tables, bucket, rates, part), parts, threads))

    # Each pair stands for 5 noise words. At best each of the ten contexts of the topic, which a word meets
    # 0.1 times in a pair and 0.25 times as noise, costs the entropy of that mixture, and the contexts of
    # the other topic cost nothing: 2.094 nats per pair.
    at_last = kernel(tables, bucket, no_rates, range(steps))
    assert at_first / len(bucket.words) == pytest.approx(6 * math.log(2), rel=0.001)
    assert at_last / len(bucket.words) == pytest.approx(2.094, rel=0.05)
    within, across = cosines_of_topics(tables["W"])
    assert within > across
    # Threads that share forty rows lose updates. The loss hardly shows it, the angle between topics does.
    if threads == 1:
        assert within > 0.5 > across


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_negative_equal_to_its_centre_is_left_out(library):
    W, C, _, _ = random_batch(2)
    train, rate = MODEL.kernels[library], np.array([0.1], np.float32)
    with_it, without_it = ({"W": W.copy(), "C": C.copy()} for _ in range(2))

    total = train(with_it, make_rows([3], [[1, 2]], [[3, 4]]), rate)

    assert total == pytest.approx(train(without_it, make_rows([3], [[1, 2]], [[4]]), rate), rel=1e-6)
    for name in ("W", "C"):
        np.testing.assert_allclose(with_it[name], without_it[name], rtol=1e-6)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_noise_of_a_step_without_noisy_words_changes_nothing(library):
    """Five steps, one noisy word: only the last step has any."""
    rng = np.random.default_rng(3)
    tables = {"W": rng.normal(size=(12, 5)).astype(np.float32)}
    tables["C"] = rng.normal(size=(30, 5)).astype(np.float32)
    before = tables["C"].copy()
    nothing, noise = np.zeros(0, np.int32), np.arange(30, dtype=np.int32).reshape(5, 6)
    bucket = Bucket(nothing, nothing, np.array([4], np.int32), noise)

    MODEL.bucket_kernels[library](tables, bucket, np.full(5, 0.1, np.float32), range(5))

    np.testing.assert_array_equal(np.flatnonzero((before != tables["C"]).any(axis=1)), noise[-1])


def finite(tables):
    return all(np.isfinite(table).all() for table in tables.values())


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.filterwarnings("error")
@settings(max_examples=50)
@given(score=st.floats(-1e5, 1e5, width=32))
def test_any_score_gives_the_oracles_loss_and_finite_tables(library, score):
    tables = {"W": np.float32([[score], [0.5]]), "C": np.float32([[1.0], [-1.0]])}
    rows = make_rows([0], [[0, 1]], [[1]])
    expected = loss(tables, rows)

    total = MODEL.kernels[library](tables, rows, np.full(1, 0.025, np.float32))

    assert total == pytest.approx(expected, rel=1e-5)
    assert finite(tables)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.filterwarnings("error")
@settings(max_examples=50)
@given(score=st.floats(-1e5, 1e5, width=32))
def test_any_score_in_a_bucket_gives_the_oracles_loss_and_finite_tables(library, score):
    tables = {"W": np.float32([[score], [0.5]]), "C": np.float32([[1.0], [-1.0], [1.0], [-1.0], [0.25]])}
    both = np.array([0, 1], np.int32)
    # No context is noise. Otherwise the error of tanh, 4e-7, times 1e5 would show in the loss of its noise.
    bucket = Bucket(both, both, both, np.array([[2, 3, 4, 3, 2, 4]], np.int32))
    rates = np.full(1, 0.025, np.float32)
    _, expected = ORACLES["sgns"].update_bucket[library](tables, bucket, rates)

    total = MODEL.bucket_kernels[library](tables, bucket, rates, range(1))

    assert total == pytest.approx(expected, rel=1e-5)
    assert finite(tables)
