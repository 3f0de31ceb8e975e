"""What word vectors answer when a report asks them: neighbours, analogies, bias, offsets, a map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vecmill.core.keyed_random import Purpose, generator
from vecmill.core.measures import similarity
from vecmill.core.measures.groups import spherical_k_means
from vecmill.core.measures.offsets import OffsetPlane, offset_plane
from vecmill.errors import InputError
from vecmill.evaluation import word_lists
from vecmill.evaluation.gender_bias import bias_of
from vecmill.evaluation.scores import Rules
from vecmill.report.word_map import Map, lay_out
from vecmill.vectors.formats import Vectors
from vecmill.vectors.word_vectors import Answers, WordVectors

Counts = npt.NDArray[np.int64]

MAP_WORDS = 2000
# Rarer words have learnt little, and few of them could be shown on the map beside the word.
MAP_NEIGHBOURS_AMONG = 10_000
MAP_NEIGHBOURS = 8

# As many as there are colours that one can tell apart, in style.css.
GROUPS = 8
GROUP_WORDS = 4
# The middle of a group is often a rare word, which says little to a reader.
GROUP_WORDS_AMONG = 1000

CARDS = 9
CARD_NEIGHBOURS = 8
ANALOGY_ANSWERS = 4

# Below these a picture would show chance.
LEAST_PAIRS, LEAST_OCCUPATIONS, LEAST_FAMILIES = 3, 6, 3
EXTREMES = 10
# Rare words lie far out by chance.
EXTREMES_AMONG = 10_000

SHOWN_WORDS = (
    "king", "bread", "music", "mountain", "water", "war", "joy", "physics", "red",
    "doctor", "river", "moses", "three", "city", "ship", "winter",
)  # fmt: skip

# a is to b as c is to d; the first nine whose a, b and c are known are asked.
ANALOGIES = (
    ("man", "king", "woman", "queen"),
    ("france", "paris", "germany", "berlin"),
    ("slow", "slower", "strong", "stronger"),
    ("go", "went", "see", "saw"),
    ("he", "she", "his", "her"),
    ("brother", "sister", "son", "daughter"),
    ("japan", "tokyo", "italy", "rome"),
    ("son", "sons", "daughter", "daughters"),
    ("day", "night", "light", "darkness"),
    ("father", "mother", "man", "woman"),
)
ANALOGIES_SHOWN = 9

FAMILIES: dict[str, Sequence[Sequence[str]]] = {
    "Comparatives": word_lists.COMPARATIVES,
    "Male and female": word_lists.MALE_FEMALE,
    "Countries and capitals": word_lists.CAPITALS,
    "Past tenses": word_lists.PAST_TENSES,
}


@dataclass(frozen=True)
class Neighbours:
    """A word, how often it occurs where that is known, and its nearest with their cosines."""

    word: str
    count: int | None
    near: Answers


@dataclass(frozen=True)
class Analogy:
    """a is to b as c is to ...: the answers with their cosines, and the one a person would give."""

    a: str
    b: str
    c: str
    expected: str
    answers: Answers


@dataclass(frozen=True)
class GenderBias:
    """Occupations along the direction from "he" to "she", most female first.

    explained    the direction's share of how the pairs differ, then the next one's
    pairs        how many pairs it rests on
    occupations  with their projections: those furthest to either side
    female       the words furthest towards "she" among the `among` most frequent, and `male` likewise
    analogy      "man is to computer programmer as woman is to", and the answers that lie near; None
                 where a word of the question is unknown
    """

    explained: tuple[float, float]
    pairs: int
    occupations: Answers
    female: Answers
    male: Answers
    among: int
    analogy: tuple[tuple[str, str, str], Answers] | None


@dataclass(frozen=True)
class WordMap:
    """Words in a plane, most frequent first, and for each the ids and cosines of its nearest.

    words   the n on the map, then others that are near to one of them
    counts  of all `words`; empty where they are not known
    near    n lists of (id among `words`, cosine)
    groups  (n,) which of the clusters each word is in, found in all dimensions
    typical for each cluster its most typical words, of the frequent ones
    """

    words: list[str]
    counts: list[int]
    layout: Map
    near: list[list[tuple[int, float]]]
    groups: list[int]
    typical: list[list[str]]
    among: int


@dataclass(frozen=True)
class Asked:
    """All answers of the vectors; a part is None or empty where their vocabulary is too small for it."""

    words: int
    dim: int
    neighbours: list[Neighbours]
    analogies: list[Analogy]
    map: WordMap | None
    gender: GenderBias | None
    offsets: dict[str, OffsetPlane]


def ask(vectors: WordVectors, counts: Counts | None, words: Sequence[str], seed: int) -> Asked:
    """Ask `vectors` everything a report tells.

    `words` are looked at closely in place of the report's own choice; unknown ones are passed over.
    """
    neighbours = [
        Neighbours(word, _count(vectors, counts, word), vectors.similar(word, CARD_NEIGHBOURS))
        for word in chosen_words(vectors, words)
    ]
    analogies = [
        Analogy(a, b, c, d, vectors.analogy(a, b, c, ANALOGY_ANSWERS))
        for a, b, c, d in ANALOGIES
        if all(word in vectors for word in (a, b, c))
    ][:ANALOGIES_SHOWN]
    unit = similarity.unit_rows(vectors.vectors)
    gender = gender_bias(vectors)
    offsets = {name: offset_plane(vectors.words, unit, some) for name, some in FAMILIES.items()}
    offsets = {name: plane for name, plane in offsets.items() if len(plane.families) >= LEAST_FAMILIES}
    mentioned = [word for some in neighbours for word in (some.word, *(w for w, _ in some.near))]
    mentioned += [word for some in analogies for word, _ in some.answers]
    if gender:
        mentioned += [word for word, _ in (*gender.occupations, *gender.female, *gender.male)]
    return Asked(
        words=len(vectors),
        dim=vectors.vectors.shape[1],
        neighbours=neighbours,
        analogies=analogies,
        map=word_map(vectors, unit, counts, mentioned, seed),
        gender=gender,
        offsets=offsets,
    )


def chosen_words(vectors: WordVectors, wanted: Sequence[str]) -> list[str]:
    """The known words of those wanted, or of a list that suits most corpora.

    Where that leaves fewer than three, words of the vocabulary that are neither rare nor empty.
    """
    known = [word for word in wanted or SHOWN_WORDS if word in vectors]
    if wanted or len(known) >= 3:
        return known if wanted else known[:CARDS]
    middling = [word for word in vectors.words[50:2000] if len(word) > 3] or vectors.words
    return middling[:: max(1, len(middling) // CARDS)][:CARDS]


def gender_bias(vectors: WordVectors) -> GenderBias | None:
    """Occupations and words furthest along the gender direction; None where too few words are known."""
    try:
        found = bias_of(Vectors(vectors.words, vectors.vectors), Rules(min(EXTREMES_AMONG, len(vectors))))
    except InputError:
        return None
    pairs = len(word_lists.GENDER_PAIRS) - len(found.direction.unknown)
    if pairs < LEAST_PAIRS or len(found.occupations) < LEAST_OCCUPATIONS:
        return None
    occupations, words = [*found.occupations.items()], [*found.words.items()]
    shares = [float(share) for share in found.direction.explained[:2]]
    return GenderBias(
        explained=(shares[0], shares[1] if len(shares) > 1 else 0.0),
        pairs=pairs,
        # Where there are few, the two ends meet.
        occupations=[*dict([*occupations[:EXTREMES], *occupations[-EXTREMES:]]).items()],
        female=words[:EXTREMES],
        male=words[: -EXTREMES - 1 : -1],
        among=len(words),
        analogy=None if isinstance(found.answers, str) else (found.asked, found.answers),
    )


def word_map(
    vectors: WordVectors,
    unit: similarity.Floats,
    counts: Counts | None,
    mentioned: Iterable[str],
    seed: int,
) -> WordMap | None:
    """The most frequent words and those `mentioned`, laid out; None where there are fewer than three."""
    ids_of = {word: id_ for id_, word in enumerate(vectors.words)}
    ids = sorted({*range(min(MAP_WORDS, len(vectors))), *(ids_of[word] for word in mentioned)})
    if len(ids) < 3:
        return None
    among = unit[:MAP_NEIGHBOURS_AMONG]
    near, cosines = similarity.nearest(among, unit[ids], MAP_NEIGHBOURS, exclude=[{id_} for id_ in ids])
    groups, typical = groups_of(unit[ids], seed)
    shown = list(dict.fromkeys([*ids, *(int(id_) for id_ in near.ravel() if id_ >= 0)]))
    place = {id_: n for n, id_ in enumerate(shown)}
    return WordMap(
        words=[vectors.words[id_] for id_ in shown],
        counts=[int(counts[id_]) for id_ in shown] if counts is not None else [],
        layout=lay_out(unit[ids], seed),
        near=[
            [(place[int(i)], float(cosine)) for i, cosine in zip(row, some, strict=True) if i >= 0]
            for row, some in zip(near, cosines, strict=True)
        ],
        groups=groups,
        typical=[[vectors.words[ids[row]] for row in rows] for rows in typical],
        among=len(among),
    )


def groups_of(unit: similarity.Floats, seed: int) -> tuple[list[int], list[list[int]]]:
    """The cluster of each of the rows `unit` (n, D), and for each cluster the most typical rows.

    The cluster with the most frequent rows comes first, so that colours say the same in every report.
    """
    count = min(GROUPS, len(unit) // GROUP_WORDS)
    if count < 2:
        return [0] * len(unit), []
    found = spherical_k_means(unit, count, generator(seed, Purpose.EVALUATE), restarts=3)
    order = list(dict.fromkeys(found.tolist()))
    groups = [order.index(cluster) for cluster in found]
    typical = []
    for group in range(len(order)):
        members = np.flatnonzero(np.array(groups) == group)
        centre = unit[members].mean(axis=0)
        frequent = members[members < GROUP_WORDS_AMONG]
        some = frequent if len(frequent) >= GROUP_WORDS else members
        typical.append([int(id_) for id_ in some[np.argsort(-(unit[some] @ centre), kind="stable")]])
    return groups, [ids[:GROUP_WORDS] for ids in typical]


def _count(vectors: WordVectors, counts: Counts | None, word: str) -> int | None:
    return None if counts is None else int(counts[vectors.words.index(word)])
