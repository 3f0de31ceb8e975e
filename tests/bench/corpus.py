"""A corpus as texts of word ids, dealt to slices and shards without Spark, for `tests.bench.simulate`.

It is read from a text file and dealt at random, or read from the directory of a run as dealt there.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.core import sampling
from vecmill.core.arrays import Doubles, Ids, Places
from vecmill.corpus.texts import HOLDOUT_SLICE, PIECE_TOKENS
from vecmill.examples.pairs import SamplingTables

_NOISE_EXPONENT = 0.75


class Vocabulary(NamedTuple):
    """V words by falling count, with the probabilities that a token is kept and that a noise word is it."""

    words: list[str]
    counts: Places
    keep: Doubles
    noise: Doubles


@dataclass(frozen=True)
class Dealt:
    """A vocabulary, and the texts of each slice and shard as one batch of the columns slice, shard, ids."""

    vocabulary: Vocabulary
    texts: Mapping[tuple[int, int], pa.RecordBatch]

    @cached_property
    def sampling_tables(self) -> SamplingTables:
        """What drawing pairs needs from the vocabulary."""
        noise = sampling.alias_table(self.vocabulary.noise)
        return SamplingTables(self.vocabulary.keep.astype(np.float32), noise)

    @cached_property
    def words_of(self) -> dict[tuple[int, int], int]:
        """The number of words of every slice and shard, without those that are held out."""
        return {
            place: len(batch.column("ids").flatten())
            for place, batch in self.texts.items()
            if place[0] != HOLDOUT_SLICE
        }


class Encoded(NamedTuple):
    """A corpus before it is dealt.

    ids     (T,)  int32  of all texts, one after another
    ends    (N,)  int64  where each text ends
    words   (V,)         by falling count
    counts  (V,)  int64
    """

    ids: Ids
    ends: Places
    words: npt.NDArray[np.str_]
    counts: Places

    def deal(self, slices: int, shards: int, seed: int, subsample: float, *, holdout: float) -> Dealt:
        """Deal every text to a slice and a shard at random; the held-out texts depend only on the seed."""
        rng = np.random.default_rng(seed)
        texts = rng.permutation(len(self.ends))
        held_out = rng.random(len(texts)) < holdout
        place = np.where(held_out, -1, rng.integers(slices * shards, size=len(texts)))
        order = np.argsort(place, kind="stable")
        found, begins = np.unique(place[order], return_index=True)
        dealt = {}
        for number, own in zip(found.tolist(), np.split(texts[order], begins[1:]), strict=True):
            slice_, shard = (HOLDOUT_SLICE, 0) if number < 0 else divmod(number, shards)
            dealt[slice_, shard] = _batch(slice_, shard, self._texts(own))
        keep = sampling.keep_probability(self.counts, int(self.counts.sum()), subsample)
        noise = sampling.noise_weight(self.counts, _NOISE_EXPONENT)
        return Dealt(Vocabulary(self.words.tolist(), self.counts, keep, noise / noise.sum()), dealt)

    def _texts(self, numbers: Places) -> pa.ListArray:
        begins = np.append(0, self.ends[:-1])[numbers]
        lengths = self.ends[numbers] - begins
        offsets = np.append(0, np.cumsum(lengths))
        places = np.repeat(begins - offsets[:-1], lengths) + np.arange(offsets[-1])
        return pa.ListArray.from_arrays(offsets.astype(np.int32), self.ids[places])


def _batch(slice_: int, shard: int, ids: pa.ListArray) -> pa.RecordBatch:
    constant = (np.full(len(ids), value, np.int32) for value in (slice_, shard))
    return pa.RecordBatch.from_pydict(dict(zip(("slice", "shard", "ids"), (*constant, ids), strict=True)))


def encode(corpus: Path, min_count: int) -> Encoded:
    """A file with one document per line to texts; words are runs of a-z after lower-casing."""
    known: dict[str, int] = {}
    found, ends = array("i"), array("q")
    with corpus.open(encoding="utf-8") as lines:
        for line in lines:
            found.extend(known.setdefault(word, len(known)) for word in re.findall("[a-z]+", line.lower()))
            ends.append(len(found))
    counts, words = np.bincount(found, minlength=len(known)), list(known)
    frequent = np.flatnonzero(counts >= min_count).tolist()
    order = sorted(frequent, key=lambda number: (-counts[number], words[number]))
    new_ids = np.full(len(words), -1, np.int32)
    new_ids[order] = np.arange(len(order), dtype=np.int32)
    ids = new_ids[np.frombuffer(found, np.int32)]
    upto = np.append(0, np.cumsum(ids >= 0))[np.frombuffer(ends, np.int64)]
    names = np.array([words[number] for number in order])
    return _without_short_texts(ids[ids >= 0], _pieces(upto), names, counts[order])


def _pieces(ends: Places) -> Places:
    """Where texts end if documents with these `ends` are cut into pieces of at most PIECE_TOKENS."""
    begins = np.append(0, ends[:-1])
    pieces = -(-(ends - begins) // PIECE_TOKENS)
    number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    cuts = np.repeat(begins, pieces) + (number + 1) * PIECE_TOKENS
    return np.asarray(np.minimum(cuts, np.repeat(ends, pieces)), np.int64)


def _without_short_texts(ids: Ids, ends: Places, words: npt.NDArray[np.str_], counts: Places) -> Encoded:
    """The corpus without texts of a single word, which has no context."""
    lengths = np.diff(ends, prepend=0)
    long = lengths > 1
    return Encoded(ids[np.repeat(long, lengths)], np.cumsum(lengths[long]), words, counts)


def write_cache(corpus: Path, min_count: int, cache: Path) -> None:
    """Write the result of `encode` to the file `cache`, unless it exists."""
    if not cache.exists():
        beside = cache.with_name(f"{cache.name}.part")
        with beside.open("wb") as out:
            np.savez(out, **encode(corpus, min_count)._asdict())
        beside.rename(cache)


def read_cache(cache: Path) -> Encoded:
    """Read a file of `write_cache`."""
    with np.load(cache) as arrays:
        return Encoded(*(arrays[name] for name in Encoded._fields))


def read_run(run: Path) -> Dealt:
    """The vocabulary of a run, and its texts as dealt there."""
    table = pq.read_table(run / "vocabulary").sort_by("id")
    columns = (table[name].to_numpy() for name in ("count", "keep_probability", "noise_probability"))
    texts = {}
    for folder in sorted((run / "texts").glob("slice=*/shard=*")):
        slice_, shard = (int(part.partition("=")[2]) for part in folder.parts[-2:])
        # A shard is one partition, which is written to one file.
        [file] = folder.glob("*.parquet")
        ids = pq.ParquetFile(file).read(["ids"])["ids"].combine_chunks()
        texts[slice_, shard] = _batch(slice_, shard, ids)
    return Dealt(Vocabulary(table["word"].to_pylist(), *columns), texts)
