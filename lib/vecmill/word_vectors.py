"""Trained word vectors, and what one can ask of them."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlparse

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from vecmill.core import similarity
from vecmill.errors import InputError
from vecmill.io import tables
from vecmill.io.files import Folder
from vecmill.io.schemas import VECTORS

Answers = list[tuple[str, float]]


class WordVectors:
    """Words in falling frequency and their vectors, held in memory: V x D float32, twice.

    words    V different words
    vectors  (V, D) float32, as trained
    """

    def __init__(self, words: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        self.words = list(words)
        self.vectors = vectors
        self._unit = similarity.unit_rows(vectors)
        self._ids = {word: id_ for id_, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def vector(self, word: str) -> npt.NDArray[np.float32]:
        """The vector of `word`, (D,) float32. Raises InputError where the word is unknown."""
        found: npt.NDArray[np.float32] = self.vectors[self._id(word)]
        return found

    def similar(self, word: str, n: int = 10) -> Answers:
        """The `n` words nearest to `word` by cosine, without itself, and their cosines.

        Raises InputError where the word is unknown, with the closest spellings.
        """
        id_ = self._id(word)
        return self._nearest(self._unit[id_], {id_}, n)

    def analogy(self, a: str, b: str, c: str, n: int = 10) -> Answers:
        """What c is to as a is to b: the words nearest to b - a + c, without these three.

        analogy("man", "king", "woman") asks for king - man + woman (3CosAdd).
        Raises InputError where a word is unknown, with the closest spellings.
        """
        ids = [self._id(word) for word in (a, b, c)]
        return self._nearest(similarity.analogy_query(self._unit, *ids), set(ids), n)

    def _nearest(self, query: npt.NDArray[np.float32], left_out: set[int], n: int) -> Answers:
        ids, cosines = similarity.nearest(self._unit, query[None], n, exclude=[left_out])
        return [
            (self.words[id_], float(cosine))
            for id_, cosine in zip(ids[0], cosines[0], strict=True)
            if id_ != similarity.NOBODY
        ]

    def _id(self, word: str) -> int:
        if word not in self._ids:
            close = similarity.closest_spellings(word, self.words)
            hint = f"; the closest spellings are: {', '.join(close)}" if close else ""
            raise InputError(f"{word!r} is not among the {len(self):,} words{hint}")
        return self._ids[word]


def read_run(root: str, spark: SparkSession | None = None) -> WordVectors:
    """The vectors of a finished run; `spark` is needed where `root` is not on this machine.

    Raises InputError where there are none.
    """
    table = _read_local(root) if spark is None else _read_remote(spark, root)
    table = table.sort_by("id").combine_chunks()
    vectors = table["vector"].chunk(0).flatten().to_numpy().reshape(table.num_rows, -1)
    return WordVectors(table["word"].to_pylist(), vectors)


def is_local(root: str) -> bool:
    """Whether a path needs no Hadoop to be read."""
    return urlparse(root).scheme in ("", "file")


def _read_local(root: str) -> pa.Table:
    # Not urlparse(root).path: a name may hold "#" and "?".
    folder = f"{root.removeprefix('file://').removeprefix('file:').rstrip('/')}/vectors"
    try:
        return pq.read_table(folder, columns=["id", "word", "vector"])
    except FileNotFoundError:
        raise InputError(f"{folder} does not exist; run 'vecmill run' first") from None
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{folder} cannot be read: {error}; run 'vecmill export' again") from error


def _read_remote(spark: SparkSession, root: str) -> pa.Table:
    return tables.read(Folder(spark, root), "vectors", VECTORS).select("id", "word", "vector").toArrow()
