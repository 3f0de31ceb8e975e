"""How many words a text has, by Heaps' law: fitted to a sample of the text itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vecmill.core.sampling import keep_probability

# Shares of the sample at which its distinct words are counted, in random orders of its places.
_SHARES = tuple(2.0**-power for power in range(5, -1, -1))
_ORDERS = 8

# The exponent of Heaps' law falls as a text grows, and is the less certain the further it is extrapolated.
# With samples of 4 MB out of three texts of 105 to 224 MB (an encyclopedia, Python code, and documents and
# headers of a system), 20 of 24 predictions of the words that occur 1, 5, 20 and 100 times were within the
# range. Texts whose words come in clusters can be far outside it: 0.09 of the count was predicted for one.
_FALL = 0.04
_FACTOR = 1.5
_UNSURE_BELOW, _UNSURE_ABOVE = 0.07, 0.04
_LEAST_EXPONENT, _USUAL_EXPONENT, _MOST_EXPONENT = 0.2, 0.6, 1.0
# How often a word must be expected in the sample so that its count there decides: 1 / _CHANCE times.
_CHANCE = 1 / 3
# Words that are enough to measure how many of them are frequent.
_ENOUGH_WORDS = 50


class Range(NamedTuple):
    """An estimate, and the limits between which the true value is likely to be."""

    low: float
    middle: float
    high: float

    def rounded(self, least: int, most: float) -> tuple[int, int, int]:
        """The three as whole numbers between limits."""
        low, middle, high = (round(min(max(value, least), most)) for value in self)
        return low, middle, high


class Growth(NamedTuple):
    """The words of a sample, and how their number grows with the tokens.

    counts  (words,) occurrences of each word in the sample
    shares  parts of the sample's tokens, ascending, the last 1
    words   (len(shares),) distinct words in these parts
    """

    counts: npt.NDArray[np.int64]
    shares: npt.NDArray[np.float64]
    words: npt.NDArray[np.float64]

    @property
    def tokens(self) -> int:
        """All tokens of the sample."""
        return int(self.counts.sum())

    def words_at(self, tokens: float, min_count: int) -> Range:
        """The words that occur at least `min_count` times among so many tokens of the same text.

        By Heaps' law these are about as many as all words among tokens / min_count tokens; what the law is
        off by is measured within the sample. If the sample is so large that such words occur in it several
        times, they are counted there.

        tokens  at least those of the sample
        """
        ratio = tokens / (min_count * self.tokens)
        middle = self._by_heaps(ratio, min_count)
        if self._is_even():
            middle = self._if_equally_frequent(tokens, min_count)
        elif ratio < 1:
            # The more often they occur in the sample, the less does chance decide on the count.
            weight = min(1.0, math.log(ratio) / math.log(_CHANCE))
            counted = self._words_with(1 / ratio)
            middle = math.exp((1 - weight) * math.log(middle) + weight * math.log(max(counted, 1)))
        beyond = max(1.0, ratio)
        return Range(
            middle / (_FACTOR * beyond**_UNSURE_BELOW), middle, middle * _FACTOR * beyond**_UNSURE_ABOVE
        )

    def covered(self, tokens: float, min_count: int, max_size: int | None) -> float:
        """Tokens of the words that occur at least `min_count` times and are among the `max_size` first."""
        # Words that occur once take a token each, words that occur twice two, and so on.
        kept = self.words_at(tokens, min_count).middle
        rare = sum(max(0.0, self.words_at(tokens, k).middle - kept) for k in range(1, min(min_count, 100)))
        share = 1.0
        if max_size is not None and max_size < len(self.counts):
            share = float(np.sort(self.counts)[::-1][:max_size].sum()) / self.tokens
        return min(max(tokens - rare, 0.5 * tokens), share * tokens)

    def kept(self, subsample: float) -> tuple[float, float]:
        """The share of tokens that subsampling keeps, and the share of the most frequent word in them."""
        kept = self.counts * keep_probability(self.counts, self.tokens, subsample)
        return float(kept.sum() / self.tokens), float(kept.max() / kept.sum())

    def _by_heaps(self, ratio: float, min_count: int) -> float:
        # Measured at the largest count that enough words have.
        count = min(min_count, int(np.sort(self.counts)[-_ENOUGH_WORDS:][0]))
        correction = float((self.counts >= count).sum()) / self._words_in(1 / count)
        if ratio <= 1:
            return correction * self._words_in(ratio)
        return float(correction * self.words[-1] * ratio ** (self._exponent() - _FALL))

    def _exponent(self) -> float:
        """The exponent of Heaps' law at the end of the sample."""
        if self.shares[-3] == self.shares[-1]:
            return _USUAL_EXPONENT
        slope = math.log(self.words[-1] / self.words[-3]) / math.log(self.shares[-1] / self.shares[-3])
        return min(max(slope, _LEAST_EXPONENT), _MOST_EXPONENT)

    def _words_in(self, share: float) -> float:
        """The distinct words in a part of the sample, by Heaps' law between the parts that were counted."""
        found = np.interp(math.log(share), np.log(self.shares), np.log(self.words))
        if share < self.shares[0] < self.shares[1]:
            slope = math.log(self.words[1] / self.words[0]) / math.log(self.shares[1] / self.shares[0])
            found += slope * math.log(share / self.shares[0])
        return float(np.exp(found))

    def _words_with(self, count: float) -> float:
        """The words that occur at least so many times in the sample; between whole numbers, in between."""
        below = int(count)
        more, fewer = ((self.counts >= times).sum() for times in (below, below + 1))
        return int(more) + (count - below) * (int(fewer) - int(more))

    def _is_even(self) -> bool:
        """Whether fewer words occur three times than Heaps' law has, as if all were equally frequent."""
        twice, three = (int((self.counts == times).sum()) for times in (2, 3))
        return three < 0.6 * (2 - self._exponent()) / 3 * twice

    def _if_equally_frequent(self, tokens: float, min_count: int) -> float:
        """The same as `words_at` for words of equal frequencies, whose number Chao (1984) estimates."""
        once, twice = (max(1, int((self.counts == times).sum())) for times in (1, 2))
        words = len(self.counts) + once**2 / (2 * twice)
        return max(1.0, words * _poisson_at_least(min_count, tokens / words))


def _poisson_at_least(count: int, mean: float) -> float:
    """The probability that a Poisson variable is at least `count`."""
    if count > 1000 or mean > 1000:
        return float(mean >= count)
    below = np.arange(count)
    logs = below * math.log(mean) - mean - np.array([math.lgamma(k + 1) for k in below])
    return max(0.0, 1 - float(np.exp(logs).sum()))


def growth_of(places: Sequence[npt.NDArray[np.integer]], words: int) -> Growth:
    """The growth of a sample from the ids of the words at each of its places; ids are below `words`.

    The places come in random orders, so that neighbouring ones, which share their topic, are apart.
    """
    pieces = _at_least(places, 2 * round(1 / _SHARES[0]))
    ids = np.concatenate(pieces)
    lengths = np.array([len(piece) for piece in pieces])
    of_piece = np.repeat(np.arange(len(pieces)), lengths)
    rng = np.random.default_rng(1)
    found = np.zeros((_ORDERS, len(_SHARES), 2))
    for order in range(_ORDERS):
        rank = rng.permutation(len(pieces))
        first = np.full(words, len(pieces))
        np.minimum.at(first, ids, rank[of_piece])
        seen = np.cumsum(np.bincount(first, minlength=len(pieces) + 1))
        read = np.cumsum(lengths[np.argsort(rank)])
        upto = np.maximum(1, np.round(np.array(_SHARES) * len(pieces)).astype(int)) - 1
        found[order] = np.stack([read[upto] / len(ids), seen[upto]], axis=1)
    shares, distinct = found.mean(axis=0).T
    return Growth(np.bincount(ids, minlength=words).astype(np.int64), shares, distinct)


def _at_least(places: Sequence[npt.NDArray[np.integer]], pieces: int) -> list[npt.NDArray[np.integer]]:
    """The places, cut into at least so many pieces if there are tokens enough; without empty ones."""
    parts = -(-pieces // max(1, len(places)))
    return [piece for place in places for piece in np.array_split(place, parts) if len(piece)]
