from __future__ import annotations

import numpy as np
import pytest

from vecmill.errors import InputError
from vecmill.vectors.formats import EXPORTS, READERS, Block, detect_format, read_vectors

WORDS = ["the", "of", "1999"]


def random_block(dim: int) -> Block:
    vectors = np.random.default_rng(dim).normal(size=(3, dim)).astype(np.float32)
    return Block(WORDS, [3, 2, 1], vectors)


@pytest.mark.parametrize("name", sorted(EXPORTS.keys() & READERS.keys()))
@pytest.mark.parametrize("dim", [1, 2, 300, 20_000])
def test_every_export_is_detected_and_read_in_any_dimension(tmp_path, name, dim):
    block = random_block(dim)
    path = tmp_path / EXPORTS[name].file_name
    EXPORTS[name].write(path, [block], 3, dim)

    got = read_vectors(path)

    assert detect_format(path) == name
    assert got.words == WORDS
    np.testing.assert_array_equal(got.vectors, block.vectors)


@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary", "npy", "safetensors"])
def test_the_content_is_enough_to_detect_the_format(tmp_path, name):
    EXPORTS[name].write(tmp_path / "vectors", [random_block(4)], 3, 4)

    assert detect_format(tmp_path / "vectors") == name


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"the 0.1 -2e-3\nof 1 2\n", "glove-text"),
        (b"the 0.1", "glove-text"),
        (b"2 2\nthe 0.1 0.2 \nof 1 2 \n", "word2vec-text"),
        (b"0 5\n", "word2vec-text"),
    ],
)
def test_texts_with_and_without_a_header_are_distinguished(tmp_path, content, name):
    (tmp_path / "v.txt").write_bytes(content)

    assert detect_format(tmp_path / "v.txt") == name


KING, QUEEN = b"king -0.5 0.1 0.2\n", b"queen -0.4 0.2 0.1\n"
MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"3 3\nNew York 0.1 0.2 0.3\n" + KING + QUEEN, "word2vec-text"),
        (b"3 3\nking 0.1 x 0.3\n" + QUEEN, "word2vec-text"),
        (b"2 3\nking 0.1 0.3\n" + QUEEN, "word2vec-text"),
        (b"2 3\ncaf\xe9 0.1 0.2 0.3\n" + QUEEN, "word2vec-text"),
        (b"1 1\nking x\n", "word2vec-text"),
        (MARK + b"1 3\n" + KING, "word2vec-text"),
        (b". . . 0.1 -0.2 0.3\n" + KING + QUEEN, "glove-text"),
        (b". . . 0.1 -0.2 0.3", "glove-text"),
        (b"king 0.1 x 0.3\n" + QUEEN, "glove-text"),
        (MARK + KING, "glove-text"),
        # The numbers of a binary file may be printable, and have line feeds.
        (b"1 1\nking fff?", "word2vec-binary"),
        (b"1 2\nking \n\n\n?fff?", "word2vec-binary"),
        (b"2 1\nking fff?\nqueen fff?\n", "word2vec-binary"),
        (b"2 2\n\xff\xfe \x00\x00\x80\x3f", "word2vec-binary"),
    ],
)
def test_one_odd_row_does_not_change_the_format(tmp_path, content, name):
    (tmp_path / "v").write_bytes(content)

    assert detect_format(tmp_path / "v") == name


@pytest.mark.parametrize("spaces", ["the", "New York", ". . ."])
def test_a_first_row_longer_than_the_inspected_bytes_is_text(tmp_path, spaces):
    row = f"{spaces} " + " ".join(["-0.123456"] * 20_000)
    (tmp_path / "v").write_text(f"1 20000\n{row}\n")
    (tmp_path / "g").write_text(f"{row}\n")

    assert read_vectors(tmp_path / "v").words == [spaces]
    assert read_vectors(tmp_path / "g").words == [spaces]
    assert read_vectors(tmp_path / "g").vectors.shape == (1, 20_000)


@pytest.mark.parametrize("content", [b"", b"Once upon a time\n", b"\x1f\x8b\x08\x00packed", b"{}"])
def test_a_file_of_another_format_is_reported_with_its_first_bytes(tmp_path, content):
    (tmp_path / "v").write_bytes(content)

    with pytest.raises(InputError) as caught:
        detect_format(tmp_path / "v")

    assert str(caught.value) == (
        f"{tmp_path}/v: expected word vectors as word2vec text or binary, GloVe text, npy or "
        f"safetensors, got a file that begins with {content[:20]!r}; unpack or convert it first"
    )


def test_a_folder_is_reported(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        detect_format(tmp_path)
