"""Trained word vectors, and queries for similar words and analogies."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pyspark.sql import SparkSession

from vecmill.core.arrays import Floats
from vecmill.core.measures import similarity
from vecmill.core.measures.lookup import composed
from vecmill.core.measures.similarity import ScoredWords
from vecmill.errors import ConfigError, InputError
from vecmill.storage.stores import is_local
from vecmill.vectors import sources
from vecmill.vectors.formats.streams import shown

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

__all__ = ["ScoredWords", "WordVectors", "is_local", "load", "read_run"]


class WordVectors:
    """Distinct words sorted by falling frequency, and their vectors.

    words    V words
    vectors  (V, D) float32, as trained; vectors of an .npy file are mapped into memory
    """

    def __init__(self, words: Sequence[str], vectors: Floats) -> None:
        self.words = list(words)
        self.vectors = vectors
        self._ids = {word: id_ for id_, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self._find(word) is not None

    def __repr__(self) -> str:
        return f"<WordVectors: {len(self):,} words, {self.vectors.shape[1]} dimensions>"

    @cached_property
    def unit(self) -> Floats:
        """The vectors scaled to length 1, (V, D) float32, computed on first use and kept in memory.

        Raises InputError if a vector has NaN or infinity.
        """
        unit = similarity.unit_rows(self.vectors)
        broken = np.flatnonzero(~np.isfinite(unit).all(axis=1))
        if len(broken):
            first = shown(self.words[broken[0]])
            raise InputError(
                f"the vector of {first} has numbers that are not finite, as have those of "
                f"{len(broken) - 1} other words; train again with a lower rate, or remove the words"
            )
        return unit

    def vector(self, word: str) -> Floats:
        """The vector of `word`, (D,) float32. Raises InputError if the word is unknown."""
        vector: Floats = self.vectors[self._id(word)]
        return vector

    def spelling(self, word: str) -> str:
        """The word of the vocabulary that `word` stands for: itself, or how its letters are composed there.

        A word is looked up as it is, then composed (NFC), as tokenized texts are, then decomposed (NFD).
        Raises InputError with the closest spellings if the word is unknown.
        """
        return self.words[self._id(word)]

    def similar(self, word: str, n: int = 10) -> ScoredWords:
        """The `n` words nearest to `word` by cosine, with their cosines; `word` itself is excluded.

        Raises InputError with the closest spellings if the word is unknown, and ConfigError unless `n` is
        a whole number from 1.
        """
        _check_answer_count(n)
        id_ = self._id(word)
        return self._nearest(self.unit[id_], {id_}, n)

    def analogy(self, a: str, b: str, c: str, n: int = 10) -> ScoredWords:
        """Answers to "a is to b as c is to ?": the words nearest to b - a + c, excluding a, b and c.

        analogy("man", "king", "woman") searches near king - man + woman (3CosAdd). Raises as `similar`.
        """
        _check_answer_count(n)
        ids = [self._id(word) for word in (a, b, c)]
        return self._nearest(similarity.analogy_query(self.unit, *ids), set(ids), n)

    def to_gensim(self) -> KeyedVectors:
        """A copy as gensim's KeyedVectors. Raises ConfigError if gensim is not installed."""
        try:
            from gensim.models import KeyedVectors
        except ImportError:
            raise ConfigError(
                ["to_gensim needs the package gensim; install it: pip install gensim"]
            ) from None
        copy = KeyedVectors(self.vectors.shape[1])
        copy.add_vectors(self.words, self.vectors)
        return copy

    def _nearest(self, query: Floats, excluded: set[int], n: int) -> ScoredWords:
        ids, cosines = similarity.nearest(self.unit, query[None], int(n), exclude=[excluded])
        return [
            (self.words[id_], float(cosine))
            for id_, cosine in zip(ids[0], cosines[0], strict=True)
            if id_ != similarity.NO_WORD
        ]

    def _find(self, word: str) -> int | None:
        for form in (word, unicodedata.normalize("NFC", word), unicodedata.normalize("NFD", word)):
            if form in self._ids:
                return self._ids[form]
        return None

    def _id(self, word: str) -> int:
        if not isinstance(word, str):
            raise InputError(f"a word must be a string, got {shown(word)}")
        id_ = self._find(word)
        if id_ is None:
            found = similarity.closest_spellings(word, self.words)
            # Invisible characters are escaped, as in the unknown word.
            close = [known if known.isprintable() else shown(known) for known in found]
            hint = f"; the closest spellings are: {', '.join(close)}" if close else ""
            raise InputError(f"{shown(composed(word))} is not among the {len(self):,} words{hint}")
        return id_


def _check_answer_count(n: int) -> None:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ConfigError([f"n must be a whole number of at least 1, got {shown(n)}"])


def load(source: str | Path, spark: SparkSession | None = None) -> WordVectors:
    """The vectors of a run or of a file: word2vec text or binary, GloVe text, .npy, safetensors, or
    Parquet with the columns of a run's vectors/.

    `source` is the folder of a finished run or the path of a file; `spark` is needed if it is not on
    this machine. The .npy export of a run is mapped into memory, not read. Raises InputError.
    """
    words, vectors = sources.read_or_map(str(source), spark)
    return WordVectors(words, vectors)


def read_run(root: str, spark: SparkSession | None = None) -> WordVectors:
    """The vectors of a finished run, from its table vectors/; `spark` as for `load`.

    Raises InputError if there are none.
    """
    words, vectors = sources.read(root, spark)
    return WordVectors(words, vectors)
