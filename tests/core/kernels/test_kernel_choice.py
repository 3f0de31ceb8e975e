from __future__ import annotations

from importlib.util import find_spec

import pytest

from vecmill.core import kernels
from vecmill.core.kernels import KernelChoice, choose, has_numba


@pytest.fixture(params=[True, False], ids=["with", "without"])
def installed(request, monkeypatch):
    """Whether Numba seems to be installed."""

    def fake(name):
        assert name == "numba"
        return object() if request.param else None

    monkeypatch.setattr(kernels, "find_spec", fake)
    return request.param


def test_auto_takes_the_fastest_library_that_is_installed(installed):
    choice = choose("auto")

    if installed:
        assert choice == KernelChoice("numba", "fastest available")
    else:
        assert choice.library == "numpy"
        assert choice.reason.startswith("Numba is not installed; pip install")


@pytest.mark.usefixtures("installed")
def test_auto_takes_numpy_if_the_model_has_nothing_else():
    assert choose("auto", ("numpy",)) == KernelChoice("numpy", "the model has no other")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("library", ["numpy", "numba"])
def test_a_configured_library_is_taken(library):
    assert choose(library) == KernelChoice(library, "as configured")


def test_the_compiled_library_is_recognised():
    assert has_numba() == (find_spec("numba") is not None)
