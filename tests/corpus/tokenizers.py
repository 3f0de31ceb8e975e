"""Tokenizers as users may write them, which workers import by name."""

from __future__ import annotations

import sys

import pyarrow as pa
import pyarrow.compute as pc


def split_at_commas(text: pa.Array) -> pa.Array:
    """A null stays null; an empty text is one empty token."""
    return pc.split_pattern(text, ",")


def raise_an_error(text: pa.Array) -> pa.Array:
    raise ValueError("no words in line 1\nand line 2")


def exit_the_worker(text: pa.Array) -> pa.Array:
    sys.exit(3)


def return_a_list(text: pa.Array) -> list[list[str]]:
    return [line.split() for line in text.to_pylist()]


def return_none(text: pa.Array) -> None:
    return None


def return_numbers(text: pa.Array) -> pa.Array:
    return pa.array([[1]] * len(text))


def return_strings(text: pa.Array) -> pa.Array:
    return text


def return_one_fewer(text: pa.Array) -> pa.Array:
    return pc.split_pattern(text[1:], " ")


def return_large_lists(text: pa.Array) -> pa.Array:
    return pc.split_pattern(text, " ").cast(pa.large_list(pa.large_string()))


def return_chunks(text: pa.Array) -> pa.ChunkedArray:
    return pa.chunked_array([pc.split_pattern(text, " ")])


def return_no_tokens(text: pa.Array) -> pa.Array:
    return pa.array([[] for _ in text])
