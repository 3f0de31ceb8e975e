"""The two TSV files of the Embedding Projector: numbers, and what to show beside each point."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from vecmill.vectors.formats.streams import Block, announced, published, refuse_words
from vecmill.vectors.formats.text import joined_rows, lines

UNFIT = r"^$|[\t\n\r]"


def metadata_path(path: Path) -> Path:
    """Where the words and counts of the vectors at `path` go: for model.tsv, model.metadata.tsv."""
    return path.with_suffix(".metadata.tsv")


def write_projector(path: Path, blocks: Iterable[Block], count: int, dim: int) -> tuple[Path, ...]:
    """`blocks` of `count` words and `dim` numbers as `path`, without a header, and its metadata.

    Returns the files written. Raises InputError for an empty word and one with a tab or line break.
    """
    why = "a tab or line break ends a word in the metadata; choose word2vec-binary or split it"
    paths = (path, metadata_path(path))
    with published(*paths) as (file, metadata):
        metadata.write(b"word\tcount\n")
        for words, counts, vectors in announced(blocks, count, dim):
            refuse_words(path, words, UNFIT, why)
            file.write(lines(joined_rows(vectors, "\t"), separator=""))
            metadata.write(lines(words, counts.cast(pa.string()), separator="\t"))
    return paths
