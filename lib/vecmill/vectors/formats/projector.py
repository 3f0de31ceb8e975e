"""The two TSV files of TensorFlow's Embedding Projector: vectors, and words with their counts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from vecmill.vectors.formats.streams import Block, checked_blocks, complete_files, refuse_words
from vecmill.vectors.formats.text import format_rows, text_lines

UNFIT = r"^$|[\t\n\r]"


def metadata_path(path: Path) -> Path:
    """The path of the words and counts of the vectors at `path`: model.metadata.tsv for model.tsv."""
    return path.with_suffix(".metadata.tsv")


def write_projector(path: Path, blocks: Iterable[Block], count: int, dim: int) -> tuple[Path, ...]:
    """Write `blocks` of `count` words and `dim` numbers to `path`, without a header, and its metadata.

    Returns the paths written. Raises InputError for a word that is empty or has a tab or line break.
    """
    why = "a tab or line break ends a word in the metadata; choose word2vec-binary or split it"
    paths = (path, metadata_path(path))
    with complete_files(*paths) as (file, metadata):
        metadata.write(b"word\tcount\n")
        for words, counts, vectors in checked_blocks(blocks, count, dim):
            refuse_words(path, words, UNFIT, why)
            file.write(text_lines(format_rows(vectors, "\t"), separator=""))
            metadata.write(text_lines(words, counts.cast(pa.string()), separator="\t"))
    return paths
