"""File formats of word vectors: writers and readers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

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
    """A format of the export: the name of its file, and its writer."""

    file_name: str
    write: Writer


EXPORTS: Mapping[str, Export] = {
    "word2vec-text": Export("vectors.txt", write_word2vec_text),
    "word2vec-binary": Export("vectors.bin", write_word2vec_binary),
    "npy": Export("vectors.npy", write_npy),
    "safetensors": Export("vectors.safetensors", write_safetensors),
    "projector": Export("vectors.tsv", write_projector),
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
