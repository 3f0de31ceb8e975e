"""File formats of word vectors: writers and readers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from vecmill.vectors.formats import projector, vocabulary, word2vec
from vecmill.vectors.formats.detect import FormatName, detect_format
from vecmill.vectors.formats.npy import read_npy, write_npy
from vecmill.vectors.formats.projector import write_projector
from vecmill.vectors.formats.safetensors_file import read_safetensors, write_safetensors
from vecmill.vectors.formats.streams import Block, Vectors
from vecmill.vectors.formats.word2vec import (
    read_glove_text,
    read_word2vec_binary,
    read_word2vec_text,
    write_word2vec_binary,
    write_word2vec_text,
)

Writer = Callable[[Path, Iterable[Block], int, int], tuple[Path, ...]]
Reader = Callable[[Path], Vectors]


class Export(NamedTuple):
    """A format of the export.

    file_name      name of the file of vectors
    write          writes the file; raises InputError for an unfit word
    unfit          pattern of the words that the format cannot hold
    has_word_file  whether words have a text file of their own, in which unfit words can be escaped
    """

    file_name: str
    write: Writer
    unfit: str
    has_word_file: bool


EXPORTS: Mapping[str, Export] = {
    "word2vec-text": Export("vectors.txt", write_word2vec_text, word2vec.UNFIT_FOR_TEXT, False),
    "word2vec-binary": Export("vectors.bin", write_word2vec_binary, word2vec.UNFIT_FOR_BINARY, False),
    "npy": Export("vectors.npy", write_npy, vocabulary.UNFIT, True),
    "safetensors": Export("vectors.safetensors", write_safetensors, vocabulary.UNFIT, True),
    "projector": Export("vectors.tsv", write_projector, projector.UNFIT, True),
}

READERS: Mapping[FormatName, Reader] = {
    "word2vec-text": read_word2vec_text,
    "word2vec-binary": read_word2vec_binary,
    "glove-text": read_glove_text,
    "npy": read_npy,
    "safetensors": read_safetensors,
}

__all__ = ["EXPORTS", "READERS", "Block", "Export", "Vectors", "detect_format", "read_vectors"]


def read_vectors(path: Path) -> Vectors:
    """The words and vectors in the file at `path`, in any of the READERS' formats. Raises InputError."""
    return READERS[detect_format(path)](path)
