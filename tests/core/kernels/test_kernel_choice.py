from __future__ import annotations

import pytest

from vecmill.core import kernels
from vecmill.core.kernels import KernelChoice, choose


def test_auto_takes_the_compiled_kernel_if_numba_is_installed(monkeypatch):
    monkeypatch.setattr(kernels, "find_spec", lambda name: object())

    assert choose("auto") == KernelChoice("numba", "fastest available")


def test_auto_takes_the_numpy_kernel_without_numba_and_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(kernels, "find_spec", lambda name: None)

    assert choose("auto").library == "numpy"
    assert "pip install" in choose("auto").reason


def test_auto_takes_the_numpy_kernel_if_the_model_has_no_compiled_one(monkeypatch):
    monkeypatch.setattr(kernels, "find_spec", lambda name: object())

    assert choose("auto", ("numpy",)) == KernelChoice("numpy", "the model has no other")


@pytest.mark.parametrize("library", ["numpy", "numba"])
def test_a_library_that_is_configured_is_taken(library, monkeypatch):
    monkeypatch.setattr(kernels, "find_spec", lambda name: None)

    assert choose(library) == KernelChoice(library, "as configured")
