from __future__ import annotations

import logging
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vecmill.errors import InputError, ShapeError
from vecmill.vectors.formats import EXPORTS, Block, Vectors, read_vectors
from vecmill.vectors.formats.word2vec import (
    read_glove_text,
    read_word2vec_binary,
    read_word2vec_text,
    write_word2vec_binary,
    write_word2vec_text,
)

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0\t\n\v\f\r ")


@st.composite
def vocabularies(draw: st.DrawFn) -> Vectors:
    words = draw(st.lists(st.text(letters, min_size=1), unique=True, max_size=12))
    dim = draw(st.integers(1, 5))
    return Vectors(words, draw(hnp.arrays(np.float32, (len(words), dim), elements=finite)))


def blocks_of(vocabulary: Vectors, rows: int = 5) -> list[Block]:
    words, vectors = vocabulary
    return [
        Block(words[i : i + rows], [7] * len(words[i : i + rows]), vectors[i : i + rows])
        for i in range(0, len(words), rows)
    ]


def assert_same(got: Vectors, expected: Vectors) -> None:
    assert got.words == expected.words
    assert got.vectors.dtype == np.float32
    # As bits, so that -0.0 and 0.0 differ.
    np.testing.assert_array_equal(
        np.ascontiguousarray(got.vectors).view(np.uint32), expected.vectors.view(np.uint32)
    )


@pytest.mark.parametrize(
    ("write", "read"),
    [
        (write_word2vec_text, read_word2vec_text),
        (write_word2vec_binary, read_word2vec_binary),
    ],
)
@given(vocabulary=vocabularies())
def test_files_are_read_back_bit_for_bit(write, read, vocabulary):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors"
        paths = write(path, blocks_of(vocabulary), *vocabulary.vectors.shape)

        assert paths == (path,)
        assert_same(read(path), vocabulary)


@pytest.mark.parametrize(("write", "binary"), [(write_word2vec_text, False), (write_word2vec_binary, True)])
@given(vocabulary=vocabularies())
def test_gensim_loads_our_files(write, binary, vocabulary):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors"
        write(path, blocks_of(vocabulary), *vocabulary.vectors.shape)

        loaded = KeyedVectors.load_word2vec_format(path, binary=binary)

    assert_same(Vectors(loaded.index_to_key, loaded.vectors), vocabulary)


@pytest.mark.parametrize(("read", "binary"), [(read_word2vec_text, False), (read_word2vec_binary, True)])
def test_files_of_gensim_are_read(tmp_path, read, binary):
    vectors = np.random.default_rng(0).normal(size=(6000, 3)).astype(np.float32)
    gensim = KeyedVectors(3)
    gensim.add_vectors([f"word{i}" for i in range(6000)], vectors)
    gensim.save_word2vec_format(str(tmp_path / "vectors"), binary=binary)

    assert_same(read(tmp_path / "vectors"), Vectors(gensim.index_to_key, vectors))


def test_text_has_one_line_per_word_with_the_shortest_decimals(tmp_path):
    vectors = np.array([[0.1, -2], [1e-7, 16777216]], np.float32)
    write_word2vec_text(tmp_path / "v.txt", [Block(["a", "é"], [3, 2], vectors)], 2, 2)

    assert (tmp_path / "v.txt").read_text("utf-8") == "2 2\na 0.1 -2\né 1e-7 16777216\n"


def test_a_binary_row_is_word_space_little_endian_floats_and_line_feed(tmp_path):
    vectors = np.array([[1.0, -2.0]], np.float32)
    write_word2vec_binary(tmp_path / "v.bin", [Block(["é"], [3], vectors)], 1, 2)

    row = b"\xc3\xa9 \x00\x00\x80\x3f\x00\x00\x00\xc0\n"
    assert (tmp_path / "v.bin").read_bytes() == b"1 2\n" + row


@pytest.mark.parametrize("words", [pa.array(["a", "b"]), pa.array(["a", "b"], pa.large_string())])
def test_words_and_counts_may_be_arrow_arrays(tmp_path, words):
    vectors = np.ones((2, 1), np.float32)
    write_word2vec_text(tmp_path / "v", [Block(words, pa.array([2, 1]), vectors)], 2, 1)

    assert_same(read_word2vec_text(tmp_path / "v"), Vectors(["a", "b"], vectors))


def test_a_block_larger_than_one_write_is_written_completely(tmp_path):
    vectors = np.arange(20_000, dtype=np.float32).reshape(10_000, 2)
    vocabulary = Vectors([f"w{i}" for i in range(10_000)], vectors)
    write_word2vec_text(tmp_path / "v", blocks_of(vocabulary, 10_000), 10_000, 2)

    assert_same(read_word2vec_text(tmp_path / "v"), vocabulary)


def test_a_file_larger_than_one_read_keeps_its_rows_and_line_numbers(tmp_path):
    vectors = np.random.default_rng(1).normal(size=(60_000, 10)).astype(np.float32)
    vocabulary = Vectors([f"w{i}" for i in range(60_000)], vectors)
    write_word2vec_text(tmp_path / "v", blocks_of(vocabulary, 10_000), 60_000, 10)
    assert (tmp_path / "v").stat().st_size > 1 << 22

    assert_same(read_word2vec_text(tmp_path / "v"), vocabulary)

    lines = (tmp_path / "v").read_bytes().split(b"\n")
    lines[59_000] = b"w 1"
    (tmp_path / "v").write_bytes(b"\n".join(lines))
    with pytest.raises(InputError, match="line 59001: expected a word and 10 numbers, got 2"):
        read_word2vec_text(tmp_path / "v")


@pytest.mark.parametrize("word", ["", "ice cream", "a\nb", "a\tb", "a\rb", "a\vb", "a\0b"])
def test_text_refuses_words_with_white_space_and_leaves_no_file(tmp_path, word):
    block = Block(["fine", word], [1, 1], np.ones((2, 1), np.float32))

    with pytest.raises(InputError) as caught:
        write_word2vec_text(tmp_path / "v.txt", [block], 2, 1)

    assert str(caught.value) == (
        f"{tmp_path}/v.txt: the word {word!r} cannot be exported, because word2vec text ends a "
        "word at white space; choose safetensors or npy, or split such words"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", ["", "ice cream", "a\nb", "a\0b"])
def test_binary_refuses_words_with_spaces_or_line_feeds(tmp_path, word):
    block = Block([word], [1], np.ones((1, 1), np.float32))

    with pytest.raises(InputError, match="word2vec binary ends a word at a space"):
        write_word2vec_binary(tmp_path / "v.bin", [block], 1, 1)


def test_binary_accepts_words_with_tabs(tmp_path):
    vectors = np.ones((1, 1), np.float32)
    write_word2vec_binary(tmp_path / "v", [Block(["a\tb"], [1], vectors)], 1, 1)

    assert_same(read_word2vec_binary(tmp_path / "v"), Vectors(["a\tb"], vectors))
    assert KeyedVectors.load_word2vec_format(tmp_path / "v", binary=True).index_to_key == ["a\tb"]


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("count", [1, 3])
def test_a_writer_refuses_blocks_that_contradict_the_header(tmp_path, name, count):
    block = Block(["a", "b"], [2, 1], np.ones((2, 1), np.float32))

    with pytest.raises(ShapeError, match=f"the header says {count} words, but the blocks have 2"):
        EXPORTS[name].write(tmp_path / "v", [block], count, 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "block",
    [
        Block(["a"], [1], np.ones((1, 3), np.float32)),
        Block(["a"], [1], np.ones((1, 2), np.float64)),
        Block(["a"], [1], np.ones((2, 2), np.float32)),
        Block(["a"], [], np.ones((1, 2), np.float32)),
    ],
)
def test_a_writer_refuses_a_block_of_the_wrong_shape(tmp_path, block):
    with pytest.raises(ShapeError, match=r"expects 1 counts and float32 vectors of shape \(1, 2\)"):
        write_word2vec_text(tmp_path / "v", [block], 1, 2)


def test_a_writer_that_fails_keeps_the_previous_file(tmp_path):
    (tmp_path / "v").write_bytes(b"previous")

    with pytest.raises(ShapeError):
        write_word2vec_text(tmp_path / "v", [], 1, 1)

    assert (tmp_path / "v").read_bytes() == b"previous"


def test_text_with_spaces_at_the_ends_of_lines_is_read(tmp_path):
    (tmp_path / "v").write_bytes(b"2 2\n</s> 0.5 -1.250000 \nthe 1e-3 2 \n")

    expected = np.array([[0.5, -1.25], [1e-3, 2]], np.float32)
    assert_same(read_word2vec_text(tmp_path / "v"), Vectors(["</s>", "the"], expected))


def test_text_with_windows_line_ends_is_read(tmp_path):
    (tmp_path / "v").write_bytes(b"1 2\r\nthe 1 2\r\n")

    expected = np.array([[1, 2]], np.float32)
    assert_same(read_word2vec_text(tmp_path / "v"), Vectors(["the"], expected))


def test_binary_without_line_feeds_is_read(tmp_path):
    (tmp_path / "v").write_bytes(b"2 1\na \x00\x00\x80\x3fb \x00\x00\x00\x40")

    expected = np.array([[1], [2]], np.float32)
    assert_same(read_word2vec_binary(tmp_path / "v"), Vectors(["a", "b"], expected))


@pytest.mark.parametrize(
    ("read", "content"),
    [
        (read_word2vec_text, b"3 1\nthe 1\nof 2\nthe 3\n"),
        (read_glove_text, b"the 1\nof 2\nthe 3\n"),
        (
            read_word2vec_binary,
            b"3 1\nthe \x00\x00\x80\x3f\nof \x00\x00\x00\x40\nthe \x00\x00\x40\x40\n",
        ),
    ],
)
def test_the_first_of_repeated_words_is_kept_with_a_warning(tmp_path, caplog, read, content):
    (tmp_path / "v").write_bytes(content)

    with caplog.at_level(logging.WARNING):
        got = read(tmp_path / "v")

    assert_same(got, Vectors(["the", "of"], np.array([[1], [2]], np.float32)))
    assert "dropped 1 repeated words" in caplog.text


def test_glove_text_has_no_header_and_may_have_spaces_in_words(tmp_path):
    (tmp_path / "v").write_bytes(b"the 0.5 1\n. . . 2 3\nto name@domain.com 4 5\n")

    got = read_glove_text(tmp_path / "v")

    expected = np.array([[0.5, 1], [2, 3], [4, 5]], np.float32)
    assert_same(got, Vectors(["the", ". . .", "to name@domain.com"], expected))


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("read", "content"),
    [(read_word2vec_text, MARK + b"1 2\nthe 1 2\n"), (read_glove_text, MARK + b"the 1 2\n")],
)
def test_a_byte_order_mark_is_not_part_of_the_first_word(tmp_path, read, content):
    (tmp_path / "v").write_bytes(content)

    assert_same(read(tmp_path / "v"), Vectors(["the"], np.array([[1, 2]], np.float32)))


@pytest.mark.parametrize("empty", [b"\n", b"\n\n\n", b"\r\n \n", b"\n" * 5_000_000])
@pytest.mark.parametrize("read", [read_word2vec_text, read_glove_text])
def test_empty_lines_at_the_end_are_ignored(tmp_path, read, empty):
    header = b"1 2\n" if read is read_word2vec_text else b""
    (tmp_path / "v").write_bytes(header + b"the 1 2\n" + empty)

    assert read(tmp_path / "v").words == ["the"]


def test_an_empty_line_in_the_middle_is_reported_however_many_there_are(tmp_path):
    (tmp_path / "v").write_bytes(b"2 2\nthe 1 2\n" + b"\n" * 5_000_000 + b"of 1 2\n")

    with pytest.raises(InputError, match="line 3: expected a word and 2 numbers, got 1 columns"):
        read_word2vec_text(tmp_path / "v")


def test_words_of_text_with_a_header_may_have_spaces(tmp_path):
    (tmp_path / "v").write_bytes(b"3 2\nNew York 1 2\n. . . 3 4\n 5 6\n")

    expected = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    assert_same(read_word2vec_text(tmp_path / "v"), Vectors(["New York", ". . .", ""], expected))


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (read_word2vec_text, b"2 2\nthe 1 x\nof 1 2\n", "line 2: expected a number in column 3, got 'x'"),
        (read_glove_text, b"the 1 x\nof 1 2\n", "line 1: expected a number in column 3, got 'x'"),
        (read_glove_text, b"the x 1\nof 1 2\nto 1 2\n", "line 1: expected a number in column 2, got 'x'"),
        (read_glove_text, b"the 1 x 3\n", "line 1: expected a number in column 3, got 'x'"),
    ],
)
def test_a_bad_number_in_the_first_row_is_reported_as_one(tmp_path, read, content, message):
    (tmp_path / "v").write_bytes(content)

    with pytest.raises(InputError, match=message):
        read(tmp_path / "v")


@pytest.mark.parametrize(
    "header",
    [
        b"2 999999999999",
        b"2 9223372036854775807",
        b"2 2000000000",
        b"2 99999999999999999999",
        b"9223372036854775807 9223372036854775807",
        b"9" * 4300 + b" 3",
        b"2 " + b"9" * 4300,
        b"-2 3",
        b"2 -3",
        b"0 99999999999",
    ],
)
@pytest.mark.parametrize("rows", [b"king 1 2 3\nqueen 1 2 3\n", b"king \x00\x00\x80?\x00\x00\x80?"])
def test_an_absurd_header_is_refused_before_memory_is_allocated(tmp_path, header, rows):
    (tmp_path / "v").write_bytes(header + b"\n" + rows)

    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            read_vectors(tmp_path / "v")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 10_000_000
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_long_content_is_cut_in_messages(tmp_path):
    (tmp_path / "v").write_bytes(b"the 1 2\nof 1 " + b"x" * 1_000_000 + b"\n")

    with pytest.raises(InputError, match="line 2: expected a number in column 3") as caught:
        read_glove_text(tmp_path / "v")

    assert len(str(caught.value)) < 500


def test_a_word_that_was_cut_in_the_middle_of_a_letter_is_read_with_a_warning(tmp_path, caplog):
    one = b"\x00\x00\x80\x3f"
    (tmp_path / "v").write_bytes(b"3 1\nthe " + one + "каф".encode()[:-1] + b" " + one + b"of " + one)

    with caplog.at_level(logging.WARNING):
        got = read_word2vec_binary(tmp_path / "v")

    assert got.words == ["the", "ка\N{REPLACEMENT CHARACTER}", "of"]
    assert "replaced bytes that are not UTF-8 in 1 of 3 words: 'ка\N{REPLACEMENT CHARACTER}'" in caplog.text


DAMAGED = "the file is damaged or of another format, so fetch or export it again"
CUT_SHORT = "the file is cut short or its header wrong, so fetch or export it again"
CONVERT = "convert the file to UTF-8, for example with iconv"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"",
            ", line 1: expected the number of words and of dimensions, got b''; " + DAMAGED,
        ),
        (
            b"the 0.5 1\n",
            ", line 1: expected the number of words and of dimensions, got b'the 0.5 1\\n'; " + DAMAGED,
        ),
        (
            b"1 0\nthe\n",
            ", line 1: expected the number of words and of dimensions, got b'1 0\\n'; " + DAMAGED,
        ),
        (
            b"2 2\nthe 1 2\n",
            ", line 2: expected 2 words in all, as the header says, got 1; " + CUT_SHORT,
        ),
        (
            b"1 2\nthe 1 2\nof 1 2\n",
            ", line 3: expected 1 words in all, as the header says, got 2; " + CUT_SHORT,
        ),
        (
            b"2 2\nthe 1 2\nof 1\n",
            ", line 3: expected a word and 2 numbers, got 2 columns; " + DAMAGED,
        ),
        (
            b"2 2\nthe 1 2 3\nof 1 2\n",
            ", line 2: expected a word and 2 numbers, got 4 columns; " + DAMAGED,
        ),
        (
            b"2 2\nthe 1 2\n\nof 1 2\n",
            ", line 3: expected a word and 2 numbers, got 1 columns; " + DAMAGED,
        ),
        (
            b"2 2\nthe 1 2\nof 1 x2\n",
            ", line 3: expected a number in column 3, got 'x2'; " + DAMAGED,
        ),
        (
            b"2 2\nthe 1 2\n\xffof 1 2\n",
            ", line 3: expected UTF-8, got b'\\xffof 1 2\\n'; " + CONVERT,
        ),
        (
            b"2 2\nthe 1 2\nof 1 nan\n",
            ": expected finite numbers, got nan or infinity for 'of', word 2 of 2; train again "
            "with a lower rate, or remove the word",
        ),
    ],
)
def test_broken_text_is_reported_with_its_line(tmp_path, content, message):
    (tmp_path / "v.txt").write_bytes(content)

    with pytest.raises(InputError) as caught:
        read_word2vec_text(tmp_path / "v.txt")

    assert str(caught.value) == f"{tmp_path}/v.txt{message}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ", line 1: expected a word and its numbers, separated by spaces, got one column; "),
        (
            b"the\n",
            ", line 1: expected a word and its numbers, separated by spaces, got one column; ",
        ),
        (b"the 1 2\nof 1\n", ", line 2: expected a word and 2 numbers, got 2 columns; "),
        (b"the 1 2\nof 1 2 -.3e-5\n", ", line 2: expected a word and 2 numbers, got 4 columns; "),
        (b"2 2\nthe 1 2\n", ", line 2: expected a word and 1 numbers, got 3 columns; "),
        (b"the 1 2\nof one 2\n", ", line 2: expected a number in column 2, got 'one'; "),
    ],
)
def test_broken_glove_text_is_reported_with_its_line(tmp_path, content, message):
    (tmp_path / "v.txt").write_bytes(content)

    with pytest.raises(InputError) as caught:
        read_glove_text(tmp_path / "v.txt")

    assert str(caught.value) == f"{tmp_path}/v.txt{message}{DAMAGED}"


ONE = b"\x00\x00\x80\x3f"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"the " + ONE,
            ", line 1: expected the number of words and of dimensions, got b'the \\x00\\x00\\x80?'"
            "; " + DAMAGED,
        ),
        (
            b"9999999999 300\nthe " + ONE,
            ": expected 9999999999 words with 300 float32 each, as the header says, got a file "
            "that ends at byte 23; " + CUT_SHORT,
        ),
        (
            b"2 1\nthe " + ONE + b"\nof " + ONE[:3],
            ", byte 12: expected word 2 of 2, a space and 1 float32, got a file that ends before, "
            "at byte 19; " + CUT_SHORT,
        ),
        (
            b"1 1\nthe " + ONE + b"\nof " + ONE,
            ", byte 12: expected the end after 1 words, as the header says, got a file of 20 "
            "bytes; " + DAMAGED,
        ),
        (
            b"1 1\n\xff " + ONE,
            ", byte 4: expected word 1 of 1 in UTF-8, got b'\\xff'; " + DAMAGED,
        ),
    ],
)
def test_broken_binary_is_reported_with_its_byte(tmp_path, content, message):
    (tmp_path / "v.bin").write_bytes(content)

    with pytest.raises(InputError) as caught:
        read_word2vec_binary(tmp_path / "v.bin")

    assert str(caught.value) == f"{tmp_path}/v.bin{message}"


@pytest.mark.parametrize("read", [read_word2vec_text, read_glove_text, read_word2vec_binary])
def test_a_missing_file_is_reported(tmp_path, read):
    with pytest.raises(InputError) as caught:
        read(tmp_path / "none.txt")

    assert str(caught.value) == (
        f"{tmp_path}/none.txt cannot be read (No such file or directory); give the path of a file "
        "of word vectors"
    )
