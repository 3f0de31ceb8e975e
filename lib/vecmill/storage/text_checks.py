"""Whether bytes are text: decided by magic numbers, by NUL bytes, and by the share of invalid UTF-8."""

from __future__ import annotations

import bz2
import codecs
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pyarrow as pa

# Of the text, in characters per byte: above it, text with invalid bytes is not in its encoding.
MOST_INVALID = 0.001
# Of the bytes: above it, data with NUL bytes is not text. Single ones occur in text.
MOST_NULS = 0.01
_MOST_CONTROLS = 0.05
_NULS_OF_UTF16 = 0.1

_UNPACK = "unpack it, then name the text"
_EXTRACT = "extract its text first"


class Magic(NamedTuple):
    """The bytes that a format begins with at an offset, its name, and the remedy."""

    bytes: bytes
    name: str
    remedy: str
    offset: int = 0


_MAGICS = (
    Magic(b"\x1f\x8b\x08", "gzip", "rename it to end in .gz, or unpack it with gunzip"),
    Magic(b"BZh", "bzip2", "rename it to end in .bz2, or unpack it with bunzip2"),
    Magic(b"\x28\xb5\x2f\xfd", "Zstandard", "unpack it with unzstd"),
    Magic(b"\xfd7zXZ\0", "xz", "unpack it with unxz"),
    Magic(b"\x5d\0\0", "lzma", "unpack it with unlzma"),
    Magic(b"\x04\x22\x4d\x18", "LZ4", "unpack it with unlz4"),
    Magic(b"\xff\x06\0\0sNaPpY", "Snappy", "unpack it with snzip -d"),
    Magic(b"\x89LZO\0", "lzo", "unpack it with lzop -d"),
    Magic(b"\x1f\x9d", "compress", "unpack it with uncompress"),
    Magic(b"PK\x03\x04", "zip (also docx, xlsx, odt, epub)", "unpack it, or extract its text first"),
    Magic(b"7z\xbc\xaf\x27\x1c", "7z", _UNPACK),
    Magic(b"Rar!\x1a\x07", "rar", _UNPACK),
    Magic(b"ustar", "a tar archive", _UNPACK, 257),
    Magic(b"PAR1", "Parquet", "set input.format = 'parquet'"),
    Magic(b"ORC", "ORC", "set input.format = 'orc'"),
    Magic(b"Obj\x01", "Avro", "set input.format = 'avro', with spark-avro in spark.jars.packages"),
    Magic(b"SEQ\x06", "a sequence file of Hadoop", "write it as text or Parquet first"),
    Magic(b"ARROW1", "Arrow (Feather)", "write it as Parquet first"),
    Magic(b"\x93NUMPY", "NumPy's npy", "give text"),
    Magic(b"\x89HDF", "HDF5", _EXTRACT),
    Magic(b"SQLite format 3", "a SQLite database", _EXTRACT),
    Magic(b"%PDF-", "PDF", "extract its text with pdftotext"),
    Magic(b"{\\rtf", "RTF", _EXTRACT),
    Magic(b"\xd0\xcf\x11\xe0", "an old Office document", _EXTRACT),
    Magic(b"\x89PNG", "a PNG image", _EXTRACT),
    Magic(b"\xff\xd8\xff", "a JPEG image", _EXTRACT),
    Magic(b"GIF8", "a GIF image", _EXTRACT),
    Magic(b"RIFF", "a RIFF file (audio, video or image)", _EXTRACT),
    Magic(b"OggS", "an Ogg file", _EXTRACT),
    Magic(b"ID3", "an MP3 file", _EXTRACT),
    Magic(b"ftyp", "an MP4 file", _EXTRACT, 4),
    Magic(b"\x7fELF", "a program", "give text"),
)
# These begin with letters that text may begin with, so they count only if bytes follow that no text has.
_LETTERS = (b"BZh", b"PAR1", b"ORC", b"GIF8", b"RIFF", b"OggS", b"ID3", b"ARROW1", b"ftyp", b"Obj\x01")

# How Spark unpacks a file, by the end of its name, and what such a file begins with.
_PACKED = {
    ".gz": b"\x1f\x8b",
    ".bz2": b"BZh",
    ".zst": b"\x28\xb5\x2f\xfd",
    ".deflate": b"",
    ".snappy": b"",
    ".lz4": b"",
}
# Bytes that are unpacked of a packed file.
_UNPACKED = 1 << 16
# Hadoop writes blocks of at most some hundred kilobytes; each begins with its size.
_MOST_BLOCK = 1 << 28


class Damage(NamedTuple):
    """Counts of some text.

    invalid  characters that stand for bytes that are invalid in the encoding
    foreign  other characters beyond ASCII
    bytes    all bytes
    """

    invalid: int
    foreign: int
    bytes: int

    @property
    def is_another_encoding(self) -> bool:
        """Whether most of what is not ASCII is invalid, and is too much to be damage of single places."""
        return self.invalid > MOST_INVALID * self.bytes and self.invalid > self.foreign


def suffix_of(path: str) -> str:
    """The end of a file's name by which Spark unpacks it, in lower case; "" if it does not."""
    suffix = PurePosixPath(path).suffix.lower()
    return suffix if suffix in _PACKED else ""


def fault_of(path: str, head: bytes, size: int, encoding: str, key: str = "input.encoding") -> str | None:
    """What is wrong with a file of text that begins with `head`, with the remedy; None if it is text.

    size      bytes of the whole file
    encoding  in which the text is to be read
    key       the key of the configuration that sets it
    """
    suffix = suffix_of(path)
    if suffix and head:
        fault = _wrong_packing(suffix, head, size)
        if fault is not None:
            return fault
        head = unpacked(suffix, head)
    is_whole = not suffix and len(head) == size
    return _found_magic(head) or _wide_characters(head) or _wrong_encoding(head, encoding, key, is_whole)


def unpacked(suffix: str, head: bytes, most: int = _UNPACKED) -> bytes:
    """At most so many bytes of the text in the beginning of a packed file.

    Nothing if it is not packed so, if more bytes are needed, or if only Spark can unpack it. It is `head`
    itself if the suffix is "".
    """
    text = b""
    try:
        for part in _unpacked_parts(suffix, head):
            text += part
            if len(text) >= most:
                break
    except (zlib.error, OSError, EOFError, pa.ArrowException):
        pass
    return text[:most]


def _unpacked_parts(suffix: str, data: bytes) -> Iterator[bytes]:
    """The text in packed data, part by part; raises an error at its cut end."""
    if not suffix:
        yield data
    elif suffix == ".zst":
        with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
            while part := stream.read(_UNPACKED // 4):
                yield bytes(part)
    elif suffix in (".gz", ".deflate", ".bz2"):
        # A file may consist of several that were packed by themselves.
        while data:
            unpacker: Any = (
                bz2.BZ2Decompressor()
                if suffix == ".bz2"
                else zlib.decompressobj(31 if suffix == ".gz" else 15)
            )
            yield unpacker.decompress(data)
            data = unpacker.unused_data


def damage_of(data: bytes, encoding: str, is_whole: bool = False) -> Damage:
    """The damage of some bytes of text, whose last character may be cut unless the text `is_whole`."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(data, is_whole)
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    # The replacement character may be in the text itself, as what an earlier program wrote.
    genuine = data.count("\ufffd".encode()) if codecs.lookup(encoding).name.startswith("utf-8") else 0
    invalid = text.count("\ufffd") - genuine
    return Damage(invalid, beyond - invalid, len(data))


def _wrong_packing(suffix: str, head: bytes, size: int) -> str | None:
    if suffix in (".snappy", ".lz4"):
        total, chunk = int.from_bytes(head[:4]), int.from_bytes(head[4:8])
        if len(head) > 8 and 0 < total <= _MOST_BLOCK and 0 < chunk <= min(size - 8, 2 * total + 1024):
            return None
        return (
            f"is not in Hadoop's form of {suffix}, which alone Spark reads; unpack it, or pack it with gzip"
        )
    if not head.startswith(_PACKED[suffix]) or (suffix == ".deflate" and head[0] & 15 != 8):
        return f"has a name that ends in {suffix} but other content; rename it"
    return None


def _found_magic(head: bytes) -> str | None:
    for magic in _MAGICS:
        if not head[magic.offset :].startswith(magic.bytes):
            continue
        if magic.bytes in _LETTERS and not _is_binary(head):
            continue
        return f"is {magic.name} and not text; {magic.remedy}"
    return None


def _is_binary(head: bytes) -> bool:
    return _share_of_controls(head) > 0 or damage_of(head, "utf-8").invalid > 0


def _share_of_controls(head: bytes) -> float:
    """The share of bytes that text does not have: control characters except those that move the cursor."""
    allowed = b"\t\n\v\f\r\b\x1b"
    return sum(head.count(bytes([code])) for code in range(32) if code not in allowed) / max(1, len(head))


def _wide_characters(head: bytes) -> str | None:
    """UTF-16 and UTF-32, with a byte order mark or without, and other data with NUL bytes."""
    name = None
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        name = "UTF-32"
    elif head.startswith((b"\xff\xfe", b"\xfe\xff")):
        name = "UTF-16"
    elif head.count(0) > _NULS_OF_UTF16 * len(head):
        name = _name_of_wide(head)
    if name is not None:
        return (
            f"is {name}, which Spark cannot cut into lines; convert it: iconv -f {name} -t UTF-8 FILE > NEW"
        )
    if head.count(0) > MOST_NULS * len(head) or _share_of_controls(head) > _MOST_CONTROLS:
        return "has control characters as no text has; give text"
    return None


def _name_of_wide(head: bytes) -> str | None:
    """The encoding whose characters have their NUL bytes where these bytes have theirs."""
    share = [head[place::4].count(0) / max(1, len(head[place::4])) for place in range(4)]
    zeros = "".join("0" if part > 0.5 else "x" for part in share)
    if zeros in ("x000", "xx00"):
        return "UTF-32LE"
    if zeros in ("000x", "00xx"):
        return "UTF-32BE"
    even, odd = share[0::2], share[1::2]
    if min(odd) > 4 * max(even) + 0.05:
        return "UTF-16LE"
    return "UTF-16BE" if min(even) > 4 * max(odd) + 0.05 else None


def _wrong_encoding(head: bytes, encoding: str, key: str, is_whole: bool) -> str | None:
    is_utf8 = codecs.lookup(encoding).name.startswith("utf-8")
    damage = damage_of(head, encoding, is_whole)
    if damage.is_another_encoding:
        remedy = (
            f"set {key}, to windows-1252 or ISO-8859-1 for example, or convert it with iconv"
            if is_utf8
            else f"correct {key}"
        )
        return f"is not {encoding} ({damage.invalid:,} of its first {len(head):,} bytes are not); {remedy}"
    if not is_utf8:
        # Text in another encoding is hardly ever valid UTF-8 in every place.
        as_utf8 = damage_of(head, "utf-8")
        if as_utf8.foreign > 4 and as_utf8.invalid == 0:
            return f"is UTF-8 and not {encoding}; remove {key}"
    return None
