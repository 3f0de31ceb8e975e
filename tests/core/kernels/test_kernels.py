from __future__ import annotations

import pickle

import pytest

from tests.core.kernels.batches import random_batch
from vecmill.core import kernels


def test_auto_takes_the_compiled_kernel_where_numba_is_installed(monkeypatch):
    monkeypatch.setattr(kernels, "find_spec", lambda name: object())

    assert kernels.choose("auto").name == "numba"
    assert "Numba is installed" in kernels.choose("auto").reason


def test_auto_takes_the_portable_kernel_where_it_is_not_and_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(kernels, "find_spec", lambda name: None)

    assert kernels.choose("auto").name == "numpy"
    assert "pip install 'vecmill[fast]'" in kernels.choose("auto").reason


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_a_kernel_that_is_named_is_taken(name):
    assert kernels.choose(name) == (name, "as configured")


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_a_kernel_can_be_sent_to_workers_and_trains_there(name):
    sent = pickle.loads(pickle.dumps(kernels.kernel(name)))
    W, C, rows, rates = random_batch(0)
    before = W.copy()

    total = sent({"W": W, "C": C}, rows, rates)

    assert total > 0
    assert (before != W).any()
