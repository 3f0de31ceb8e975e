"""Damage to the content of a file: flipped bits, cuts, insertions, swaps, and numbers out of range."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

NUMBERS = (
    *(b"-1", b"0", b"1e400", b"-1e308", b"nan", b"inf", b"0.5", b"8,5", b"1e99999"),
    *(b"2147483648", b"4294967297", b"9223372036854775807", b"99999999999999999999"),
    *(b"9" * 4300, b"1" * 5000, b"true", b"null", b"[]", b"{}", b'""', b"-0"),
)
PIECES = (
    *(
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\n",
        b"\n\n",
        b"\r\n",
        b"\r",
        b" ",
        b"  ",
        b"\t",
        b";",
        b",",
        b'"',
    ),
    *(b"'", b"#", b":", b"|", b"%20", b"&amp;", b"\\u00e9", b"\xc3", b"\xf0\x9f\x92\xa9", b"e\xcc\x81"),
    *(b"word1,word2,score\n", b"[" * 3000, b'{"a":' * 3000, b"x" * 100_000, b" 1" * 5000, b"\\ud800"),
)

Mutation = Callable[[bytearray, random.Random], None]


def mutated(content: bytes, random_: random.Random) -> bytes:
    """`content` with one to three kinds of damage."""
    damaged = bytearray(content)
    for _ in range(random_.choice((1, 1, 1, 2, 3))):
        random_.choice(MUTATIONS)(damaged, random_)
    return bytes(damaged)


def flip_bits(content: bytearray, random_: random.Random) -> None:
    for _ in range(random_.choice((1, 1, 2, 8)) if content else 0):
        content[random_.randrange(len(content))] ^= 1 << random_.randrange(8)


def flip_bits_at_an_end(content: bytearray, random_: random.Random) -> None:
    """Headers and footers decide what is allocated."""
    reach = min(len(content), 200)
    for _ in range(random_.choice((1, 2, 4)) if content else 0):
        place = random_.randrange(reach)
        content[place if random_.random() < 0.5 else len(content) - 1 - place] ^= 1 << random_.randrange(8)


def cut(content: bytearray, random_: random.Random) -> None:
    del content[random_.randint(0, len(content)) :]


def remove_a_part(content: bytearray, random_: random.Random) -> None:
    first = random_.randint(0, len(content))
    del content[first : first + random_.choice((1, 2, 8, 100))]


def insert_bytes(content: bytearray, random_: random.Random) -> None:
    place = random_.randint(0, len(content))
    content[place:place] = random_.randbytes(random_.choice((1, 2, 8, 100)))


def insert_a_piece(content: bytearray, random_: random.Random) -> None:
    place = random_.choice((0, len(content), random_.randint(0, len(content))))
    content[place:place] = random_.choice(PIECES)


def repeat_a_part(content: bytearray, random_: random.Random) -> None:
    first = random_.randint(0, len(content))
    part = content[first : first + random_.choice((1, 8, 100, 1000))]
    content[first:first] = part * random_.choice((1, 1, 2, 50))


def swap_parts(content: bytearray, random_: random.Random) -> None:
    size = random_.choice((1, 4, 16, 64))
    if len(content) < 2 * size:
        return
    first, second = sorted(random_.sample(range(len(content) - size + 1), 2))
    content[first : first + size], content[second : second + size] = (
        content[second : second + size],
        content[first : first + size],
    )


def swap_lines(content: bytearray, random_: random.Random) -> None:
    lines = content.split(b"\n")
    random_.shuffle(lines)
    content[:] = b"\n".join(lines)


def replace_a_number(content: bytearray, random_: random.Random) -> None:
    """Most files of the tests have their sizes as decimal numbers at their beginning."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?", content))
    if found:
        number = random_.choice(found[:6] if random_.random() < 0.5 else found)
        content[number.start() : number.end()] = random_.choice(NUMBERS)


def overwrite_with_a_number(content: bytearray, random_: random.Random) -> None:
    """A binary integer of 1 to 8 bytes."""
    size = random_.choice((1, 2, 4, 8))
    place = random_.randint(0, max(0, len(content) - size))
    value = random_.choice((0, 1, (1 << 8 * size) - 1, 1 << (8 * size - 1), (1 << (8 * size - 1)) - 1))
    content[place : place + size] = value.to_bytes(size, random_.choice(("little", "big")))


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits,
    flip_bits_at_an_end,
    cut,
    remove_a_part,
    insert_bytes,
    insert_a_piece,
    repeat_a_part,
    swap_parts,
    swap_lines,
    replace_a_number,
    replace_a_number,
    overwrite_with_a_number,
)
