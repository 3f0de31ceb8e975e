"""Shared parts of the formats: blocks of vectors, checks, complete files, and errors."""

from __future__ import annotations

import logging
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vecmill.core.arrays import Floats, Places
from vecmill.errors import InputError, ShapeError
from vecmill.formatting import shorten

BLOCK_ROWS = 4096

# NumPy has no matrix with more, not even one without rows.
MOST_DIMENSIONS = (1 << 31) - 1
# Sizes in headers above it are absurd.
MOST_SIZE = 10**18

# Remedies for broken files.
CONVERT = "convert the file to UTF-8, for example with iconv"
CUT_SHORT = "the file is cut short or its header wrong, so fetch or export it again"
DAMAGED = "the file is damaged or of another format, so fetch or export it again"

log = logging.getLogger(__name__)


class Block(NamedTuple):
    """Consecutive words of a vocabulary with their counts and vectors, for the writers.

    words    b strings, or an Arrow array of them
    counts   (b,) int64, or an Arrow array
    vectors  (b, d) float32
    """

    words: Sequence[str] | pa.Array
    counts: Sequence[int] | Places | pa.Array
    vectors: Floats


class Vectors(NamedTuple):
    """V distinct words, sorted by falling frequency, and their vectors (V, d)."""

    words: list[str]
    vectors: Floats


def checked_blocks(
    blocks: Iterable[Block], count: int, dim: int
) -> Iterator[tuple[pa.Array, pa.Array, Floats]]:
    """(words, counts, vectors) of `blocks`, the first two as Arrow arrays, at most 4096 rows at a time.

    Raises ShapeError unless the blocks are `count` rows of `dim` float32, as the header says.
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
        for start in range(0, rows, BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            yield texts[part], numbers[part], vectors[part]
    if seen != count:
        raise ShapeError(f"the header says {count} words, but the blocks have {seen}")


def _arrow(values: Sequence[Any] | Places | pa.Array, kind: pa.DataType) -> pa.Array:
    return (values if isinstance(values, pa.Array) else pa.array(values, kind)).cast(kind)


def refuse_words(path: Path, words: pa.Array, pattern: str, why: str) -> None:
    """Raise InputError for the first of `words` that matches `pattern`; `why` gives reason and remedy."""
    unfit = words.filter(pc.match_substring_regex(words, pattern))
    if len(unfit):
        raise InputError(f"{path}: the word {shown(unfit[0].as_py())} cannot be exported, because {why}")


@contextmanager
def complete_files(*paths: Path) -> Iterator[list[BinaryIO]]:
    """Open files that are moved to `paths` once all are complete; an error leaves no file behind."""
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
def open_to_read(path: Path) -> Iterator[BinaryIO]:
    """The file at `path`, opened for reading. Raises InputError if that fails or it is a pipe or device."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            # It may be endless, and readers read from several places.
            raise InputError(f"{path} is not a regular file; copy its content to one")
        file = path.open("rb")
    except OSError as fault:
        raise InputError(
            f"{path} cannot be read ({fault.strerror}); give the path of a file of word vectors"
        ) from fault
    with file:
        yield file


def file_error(place: str | Path, *, expected: str, got: str, remedy: str) -> InputError:
    """The InputError for a file that breaks its format; `place` is its path, with the line or byte.

    Long content of the file is cut.
    """
    expected, got = (shorten(text, 160) for text in (expected, got))
    return InputError(f"{place}: expected {expected}, got {got}; {remedy}")


def shown(word: object) -> str:
    """A word for a message: quoted, unprintable characters escaped, cut if it is long."""
    return shorten(repr(word), 60)


def shown_words(words: Collection[str], most: int = 5) -> str:
    """The first of some words for a message, and the number of the others."""
    first = ", ".join(shown(word) for word in islice(words, most))
    return f"{first} and {len(words) - most:,} more" if len(words) > most else first


def check_size(path: Path, what: str, end: int, size: int) -> None:
    """Raise InputError if `what` a header promises ends after byte `size`, the end of the file.

    Readers call it before they allocate memory for what the header promises.
    """
    if end > size:
        raise file_error(
            path,
            expected=f"{what}, as the header says",
            got=f"a file that ends at byte {size}",
            remedy=CUT_SHORT,
        )


def checked_vectors(path: str | Path, words: list[str], vectors: Floats) -> Vectors:
    """The Vectors read from `path`; of a repeated word only the first is kept, as in gensim.

    Raises InputError for numbers that are not finite, because every cosine with them would be NaN.
    """
    if not np.isfinite(vectors).all():
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise file_error(
            path,
            expected="finite numbers",
            got=f"nan or infinity for {shown(words[row])}, word {row + 1} of {len(words)}",
            remedy="train again with a lower rate, or remove the word",
        )
    rows: dict[str, int] = {}
    for row, word in enumerate(words):
        rows.setdefault(word, row)
    if len(rows) == len(words):
        return Vectors(words, vectors)
    repeated = len(words) - len(rows)
    log.warning("%s: dropped %d repeated words; kept the first vector of each", path, repeated)
    return Vectors(list(rows), vectors[list(rows.values())])
