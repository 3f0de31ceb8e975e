"""The report's queries to word vectors: neighbours, analogies, gender bias, offsets and the map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from vecmill.core.arrays import Floats, Places
from vecmill.core.keyed_random import Purpose, generator
from vecmill.core.measures import similarity
from vecmill.core.measures.groups import spherical_k_means
from vecmill.core.measures.offsets import OffsetPlane, offset_plane
from vecmill.core.measures.similarity import ScoredWords
from vecmill.errors import InputError
from vecmill.evaluation import word_lists
from vecmill.evaluation.gender_bias import GenderBias, measure_gender_bias, most_gendered
from vecmill.evaluation.scores import Rules
from vecmill.report.map_layout import Layout, lay_out
from vecmill.vectors.formats import Vectors
from vecmill.vectors.word_vectors import WordVectors

MAP_WORDS = 2000
# Rarer words are badly trained, and few of them would be on the map too.
MAP_NEIGHBOURS_AMONG = 10_000
MAP_NEIGHBOURS = 8

# The number of colours in style.css; more would be hard to tell apart.
GROUPS = 8
GROUP_WORDS = 4
# The word nearest to the centre of a group is often rare, which says little to a reader.
GROUP_WORDS_AMONG = 1000

CARDS = 9
CARD_NEIGHBOURS = 8
ANALOGIES_SHOWN = 9
ANALOGY_ANSWERS = 4

# With fewer, a picture would show chance.
MIN_PAIRS, MIN_OCCUPATIONS, MIN_FAMILIES = 3, 6, 3
# The projections of rare words are large by chance.
BIAS_AMONG = 10_000

FAMILIES: dict[str, Sequence[Sequence[str]]] = {
    "Comparatives": word_lists.COMPARATIVES,
    "Male and female": word_lists.MALE_FEMALE,
    "Countries and capitals": word_lists.CAPITALS,
    "Past tenses": word_lists.PAST_TENSES,
}


@dataclass(frozen=True)
class Neighbours:
    """A word, its count if known, and its nearest words with their cosines."""

    word: str
    count: int | None
    near: ScoredWords


@dataclass(frozen=True)
class Analogy:
    """a is to b as c is to ?: the answers with their cosines, and the expected answer."""

    a: str
    b: str
    c: str
    expected: str
    answers: ScoredWords


@dataclass(frozen=True)
class WordMap:
    """The n words on the map, most frequent first, and the nearest words of each.

    words    the n words, then other words that are near to one of them
    counts   of all `words`; empty if unknown
    near     n lists of (id among `words`, cosine)
    groups   (n,) cluster of each word on the map, computed in all dimensions
    typical  for each cluster its most typical words, out of the frequent ones
    among    number of most frequent words out of which the nearest come
    """

    words: list[str]
    counts: list[int]
    layout: Layout
    near: list[list[tuple[int, float]]]
    groups: list[int]
    typical: list[list[str]]
    among: int


@dataclass(frozen=True)
class VectorAnswers:
    """All answers of the vectors; a part is None or empty if their vocabulary is too small for it."""

    dim: int
    neighbours: list[Neighbours]
    analogies: list[Analogy]
    map: WordMap | None
    bias: GenderBias | None
    offsets: dict[str, OffsetPlane]


def collect_answers(
    vectors: WordVectors, counts: Places | None, words: Sequence[str], seed: int
) -> VectorAnswers:
    """Run all queries of the report on `vectors`.

    counts  (V,) how often each word occurs, if known
    words   words whose neighbours are shown, instead of the default words

    Raises InputError with the closest spellings if one of the `words` is unknown.
    """
    for word in words:
        vectors.spelling(word)
    neighbours = [
        Neighbours(word, _count(vectors, counts, word), vectors.similar(word, CARD_NEIGHBOURS))
        for word in word_lists.words_to_show(vectors, words, CARDS)
    ]
    analogies = [
        Analogy(a, b, c, d, vectors.analogy(a, b, c, ANALOGY_ANSWERS))
        for a, b, c, d in word_lists.ANALOGIES
        if all(word in vectors for word in (a, b, c))
    ][:ANALOGIES_SHOWN]
    bias = measurable_bias(vectors)
    planes = {name: offset_plane(vectors.words, vectors.unit, some) for name, some in FAMILIES.items()}
    mentioned = [word for card in neighbours for word in (card.word, *(near for near, _ in card.near))]
    mentioned += [word for analogy in analogies for word, _ in analogy.answers]
    if bias:
        mentioned += [*most_gendered(bias.occupations), *most_gendered(bias.words)]
    return VectorAnswers(
        dim=vectors.vectors.shape[1],
        neighbours=neighbours,
        analogies=analogies,
        map=map_words(vectors, counts, mentioned, seed),
        bias=bias,
        offsets={name: plane for name, plane in planes.items() if len(plane.families) >= MIN_FAMILIES},
    )


def measurable_bias(vectors: WordVectors) -> GenderBias | None:
    """The GenderBias of the most frequent words; None if too few pairs or occupations are known."""
    try:
        bias = measure_gender_bias(Vectors(vectors.words, vectors.vectors), Rules(BIAS_AMONG))
    except InputError:
        return None
    is_measurable = bias.pairs >= MIN_PAIRS and len(bias.occupations) >= MIN_OCCUPATIONS
    return bias if is_measurable else None


def map_words(
    vectors: WordVectors, counts: Places | None, mentioned: Iterable[str], seed: int
) -> WordMap | None:
    """The map of the most frequent words and those `mentioned`; None if there are fewer than three."""
    ids_of = {word: id_ for id_, word in enumerate(vectors.words)}
    ids = sorted({*range(min(MAP_WORDS, len(vectors))), *(ids_of[word] for word in mentioned)})
    if len(ids) < 3:
        return None
    among, unit = vectors.unit[:MAP_NEIGHBOURS_AMONG], vectors.unit[ids]
    near, cosines = similarity.nearest(among, unit, MAP_NEIGHBOURS, exclude=[{id_} for id_ in ids])
    groups, typical = cluster_words(unit, seed)
    all_ids = list(dict.fromkeys([*ids, *(int(id_) for id_ in near.ravel() if id_ >= 0)]))
    places = {id_: place for place, id_ in enumerate(all_ids)}
    return WordMap(
        words=[vectors.words[id_] for id_ in all_ids],
        counts=[int(counts[id_]) for id_ in all_ids] if counts is not None else [],
        layout=lay_out(unit, seed),
        near=[
            [(places[int(id_)], float(cosine)) for id_, cosine in zip(*row, strict=True) if id_ >= 0]
            for row in zip(near, cosines, strict=True)
        ],
        groups=groups,
        typical=[[vectors.words[ids[row]] for row in rows] for rows in typical],
        among=len(among),
    )


def cluster_words(unit: Floats, seed: int) -> tuple[list[int], list[list[int]]]:
    """The cluster of each row of `unit` (n, D), and for each cluster its most typical rows.

    Clusters are numbered by their most frequent word, so that colours are stable between reports.
    """
    count = min(GROUPS, len(unit) // GROUP_WORDS)
    if count < 2:
        return [0] * len(unit), []
    clusters = spherical_k_means(unit, count, generator(seed, Purpose.EVALUATE), restarts=3)
    order = list(dict.fromkeys(clusters.tolist()))
    groups = [order.index(cluster) for cluster in clusters]
    typical = []
    for group in range(len(order)):
        members = np.flatnonzero(np.array(groups) == group)
        centre = unit[members].mean(axis=0)
        frequent = members[members < GROUP_WORDS_AMONG]
        candidates = frequent if len(frequent) >= GROUP_WORDS else members
        by_cosine = np.argsort(-(unit[candidates] @ centre), kind="stable")
        typical.append([int(row) for row in candidates[by_cosine][:GROUP_WORDS]])
    return groups, typical


def _count(vectors: WordVectors, counts: Places | None, word: str) -> int | None:
    return None if counts is None else int(counts[vectors.words.index(word)])
