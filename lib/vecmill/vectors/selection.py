"""Which word vectors are needed, so that no others are read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from vecmill.core.measures.lookup import query_keys, word_key
from vecmill.vectors.formats import Vectors


class Selection(NamedTuple):
    """The words whose vectors are needed, so that no others are read.

    most_frequent  the number of most frequent words that are needed
    keys           the keys of further words; see `core.measures.lookup.word_key`
    ignore_case    whether the keys are without case
    """

    most_frequent: int
    keys: frozenset[str]
    ignore_case: bool

    def has(self, id_: int, word: str) -> bool:
        """Whether a word is needed; `id_` is its rank by descending frequency, from 0."""
        return id_ < self.most_frequent or word_key(word, ignore_case=self.ignore_case) in self.keys


def select(most_frequent: int, words: Iterable[str], *, ignore_case: bool) -> Selection:
    """The Selection of the `most_frequent` words, and of `words` in every spelling."""
    keys = (key for word in words for key in query_keys(word, ignore_case=ignore_case))
    return Selection(most_frequent, frozenset(keys), ignore_case)


def only(vectors: Vectors, selection: Selection | None) -> Vectors:
    """Those of the `vectors` that are selected; all if `selection` is None."""
    if selection is None:
        return vectors
    places = [place for place, word in enumerate(vectors.words) if selection.has(place, word)]
    return Vectors([vectors.words[place] for place in places], vectors.vectors[places])
