"""vecmill: word embeddings on stock Apache Spark, from raw text of any size to word vectors.

This module stays light: executors import it from a wheel, where only NumPy and PyArrow are at hand.
So `load` is imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vecmill.vectors.word_vectors import load

__all__ = ["__version__", "load"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name != "load":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vecmill.vectors.word_vectors import load

    return load
