"""The numbers about a corpus that a plan needs: counted, or estimated from its size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from vecmill.config import Config
from vecmill.core.sampling import keep_probability
from vecmill.formatting import format_bytes
from vecmill.runs.manifest import Manifest
from vecmill.runs.run import vocabulary_columns
from vecmill.storage.store import Store

# English text with spaces has one token per 6.0 bytes. Heaps' law: among n tokens, 12.8 (n / m)^0.573 words
# occur m times or more. Fitted to 0.25 to 17 million tokens of an encyclopedia. It is within 25 % of the
# counts there for m = 1 and m = 5, and of vocabularies published for 0.8 billion tokens.
_BYTES_PER_TOKEN = 6.0
_HEAPS_FACTOR, _HEAPS_EXPONENT = 12.8, 0.573

# Bytes of text per byte of a compressed file.
EXPANSION = {".gz": 3.0, ".bz2": 4.0, ".zst": 3.5, ".xz": 4.0, ".parquet": 2.0, ".orc": 2.0}


@dataclass(frozen=True)
class Corpus:
    """The numbers that requirements are computed from.

    tokens      all tokens
    covered     tokens whose word is in the vocabulary
    vocabulary  words that get a vector
    keep_ratio  share of the covered tokens that subsampling keeps
    hottest     share of the most frequent word in the tokens that are kept
    origin      how these are known, in sentences
    """

    tokens: int
    covered: int
    vocabulary: int
    keep_ratio: float
    hottest: float
    origin: tuple[str, ...]


def estimate(text_bytes: float, config: Config) -> Corpus:
    """The corpus that a text of this many bytes is likely to be."""
    tokens = max(1, round(text_bytes / _BYTES_PER_TOKEN))
    words = heaps(tokens, config.vocabulary.min_count)
    if config.vocabulary.max_size is not None:
        words = min(words, config.vocabulary.max_size)
    return Corpus(
        tokens,
        tokens,
        words,
        *zipf_kept(words, config.pairs.subsample),
        (
            f"AN ESTIMATE from {format_bytes(text_bytes)} of text as if it were English prose: a token per "
            f"{_BYTES_PER_TOKEN:g} bytes; {_HEAPS_FACTOR:g} (tokens / min_count)^{_HEAPS_EXPONENT:g} words "
            "(Heaps' law), whose counts fall as 1 / rank (Zipf's law).",
            "Markup, other languages and mixed sources can have several times the vocabulary; "
            "'vecmill vocabulary' counts both, and the plan then uses its counts.",
        ),
    )


def heaps(tokens: int, min_count: int) -> int:
    """The approximate number of words that occur `min_count` times or more among this many tokens."""
    words = _HEAPS_FACTOR * math.pow(tokens / min_count, _HEAPS_EXPONENT)
    return max(1, min(tokens, round(words)))


class Kept(NamedTuple):
    """The share of tokens that subsampling keeps, and the share of the most frequent word in them."""

    ratio: float
    hottest: float


def zipf_kept(words: int, subsample: float) -> Kept:
    """What subsampling keeps if counts fall as 1 / rank.

    For a corpus of 70,211 words this gives 0.778 at a threshold of 1e-3, where 0.769 was counted,
    and 0.591 at 1e-4, where 0.592 was counted.
    """
    # Only frequent words lose tokens; the others only add to the sum of 1 / rank.
    head = 1 / np.arange(1, min(words, 1_000_000) + 1)
    share = head / (head.sum() + math.log(words / len(head)))
    # Among 1e12 tokens, rounding to whole tokens does not matter.
    counts = np.maximum(1, share * 1e12).astype(np.int64)
    keep = keep_probability(counts, 10**12, subsample)
    ratio = 1 - float(share @ (1 - keep))
    return Kept(ratio, float((share * keep).max()) / ratio)


def counted(stages: Mapping[str, Mapping[str, Any]], kept: Kept) -> Corpus:
    """The corpus from the records of the stages "tokenize" and "vocabulary" of a run."""
    vocabulary = stages["vocabulary"]
    return Corpus(
        stages["tokenize"]["tokens"],
        vocabulary["tokens_covered"],
        vocabulary["words"],
        *kept,
        ("Tokens and vocabulary are counted; the output has them already.",),
    )


def counted_corpus(store: Store, manifest: Manifest) -> Corpus:
    """The corpus of a run directory that has a vocabulary: 16 bytes per word on the driver.

    Raises InputError if the vocabulary lacks a file.
    """
    store.check_whole("vocabulary")
    columns = vocabulary_columns(store, "count", "keep_probability")
    count, keep = (column.to_numpy() for column in columns.values())
    kept = count * keep
    return counted(
        manifest.content["stages"], Kept(float(kept.sum() / count.sum()), float(kept.max() / kept.sum()))
    )
