"""A corpus whose neighbours are known: each text is about one topic, each topic has its own words."""

from __future__ import annotations

from pathlib import Path

import numpy as np

TOPICS = 12
WORDS_OF_TOPIC = 6
_COMMON = ["the", "of", "and", "a", "in"]


def topic_words(topic: int) -> list[str]:
    """The words that only texts of this topic use."""
    return [f"{chr(ord('a') + topic)}{number}" for number in range(WORDS_OF_TOPIC)]


def write_corpus(path: Path, *, texts: int = 1500, length: int = 16, seed: int = 7) -> Path:
    """Write `texts` lines of `length` words: two in three of the line's topic, the rest common ones."""
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(texts):
        topic = topic_words(int(rng.integers(TOPICS)))
        words = [
            topic[rng.integers(WORDS_OF_TOPIC)] if rng.random() < 0.67 else _COMMON[rng.integers(5)]
            for _ in range(length)
        ]
        lines.append(" ".join(words))
    path.write_text("\n".join(lines) + "\n")
    return path


def neighbour_precision(similar) -> float:  # type: ignore[no-untyped-def]
    """The share of each topic word's nearest words that are of its own topic; by chance 0.07."""
    hits = asked = 0
    for topic in range(TOPICS):
        own = topic_words(topic)
        for word in own:
            near = [found for found, _ in similar(word, WORDS_OF_TOPIC - 1)]
            hits += len(set(near) & set(own))
            asked += WORDS_OF_TOPIC - 1
    return hits / asked
