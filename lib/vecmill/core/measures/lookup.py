"""Lookup of test words in a vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from vecmill.core.arrays import Floats, Places
from vecmill.errors import ShapeError


class WordIds:
    """The ids of `words`, which are sorted by falling frequency.

    With `ignore_case`, spellings that agree in upper case are one word, as in gensim. Its id is that
    of its most frequent spelling.
    """

    def __init__(self, words: Iterable[str], *, ignore_case: bool) -> None:
        self._ignore_case = ignore_case
        self._ids: dict[str, int] = {}
        for id_, word in enumerate(words):
            self._ids.setdefault(self._folded(word), id_)

    def get(self, word: str) -> int | None:
        """The id of `word`, or None if it is unknown."""
        return self._ids.get(self._folded(word))

    def all_of(self, words: Sequence[str]) -> list[int] | None:
        """The ids of `words`, or None if one of them is unknown."""
        ids = [id_ for word in words if (id_ := self.get(word)) is not None]
        return ids if len(ids) == len(words) else None

    def known(self, words: Iterable[str]) -> tuple[list[int], tuple[str, ...]]:
        """The distinct ids of the known `words`, and the unknown words."""
        ids_by_word = {word: self.get(word) for word in words}
        ids = dict.fromkeys(id_ for id_ in ids_by_word.values() if id_ is not None)
        return list(ids), tuple(word for word, id_ in ids_by_word.items() if id_ is None)

    def first_spellings(self, words: Sequence[str]) -> Places:
        """The id of the most frequent spelling of each of `words` (n,), all of which are known."""
        return np.array([self._ids[self._folded(word)] for word in words], np.int64)

    def _folded(self, word: str) -> str:
        return word.upper() if self._ignore_case else word


def check_rows(words: Sequence[str], unit: Floats) -> None:
    """Raise ShapeError unless `unit` is (V, D), with one row per word."""
    if unit.ndim != 2 or len(unit) != len(words):
        raise ShapeError(f"expected unit rows ({len(words)}, D), one per word, got {unit.shape}")
