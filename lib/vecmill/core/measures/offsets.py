"""Offsets between related words, such as slow, slower and slowest, laid out in a plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vecmill.core.measures.lookup import Floats, WordIds, check_rows
from vecmill.core.measures.similarity import unit_rows

Doubles = npt.NDArray[np.float64]


class OffsetPlane(NamedTuple):
    """Families of words as paths in a plane.

    families     those whose words are all known
    coordinates  one array a family, (words of it, 2): a point a word
    explained    (2,)   the shares of the words' variance along the two axes
    alignment    the mean cosine between two families' steps, in all dimensions: 1 where they run parallel
    by_chance    the same for steps from a word of one family to the next word of another
    unknown      families left out for an unknown word
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

    Where a relation is an offset, families run parallel (Mikolov et al. 2013, "Distributed
    representations of words and phrases and their compositionality", fig. 2). Each axis points the
    way the families go on the whole, from first word to last, so that a picture does not flip from
    one machine to the next. An axis along which the words do not vary has coordinates 0 and share
    0.

        words  V, in falling frequency
        unit   (V, D) float32   rows of length 1

    Raises ShapeError.
    """
    check_rows(words, unit)
    word_ids = WordIds(words, ignore_case=ignore_case)
    found = [(tuple(family), word_ids.all_of(family)) for family in families]
    known = [(family, ids) for family, ids in found if ids]
    unknown = [family for family, ids in found if not ids]

    ids_of_all = [id_ for _, ids in known for id_ in ids]
    points, explained = _principal_plane(unit[ids_of_all])
    paths = np.split(points, np.cumsum([len(ids) for _, ids in known])[:-1])[: len(known)]
    way = sum((path[-1] - path[0] for path in paths), np.zeros(2))
    signs = np.where(way < 0, -1.0, 1.0)
    coordinates = [path * signs for path in paths]
    rows = [unit[ids] for _, ids in known]
    aligned = [step_alignment(rows, shift) for shift in range(max(1, len(rows)))]
    return OffsetPlane(
        [family for family, _ in known],
        coordinates,
        explained,
        aligned[0],
        float(np.mean(aligned[1:])) if aligned[1:] else math.nan,
        unknown,
    )


def step_alignment(families: Sequence[Floats], shift: int = 0) -> float:
    """The mean cosine between the steps of two `families`, nan where no two families have the same step.

    A step leads from a word to the next; with a `shift` to the next word of the family so many further
    on, which tells how far steps agree for no other reason than that all of them lead from, say, a
    country to a capital.

        families  n arrays (words of it, D)
    """
    cosines: list[float] = []
    for place in range(max((len(rows) for rows in families), default=0) - 1):
        there = [rows for rows in families if len(rows) > place + 1]
        steps = [
            there[(n + shift) % len(there)][place + 1].astype(np.float64) - rows[place]
            for n, rows in enumerate(there)
        ]
        unit = unit_rows(np.array(steps))
        above = np.triu_indices(len(steps), 1)
        cosines.extend((unit @ unit.T)[above].tolist())
    return float(np.mean(cosines)) if cosines else math.nan


def _principal_plane(rows: Floats) -> tuple[Doubles, Doubles]:
    """Coordinates (n, 2) of `rows` (n, D) on their principal components, and shares (2,)."""
    points, explained = np.zeros((len(rows), 2)), np.zeros(2)
    if len(rows) > 1:
        centred = rows - rows.mean(axis=0, dtype=np.float64)
        left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
        axes = min(2, len(lengths))
        points[:, :axes] = left[:, :axes] * lengths[:axes]
        if lengths[0] > 0:
            explained[:axes] = lengths[:axes] ** 2 / (lengths**2).sum()
    return points, explained
