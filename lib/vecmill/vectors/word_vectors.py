"""Trained word vectors, and what one can ask of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pyspark.sql import SparkSession

from vecmill.core.measures import similarity
from vecmill.errors import ConfigError, InputError
from vecmill.vectors import sources
from vecmill.vectors.sources import is_local

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

__all__ = ["Answers", "WordVectors", "is_local", "load", "read_run"]

Answers = list[tuple[str, float]]


class WordVectors:
    """Words in falling frequency and their vectors; from an .npy file these may stay on the disk.

    The first question about neighbours makes rows of length 1 in memory, V x D float32.

    words    V different words
    vectors  (V, D) float32, as trained
    """

    def __init__(self, words: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        self.words = list(words)
        self.vectors = vectors
        self._ids = {word: id_ for id_, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def __repr__(self) -> str:
        return f"<WordVectors: {len(self):,} words, {self.vectors.shape[1]} dimensions>"

    def vector(self, word: str) -> npt.NDArray[np.float32]:
        """The vector of `word`, (D,) float32. Raises InputError where the word is unknown."""
        found: npt.NDArray[np.float32] = self.vectors[self._id(word)]
        return found

    def similar(self, word: str, n: int = 10) -> Answers:
        """The `n` words nearest to `word` by cosine, without itself, and their cosines.

        Raises InputError where the word is unknown, with the closest spellings.
        """
        id_ = self._id(word)
        return self._nearest(self._unit[id_], {id_}, n)

    def analogy(self, a: str, b: str, c: str, n: int = 10) -> Answers:
        """What c is to as a is to b: the words nearest to b - a + c, without these three.

        analogy("man", "king", "woman") asks for king - man + woman (3CosAdd).
        Raises InputError where a word is unknown, with the closest spellings.
        """
        ids = [self._id(word) for word in (a, b, c)]
        return self._nearest(similarity.analogy_query(self._unit, *ids), set(ids), n)

    def to_gensim(self) -> KeyedVectors:
        """A copy as gensim's KeyedVectors. Raises ConfigError where gensim is not installed."""
        try:
            from gensim.models import KeyedVectors
        except ImportError:
            raise ConfigError(
                ["to_gensim needs the package gensim; install it: pip install gensim"]
            ) from None
        copy = KeyedVectors(self.vectors.shape[1])
        copy.add_vectors(self.words, self.vectors)
        return copy

    @cached_property
    def _unit(self) -> npt.NDArray[np.float32]:
        unit = similarity.unit_rows(self.vectors)
        broken = np.flatnonzero(~np.isfinite(unit).all(axis=1))
        if len(broken):
            raise InputError(
                f"the vector of {self.words[broken[0]]!r} has numbers that are not finite, as have those "
                f"of {len(broken) - 1} other words; train again with a lower rate, or remove the words"
            )
        return unit

    def _nearest(self, query: npt.NDArray[np.float32], left_out: set[int], n: int) -> Answers:
        ids, cosines = similarity.nearest(self._unit, query[None], n, exclude=[left_out])
        return [
            (self.words[id_], float(cosine))
            for id_, cosine in zip(ids[0], cosines[0], strict=True)
            if id_ != similarity.NOBODY
        ]

    def _id(self, word: str) -> int:
        if word not in self._ids:
            close = similarity.closest_spellings(word, self.words)
            hint = f"; the closest spellings are: {', '.join(close)}" if close else ""
            raise InputError(f"{word!r} is not among the {len(self):,} words{hint}")
        return self._ids[word]


def load(source: str | Path, spark: SparkSession | None = None) -> WordVectors:
    """The vectors of a finished run, given its folder, or of a file: word2vec text or binary, GloVe
    text, .npy, safetensors, or Parquet with the columns of a run's vectors/.

    `spark` is needed where `source` is not on this machine. The vectors of a run, whose export left
    an .npy file, are mapped into memory and not read. Raises InputError.
    """
    words, vectors, _ = sources.read_or_map(str(source), spark)
    return WordVectors(words, vectors)


def read_run(root: str, spark: SparkSession | None = None) -> WordVectors:
    """The vectors of a finished run, from its table; `spark` as for `load`.

    Raises InputError where there are none.
    """
    words, vectors, _ = sources.read(root, spark)
    return WordVectors(words, vectors)
