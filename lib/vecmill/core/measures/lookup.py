"""The words of a test found in a vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from vecmill.errors import ShapeError

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


class WordIds:
    """The ids of `words`, which come in falling frequency.

    With `ignore_case`, upper case stands for all spellings of a word, as in gensim, and its first
    spelling, the most frequent, gives the id.
    """

    def __init__(self, words: Iterable[str], *, ignore_case: bool) -> None:
        self._ignore_case = ignore_case
        self._ids: dict[str, int] = {}
        for id_, word in enumerate(words):
            self._ids.setdefault(self._folded(word), id_)

    def get(self, word: str) -> int | None:
        """The id of `word`, None where it is unknown."""
        return self._ids.get(self._folded(word))

    def all_of(self, words: Sequence[str]) -> list[int] | None:
        """The ids of `words`, None where one is unknown."""
        ids = [id_ for word in words if (id_ := self.get(word)) is not None]
        return ids if len(ids) == len(words) else None

    def known(self, words: Iterable[str]) -> tuple[list[int], tuple[str, ...]]:
        """The ids of those of `words` that are known, each once, and the unknown words."""
        found = {word: self.get(word) for word in words}
        ids = dict.fromkeys(id_ for id_ in found.values() if id_ is not None)
        return list(ids), tuple(word for word, id_ in found.items() if id_ is None)

    def first_spellings(self, words: Sequence[str]) -> Ids:
        """The ids (n,) that stand for `words`, all of them known."""
        return np.array([self._ids[self._folded(word)] for word in words], np.int64)

    def _folded(self, word: str) -> str:
        return word.upper() if self._ignore_case else word


def check_rows(words: Sequence[str], unit: Floats) -> None:
    """Raise ShapeError unless `unit` is (V, D), a row a word."""
    if unit.ndim != 2 or len(unit) != len(words):
        raise ShapeError(f"{len(words)} words expect as many rows (V, D), got {unit.shape}")
