"""Bytes that are no text are recognized, and text is not refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from vecmill.storage.text_checks import damage_of, fault_of

ENGLISH = "The quick brown fox jumps over the lazy dog. " * 40
FRENCH = "Où êtes-vous allé cet été, mon élève ? Ça dépend de la forêt. " * 40
CHINESE = "我们今天去公园散步明天再见。" * 40
RUSSIAN = "Мы сегодня идём гулять в парк. " * 40
HINDI = "हम आज पार्क में टहलने जा रहे हैं। " * 40
EMOJI = "so nice ☀️ 👩‍👩‍👧 ok! " * 40


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", ENGLISH)
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = len(ENGLISH)
        archive.addfile(info, io.BytesIO(ENGLISH.encode()))
    return buffer.getvalue()


def written(write) -> bytes:
    buffer = io.BytesIO()
    write(pa.table({"text": [ENGLISH] * 3}), buffer)
    return buffer.getvalue()


def packed(codec: str) -> bytes:
    buffer = pa.BufferOutputStream()
    with pa.CompressedOutputStream(buffer, codec) as stream:
        stream.write(ENGLISH.encode())
    return buffer.getvalue().to_pybytes()


def fault(data: bytes, name: str = "/data/a.txt", encoding: str = "UTF-8") -> str | None:
    return fault_of(name, data[: 1 << 15], len(data), encoding)


@pytest.mark.parametrize(
    "text", [ENGLISH, FRENCH, CHINESE, RUSSIAN, HINDI, EMOJI, "", "a", "é", "\ufeffking"]
)
def test_text_is_text_wherever_it_is_cut(text):
    data = text.encode()
    for length in (*range(min(len(data), 20)), len(data)):
        assert fault_of("/data/a.txt", data[:length], len(data) + 1, "UTF-8") is None
    assert fault(data) is None


@pytest.mark.parametrize(
    "text", ["BZhello", "ORCHESTRA", "GIF89 is a format", "PAR1S", "ID3 tags", "RIFFS\n", "PK"]
)
def test_text_that_begins_as_another_format_does_is_text(text):
    assert fault((text + ENGLISH).encode()) is None


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (gzip.compress(ENGLISH.encode()), "is gzip and not text; rename it to end in .gz"),
        (bz2.compress(ENGLISH.encode()), "is bzip2 and not text; rename it to end in .bz2"),
        (packed("zstd"), "is Zstandard and not text"),
        (packed("lz4"), "is LZ4 and not text"),
        (b"\xff\x06\x00\x00sNaPpY\x00" + bytes(range(100)), "is Snappy and not text"),
        (lzma.compress(ENGLISH.encode()), "is xz and not text; unpack it with unxz"),
        (lzma.compress(ENGLISH.encode(), lzma.FORMAT_ALONE), "is lzma and not text"),
        (zipped(), "is zip (also docx, xlsx, odt, epub) and not text"),
        (tarred(), "is a tar archive and not text"),
        (written(pq.write_table), "is Parquet and not text; set input.format = 'parquet'"),
        (written(orc.write_table), "is ORC and not text; set input.format = 'orc'"),
        (b"Obj\x01\x04\x14avro.codec\x08null" + b"\x00" * 20, "is Avro and not text"),
        (b"%PDF-1.7\n" + ENGLISH.encode(), "is PDF and not text; extract its text with pdftotext"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is a PNG image and not text"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "is a JPEG image and not text"),
        (b"\x93NUMPY\x01\x00v\x00", "is NumPy's npy and not text"),
        (b"SQLite format 3\x00\x10\x00", "is a SQLite database and not text"),
        (b"\x7fELF\x02\x01\x01", "is a program and not text"),
        (
            np.random.default_rng(1).bytes(5000).replace(b"\xfe", b"a"),
            "has control characters as no text has",
        ),
        (b"one\x00two\x00" * 100, "has control characters as no text has"),
    ],
    # Archives hold the time, and every process of the tests must give a test the same name.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_formats_are_named_with_the_remedy(data, what):
    assert what in (fault(data) or "")


@pytest.mark.parametrize("text", [ENGLISH, FRENCH, RUSSIAN, "one\ntwo\n"])
@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16LE"),
        ("utf-16-be", "UTF-16BE"),
        ("utf-32", "UTF-32"),
        ("utf-32-le", "UTF-32LE"),
        ("utf-32-be", "UTF-32BE"),
    ],
)
def test_wide_characters_are_named_with_and_without_a_byte_order_mark(text, encoding, name):
    found = fault(text.encode(encoding))

    if text is RUSSIAN and encoding.startswith("utf-16-"):
        # Its NUL bytes are those of spaces alone.
        assert found is not None
    else:
        assert found == (
            f"is {name}, which Spark cannot cut into lines; convert it: iconv -f {name} -t UTF-8 FILE > NEW"
        )


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (FRENCH, "latin-1"),
        (FRENCH, "mac-roman"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp866"),
        (CHINESE, "gb18030"),
        (CHINESE, "big5"),
        ("東京に行きました。" * 40, "shift_jis"),
        ("東京に行きました。" * 40, "euc_jp"),
        ("서울에 갔습니다. " * 40, "euc_kr"),
        ("café", "latin-1"),
    ],
)
def test_text_in_another_encoding_is_refused_and_read_in_its_own(text, encoding):
    if encoding == "big5":
        text = text.replace("们", "們").replace("园", "園").replace("见", "見")
    data = text.encode(encoding)

    assert (fault(data) or "").startswith("is not UTF-8 (")
    assert fault(data, encoding=encoding) is None


def test_utf8_that_is_to_be_read_in_another_encoding_is_refused():
    assert (
        fault(FRENCH.encode(), encoding="ISO-8859-1")
        == "is UTF-8 and not ISO-8859-1; remove input.encoding"
    )
    assert fault(ENGLISH.encode(), encoding="ISO-8859-1") is None


@pytest.mark.parametrize(
    "text",
    [
        ENGLISH.encode() + b"\xff" + ENGLISH.encode(),
        # Documents that a database has cut after so many bytes.
        b"\n".join(CHINESE.encode()[:100] for _ in range(100)),
        b"\n".join([*[ENGLISH.encode()[:140]] * 99, ENGLISH.encode()[:139] + b"\xe2"]),
        "damaged \ufffd before".encode() * 50,
        b"a\x00" + ENGLISH.encode(),
        ENGLISH.encode() + b"\x1b[31mred\x1b[0m\b\x0c",
    ],
)
def test_text_with_damage_in_single_places_is_text(text):
    assert fault(text) is None


def test_damage_counts_invalid_bytes_and_other_characters():
    assert damage_of(b"a\xffb\xc3\xa9\xe2\x82", "utf-8") == (1, 1, 7)
    assert damage_of("\ufffd".encode(), "utf-8") == (0, 1, 3)


def test_what_is_packed_is_looked_into():
    assert fault(gzip.compress(ENGLISH.encode()), "/a.gz") is None
    assert fault(gzip.compress(ENGLISH.encode()), "/a.TXT.GZ") is None
    assert fault(bz2.compress(ENGLISH.encode()), "/a.bz2") is None
    assert fault(packed("zstd"), "/a.zst") is None
    assert "is UTF-16" in (fault(gzip.compress(ENGLISH.encode("utf-16")), "/a.gz") or "")
    assert "is a tar archive" in (fault(gzip.compress(tarred()), "/a.tar.gz") or "")
    assert "is not UTF-8" in (fault(gzip.compress(FRENCH.encode("latin-1")), "/a.gz") or "")


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst", ".deflate"])
def test_a_name_that_promises_another_content_is_refused(suffix):
    assert fault(ENGLISH.encode(), f"/a{suffix}") == (
        f"has a name that ends in {suffix} but other content; rename it"
    )


@pytest.mark.parametrize(
    ("data", "suffix"),
    [
        (packed("lz4"), ".lz4"),
        (pa.compress(ENGLISH.encode() * 20, "snappy", asbytes=True), ".snappy"),
        (b"\xff\x06\x00\x00sNaPpY\x00" + bytes(100), ".snappy"),
        (ENGLISH.encode(), ".lz4"),
        (b"\x00\x00\x00\x18\x7f\xff\xff\xff" + bytes(100), ".snappy"),
        (b"short", ".snappy"),
    ],
)
def test_forms_of_snappy_and_lz4_that_spark_cannot_read_are_refused(data, suffix):
    assert fault(data, f"/a{suffix}") == (
        f"is not in Hadoop's form of {suffix}, which alone Spark reads; unpack it, or pack it with gzip"
    )


@pytest.mark.parametrize("suffix", [".snappy", ".lz4"])
def test_snappy_and_lz4_of_hadoop_are_accepted(suffix):
    # As Spark writes three lines.
    data = b"\x00\x00\x00\x18\x00\x00\x00\x17\x18\x1chello 0\n\t\x08$1\nhello 2\n"

    assert fault(data, f"/part-0.txt{suffix}") is None
