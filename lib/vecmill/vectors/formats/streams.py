"""What the formats share: blocks going out, vectors coming in, files published whole."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vecmill.errors import InputError, ShapeError

Floats = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int64]

ROWS_AT_ONCE = 4096

# Remedies that many a broken file calls for.
CONVERT = "convert the file to UTF-8, for example with iconv"
CUT_SHORT = "the file is cut short or its header wrong, so fetch or export it again"
DAMAGED = "the file is damaged or of another format, so fetch or export it again"

log = logging.getLogger(__name__)


class Block(NamedTuple):
    """b consecutive words of a vocabulary, on their way to a file.

    words    b strings, or an Arrow array of them
    counts   (b,) int64, or an Arrow array
    vectors  (b, d) float32
    """

    words: Sequence[str] | pa.Array
    counts: Sequence[int] | Counts | pa.Array
    vectors: Floats


class Vectors(NamedTuple):
    """The word vectors of a file: V different words, (V, d) float32, counts (V,) if it has any."""

    words: list[str]
    vectors: Floats
    counts: Counts | None = None


def announced(blocks: Iterable[Block], count: int, dim: int) -> Iterator[tuple[pa.Array, pa.Array, Floats]]:
    """(words, counts, vectors) of `blocks`, the first two as Arrow arrays, 4096 rows at most.

    Raises ShapeError where they are not the `count` rows of `dim` float32 that a header promised.
    """
    seen = 0
    for words, counts, vectors in blocks:
        rows = len(words)
        if vectors.shape != (rows, dim) or vectors.dtype != np.float32 or len(counts) != rows:
            raise ShapeError(
                f"a block of {rows} words expects {rows} counts and float32 vectors of shape "
                f"{(rows, dim)}, got {len(counts)} counts and {vectors.dtype} {vectors.shape}"
            )
        seen += rows
        texts, numbers = _arrow(words, pa.string()), _arrow(counts, pa.int64())
        for start in range(0, rows, ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            yield texts[part], numbers[part], vectors[part]
    if seen != count:
        raise ShapeError(f"{count} words were announced, but the blocks held {seen}")


def _arrow(values: Sequence[Any] | Counts | pa.Array, kind: pa.DataType) -> pa.Array:
    return (values if isinstance(values, pa.Array) else pa.array(values, kind)).cast(kind)


def refuse_words(path: Path, words: pa.Array, pattern: str, why: str) -> None:
    """Raise InputError for the first of `words` that has `pattern`, which a format cannot hold."""
    unfit = words.filter(pc.match_substring_regex(words, pattern))
    if len(unfit):
        raise InputError(f"{path}: the word {unfit[0].as_py()!r} cannot be exported, because {why}")


@contextmanager
def published(*paths: Path) -> Iterator[list[BinaryIO]]:
    """Files to write for `paths`, moved there when all are complete; after a fault none is left."""
    parts = [path.with_name(f"{path.name}.part") for path in paths]
    try:
        with ExitStack() as stack:
            yield [stack.enter_context(part.open("wb")) for part in parts]
        for part, path in zip(parts, paths, strict=True):
            part.replace(path)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file at `path` for reading; InputError where there is none."""
    try:
        file = path.open("rb")
    except OSError as fault:
        raise InputError(
            f"{path} cannot be read ({fault.strerror}); give the path of a file of word vectors"
        ) from fault
    with file:
        yield file


def broken(place: str | Path, *, expected: str, got: str, remedy: str) -> InputError:
    """The InputError for a file that is not what its format demands, `place` saying where."""
    return InputError(f"{place}: expected {expected}, got {got}; {remedy}")


def checked_vectors(path: str | Path, words: list[str], vectors: Floats) -> Vectors:
    """The Vectors read from `path`; of a word that stands there twice only the first, as in gensim.

    Raises InputError for a number that is not finite: it would spoil every cosine it meets.
    """
    if not np.isfinite(vectors).all():
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise broken(
            path,
            expected="finite numbers",
            got=f"nan or infinity for {words[row]!r}, word {row + 1} of {len(words)}",
            remedy="train again with a lower rate, or remove the word",
        )
    rows: dict[str, int] = {}
    for row, word in enumerate(words):
        rows.setdefault(word, row)
    if len(rows) == len(words):
        return Vectors(words, vectors)
    repeated = len(words) - len(rows)
    log.warning("%s: dropped %d repeated words, the first vector of each stays", path, repeated)
    return Vectors(list(rows), vectors[list(rows.values())])
