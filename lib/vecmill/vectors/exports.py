"""Writing the vectors of a run to the files that other programs read."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vecmill.storage.schemas import VECTORS
from vecmill.storage.store import Store
from vecmill.vectors.formats import EXPORTS, Block, Export
from vecmill.vectors.formats.streams import shown

# Numbers of vectors that the driver holds at once, as a table and as text.
_BLOCK_NUMBERS = 1 << 19

# What any format cannot hold: one pattern for the search in all words.
_ODD = r"^$|[\x00\t-\r ]"
# How odd words are written one per line.
_ESCAPES = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}
_EMPTY = "<empty>"

_NAMED = 5


class _Unfit(NamedTuple):
    """The words that a format cannot hold: their number, and the first of them."""

    words: int
    first: list[str]


def write_all(store: Store, count: int, dim: int, say: Callable[[str], None]) -> list[str]:
    """Write vectors/ in every format to exports/; returns the names of the files.

    vectors/ has `count` rows of `dim` numbers. Each file is written to the driver's local disk, block by
    block, and then copied; exports/ is published once it has all files.

    word2vec's formats have no rows for words that they cannot hold, such as those with a space. The other
    formats have the rows of vectors/, and escape line breaks and tabs in words. `say` reports the number of
    these words and names the first. Raises InputError if vectors/ cannot be read.
    """
    names: list[str] = []
    staged = f"{store.staging}/exports"
    store.files.delete(staged)
    with tempfile.TemporaryDirectory(prefix="vecmill-export-") as scratch:
        for export, unfit in zip(EXPORTS.values(), _find_unfit(store), strict=True):
            blocks, rows = vector_blocks(store, count, dim), count
            if unfit.words:
                say(_format_unfit(export, unfit, count))
                blocks = (
                    _escaped(blocks, export.unfit)
                    if export.has_word_file
                    else _without(blocks, export.unfit)
                )
                rows -= 0 if export.has_word_file else unfit.words
            for written in export.write(Path(scratch) / export.file_name, blocks, rows, dim):
                if written.name not in names:
                    store.files.put(written, f"{staged}/{written.name}")
                    names.append(written.name)
                written.unlink()
    store.files.publish(staged, "exports")
    return names


def vector_blocks(
    store: Store, count: int, dim: int, block_numbers: int = _BLOCK_NUMBERS
) -> Iterator[Block]:
    """The `count` rows of vectors/ in the order of their ids, at most `block_numbers` numbers at a time."""
    for rows in store.in_order("vectors", VECTORS, count, max(1, block_numbers // dim)):
        whole = rows.combine_chunks()
        values = whole["vector"].chunk(0).flatten().to_numpy()
        yield Block(whole["word"].chunk(0), whole["count"].to_numpy(), values.reshape(len(whole), -1))


def _find_unfit(store: Store) -> list[_Unfit]:
    """For each of EXPORTS the words in vectors/ that it cannot hold."""
    counts, first = [0] * len(EXPORTS), [list[str]() for _ in EXPORTS]
    for batch in store.batches("vectors", VECTORS, columns=["word"]):
        odd = batch["word"].filter(pc.match_substring_regex(batch["word"], _ODD))
        for number, export in enumerate(EXPORTS.values() if len(odd) else ()):
            unfit = odd.filter(pc.match_substring_regex(odd, export.unfit))
            counts[number] += len(unfit)
            first[number] += unfit[: _NAMED - len(first[number])].to_pylist()
    return [_Unfit(*found) for found in zip(counts, first, strict=True)]


def _without(blocks: Iterable[Block], unfit: str) -> Iterator[Block]:
    """The rows whose words do not match the pattern `unfit`."""
    for words, counts, vectors in blocks:
        texts = pa.array(words)
        fit = pc.invert(pc.match_substring_regex(texts, unfit))
        chosen = fit.to_numpy(zero_copy_only=False)
        yield Block(texts.filter(fit), np.asarray(counts)[chosen], vectors[chosen])


def _escaped(blocks: Iterable[Block], unfit: str) -> Iterator[Block]:
    """All rows, with escapes for those characters of words that match the pattern `unfit`."""
    escapes = str.maketrans({sign: text for sign, text in _ESCAPES.items() if re.search(unfit, sign)})
    for words, counts, vectors in blocks:
        texts = pa.array(words)
        if pc.any(pc.match_substring_regex(texts, unfit)).as_py():
            texts = pa.array([word.translate(escapes) or _EMPTY for word in texts.to_pylist()])
        yield Block(texts, counts, vectors)


def _format_unfit(export: Export, unfit: _Unfit, count: int) -> str:
    """A sentence on the words that a format cannot hold as they are."""
    others = f" and {unfit.words - len(unfit.first):,} more" if unfit.words > len(unfit.first) else ""
    named = ", ".join(shown(word) for word in unfit.first) + others
    if export.has_word_file:
        return f"{export.file_name}: escaped line breaks or tabs in {_of(unfit.words, count)}: {named}"
    return (
        f"{export.file_name}: left out {_of(unfit.words, count)}, because its format ends a word at a "
        f"space or line break: {named}"
    )


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} words"
