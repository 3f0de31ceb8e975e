"""Lookup of test words in a vocabulary."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from vecmill.core.arrays import Floats, Places
from vecmill.errors import ShapeError

# What casefold() makes of the dotted capital, and texts lower-cased without a language have.
_DOTTED_I = "i\N{COMBINING DOT ABOVE}"
_DOTLESS_I = "\N{LATIN SMALL LETTER DOTLESS I}"


def composed(word: str) -> str:
    """`word` in NFC, as in tokenized texts: é is one character however it was typed."""
    return word if word.isascii() else unicodedata.normalize("NFC", word)


def word_key(word: str, *, ignore_case: bool) -> str:
    """The key under which all spellings of `word` are one word: its NFC, without case if that is ignored.

    Case folding is Unicode's, except that the dotted capital is the capital of i. The dotless i has a key
    of its own, so Turkish words that differ only in it stay apart.
    """
    if word.isascii():
        return word.lower() if ignore_case else word
    key = composed(word)
    return composed(key.casefold().replace(_DOTTED_I, "i")) if ignore_case else key


def query_keys(word: str, *, ignore_case: bool) -> tuple[str, ...]:
    """The keys under which `word` of a question is looked up, in this order.

    If case is ignored, the letter I is the capital of i, and in Turkish of the dotless i.
    """
    key = word_key(word, ignore_case=ignore_case)
    if not ignore_case or "I" not in word:
        return (key,)
    return key, word_key(word.replace("I", _DOTLESS_I), ignore_case=True)


class WordIds:
    """The ids of `words`, which are sorted by falling frequency.

    Spellings with the same `word_key` are one word. Its id is that of its most frequent spelling. With
    `ignore_case` this agrees with gensim, except for the dotted and the dotless i
    of Turkish.
    """

    def __init__(self, words: Iterable[str], *, ignore_case: bool) -> None:
        self._ignore_case = ignore_case
        self._ids: dict[str, int] = {}
        for id_, word in enumerate(words):
            self._ids.setdefault(word_key(word, ignore_case=ignore_case), id_)

    def get(self, word: str) -> int | None:
        """The id of `word`, or None if it is unknown."""
        for key in query_keys(word, ignore_case=self._ignore_case):
            if key in self._ids:
                return self._ids[key]
        return None

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
        keys = (word_key(word, ignore_case=self._ignore_case) for word in words)
        return np.array([self._ids[key] for key in keys], np.int64)


def check_rows(words: Sequence[str], unit: Floats) -> None:
    """Raise ShapeError unless `unit` is (V, D), with one row per word."""
    if unit.ndim != 2 or len(unit) != len(words):
        raise ShapeError(f"expected unit rows ({len(words)}, D), one per word, got {unit.shape}")
