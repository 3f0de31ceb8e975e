"""Offsets between related words, such as slow, slower and slowest, drawn in a plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Doubles, Floats
from vecmill.core.measures.lookup import WordIds, check_rows
from vecmill.core.measures.principal_plane import principal_plane
from vecmill.core.measures.similarity import unit_rows


class OffsetPlane(NamedTuple):
    """Families of words as paths in a plane.

    families     families of which all words are known
    coordinates  one array per family, (its words, 2): one point per word
    explained    (2,)   each axis's share of the variance of the words
    alignment    mean cosine between the steps of two families, in all dimensions: 1 if all are parallel
    by_chance    the same for steps from a word of one family to the next word of another family
    unknown      families that have an unknown word, left out
    """

    families: list[tuple[str, ...]]
    coordinates: list[Doubles]
    explained: Doubles
    alignment: float
    by_chance: float
    unknown: list[tuple[str, ...]]


def offset_plane(
    words: Sequence[str],
    unit: Floats,
    families: Sequence[Sequence[str]],
    *,
    ignore_case: bool = True,
) -> OffsetPlane:
    """The words of `families` in the plane of the first two principal components of their rows.

    If a relation is an offset, the paths of the families are parallel (Mikolov et al. 2013,
    "Distributed representations of words and phrases and their compositionality", fig. 2). Each axis
    points in the mean direction of the families, from first word to last, so that pictures are not
    mirrored between machines. An axis along which the words do not vary has coordinates 0 and share
    0.

        words  V, sorted by falling frequency
        unit   (V, D)   rows of length 1

    Raises ShapeError.
    """
    check_rows(words, unit)
    word_ids = WordIds(words, ignore_case=ignore_case)
    looked_up = [(tuple(family), word_ids.all_of(family)) for family in families]
    known = [(family, ids) for family, ids in looked_up if ids]
    unknown = [family for family, ids in looked_up if not ids]

    points, explained = principal_plane(unit[[id_ for _, ids in known for id_ in ids]])
    paths = np.split(points, np.cumsum([len(ids) for _, ids in known])[:-1])[: len(known)]
    total_step = sum((path[-1] - path[0] for path in paths), np.zeros(2))
    signs = np.where(total_step < 0, -1.0, 1.0)
    rows = [unit[ids] for _, ids in known]
    alignments = [step_alignment(rows, shift) for shift in range(max(1, len(rows)))]
    return OffsetPlane(
        [family for family, _ in known],
        [path * signs for path in paths],
        explained,
        alignments[0],
        float(np.mean(alignments[1:])) if alignments[1:] else math.nan,
        unknown,
    )


def step_alignment(families: Sequence[Floats], shift: int = 0) -> float:
    """The mean cosine between corresponding steps of two `families`; NaN if no two have the same step.

    A step leads from a word to the next word of its family. With a `shift`, it leads to the next word
    of the family `shift` places further on. This measures how well steps agree only because all of
    them lead from one class of words to another, such as from countries to capitals.

        families  n arrays (words of the family, D)
    """
    cosines: list[float] = []
    for place in range(max((len(rows) for rows in families), default=0) - 1):
        long_enough = [rows for rows in families if len(rows) > place + 1]
        steps = [
            long_enough[(n + shift) % len(long_enough)][place + 1].astype(np.float64) - rows[place]
            for n, rows in enumerate(long_enough)
        ]
        unit = unit_rows(np.array(steps))
        above_diagonal = np.triu_indices(len(steps), 1)
        cosines.extend((unit @ unit.T)[above_diagonal].tolist())
    return float(np.mean(cosines)) if cosines else math.nan
