from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vecmill.errors import InputError
from vecmill.vectors.formats import Block
from vecmill.vectors.formats.npy import map_npy, read_npy, write_npy
from vecmill.vectors.formats.safetensors_file import read_safetensors, write_safetensors

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
letters = st.characters(exclude_categories=["Cs"], exclude_characters="\n\r")
vocabularies = st.lists(st.text(letters, min_size=1), unique=True, max_size=9)

WORDS = ["the", "ice cream"]
VECTORS = np.array([[0.5, -1.0, 2.0], [3.0, 4.0, 5.0]], np.float32)
SAME_EXPORT = "take both files from the same export"


def one_word_blocks(words, vectors):
    return [Block([word], [1], vectors[i : i + 1]) for i, word in enumerate(words)]


def write_vectors(write, path: Path) -> Path:
    write(path, one_word_blocks(WORDS, VECTORS), 2, 3)
    return path


@pytest.mark.parametrize(
    ("write", "read", "name"),
    [(write_npy, read_npy, "v.npy"), (write_safetensors, read_safetensors, "v.safetensors")],
)
@given(words=vocabularies, dim=st.integers(1, 4), data=st.data())
def test_files_are_read_back(write, read, name, words, dim, data):
    vectors = data.draw(hnp.arrays(np.float32, (len(words), dim), elements=finite))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        paths = write(path, one_word_blocks(words, vectors), len(words), dim)
        got = read(path)

        assert paths == (path, Path(folder) / "v.vocabulary.txt")
        assert sorted(Path(folder).iterdir()) == sorted(paths)
    assert got.words == words
    assert got.vectors.dtype == np.float32
    np.testing.assert_array_equal(got.vectors, vectors)


def test_numpy_maps_the_matrix_and_the_vocabulary_has_one_word_per_line(tmp_path):
    path = write_vectors(write_npy, tmp_path / "v.npy")

    np.testing.assert_array_equal(np.load(path, mmap_mode="r"), VECTORS)
    assert (tmp_path / "v.vocabulary.txt").read_bytes() == b"the\nice cream\n"


@given(words=vocabularies, dim=st.integers(1, 4), data=st.data())
def test_the_safetensors_package_loads_our_files(words, dim, data):
    vectors = data.draw(hnp.arrays(np.float32, (len(words), dim), elements=finite))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.safetensors"
        write_safetensors(path, one_word_blocks(words, vectors), len(words), dim)

        with safetensors.safe_open(path, "numpy") as loaded:
            assert list(loaded.keys()) == ["vectors"]
            assert loaded.metadata() == {"vocabulary": "v.vocabulary.txt"}
            np.testing.assert_array_equal(loaded.get_tensor("vectors"), vectors)


def test_files_of_the_safetensors_package_are_read_also_with_other_tensors(tmp_path):
    tensors = {"before": np.ones(7, np.float64), "vectors": VECTORS}
    safetensors.numpy.save_file(tensors, tmp_path / "v.safetensors")
    (tmp_path / "v.vocabulary.txt").write_bytes(b"the\nice cream\n")

    got = read_safetensors(tmp_path / "v.safetensors")

    assert got.words == WORDS
    np.testing.assert_array_equal(got.vectors, VECTORS)


def test_the_numbers_of_a_safetensors_file_begin_at_a_multiple_of_eight(tmp_path):
    data = write_vectors(write_safetensors, tmp_path / "v.safetensors").read_bytes()

    header_bytes = int.from_bytes(data[:8], "little")
    assert header_bytes % 8 == 0
    assert len(data) == 8 + header_bytes + VECTORS.nbytes


@pytest.mark.parametrize(
    "array", [VECTORS.astype(np.float64), VECTORS.astype(">f4"), np.asfortranarray(VECTORS)]
)
def test_npy_of_other_floats_and_orders_is_read_as_float32(tmp_path, array):
    np.save(tmp_path / "v.npy", array)
    (tmp_path / "v.vocabulary.txt").write_bytes(b"the\r\nice cream")

    for got in (read_npy(tmp_path / "v.npy"), map_npy(tmp_path / "v.npy")):
        assert got.words == WORDS
        assert got.vectors.dtype == np.float32
        np.testing.assert_array_equal(got.vectors, VECTORS)


def test_npy_is_mapped_only_if_it_needs_no_conversion(tmp_path):
    path = write_vectors(write_npy, tmp_path / "v.npy")
    assert isinstance(map_npy(path).vectors, np.memmap)
    assert not isinstance(read_npy(path).vectors, np.memmap)

    (tmp_path / "v.vocabulary.txt").write_bytes(b"the\nthe\n")
    repeated = map_npy(path)

    assert repeated.words == ["the"]
    np.testing.assert_array_equal(repeated.vectors, VECTORS[:1])
    np.save(path, np.empty((0, 3), np.float32))
    (tmp_path / "v.vocabulary.txt").write_bytes(b"")
    assert map_npy(path).vectors.shape == (0, 3)


@pytest.mark.parametrize(
    "form", [b"\xef\xbb\xbfthe\nice cream\n", b"the\r\nice cream\r\n\r\n", b"the\nice cream\n\n\n"]
)
def test_a_vocabulary_may_have_a_byte_order_mark_and_empty_lines_at_its_end(tmp_path, form):
    path = write_vectors(write_npy, tmp_path / "v.npy")
    (tmp_path / "v.vocabulary.txt").write_bytes(form)

    assert read_npy(path).words == WORDS


def test_a_first_word_that_begins_with_a_byte_order_mark_is_read_back(tmp_path):
    words = ["\N{ZERO WIDTH NO-BREAK SPACE}the", "\N{ZERO WIDTH NO-BREAK SPACE}"]
    write_npy(tmp_path / "v.npy", one_word_blocks(words, VECTORS), 2, 3)

    assert read_npy(tmp_path / "v.npy").words == words


@pytest.mark.parametrize("write", [write_npy, write_safetensors])
@pytest.mark.parametrize("word", ["", "a\nb", "a\rb"])
def test_words_with_line_breaks_are_refused_and_no_file_is_left(tmp_path, write, word):
    with pytest.raises(InputError) as caught:
        write(tmp_path / "v", [Block([word], [1], VECTORS[:1])], 1, 3)

    assert str(caught.value) == (
        f"{tmp_path}/v: the word {word!r} cannot be exported, because its vocabulary has one word "
        "per line; split such words"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        (b"the\n", ": expected 2 lines, one for each vector of v.npy, got 1; " + SAME_EXPORT),
        (b"a\nb\nc", ": expected 2 lines, one for each vector of v.npy, got 3; " + SAME_EXPORT),
        (b"", ": expected 2 lines, one for each vector of v.npy, got 0; " + SAME_EXPORT),
        (
            b"the\nof\xff\n",
            ", line 2: expected UTF-8, got b'\\xff'; convert the file to UTF-8, for example with iconv",
        ),
        (
            None,
            " cannot be read (No such file or directory); give the path of a file of word vectors",
        ),
    ],
)
def test_a_wrong_vocabulary_is_reported(tmp_path, vocabulary, message):
    path = write_vectors(write_npy, tmp_path / "v.npy")
    if vocabulary is None:
        (tmp_path / "v.vocabulary.txt").unlink()
    else:
        (tmp_path / "v.vocabulary.txt").write_bytes(vocabulary)

    with pytest.raises(InputError) as caught:
        read_npy(path)

    assert str(caught.value) == f"{tmp_path}/v.vocabulary.txt{message}"


def test_an_npy_file_of_the_wrong_length_is_reported_with_its_bytes(tmp_path):
    path = write_vectors(write_npy, tmp_path / "v.npy")
    whole = path.read_bytes()

    for content in (whole[:-1], whole + b"\0"):
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_npy(path)
        assert str(caught.value) == (
            f"{path}: expected 2 x 3 float32 that end at byte {len(whole)}, got a file that ends "
            f"at byte {len(content)}; the file is cut short or its header wrong, so fetch or "
            "export it again"
        )


@pytest.mark.parametrize("kept", [0, 5, 9, 40])
def test_an_npy_file_cut_in_its_header_is_reported(tmp_path, kept):
    path = write_vectors(write_npy, tmp_path / "v.npy")
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(InputError, match=r"v\.npy: expected an \.npy header, got none .*; the file is"):
        read_npy(path)


@pytest.mark.parametrize(
    ("whole", "changed"), [(b"(2, 3)", b"\x002, 3)"), (b"'<f4'", b"'<04'"), (b"(2, 3)", b"92, 3)")]
)
def test_an_npy_file_with_a_broken_header_is_reported(tmp_path, whole, changed):
    path = write_vectors(write_npy, tmp_path / "v.npy")
    path.write_bytes(path.read_bytes().replace(whole, changed, 1))

    with pytest.raises(InputError, match=r"v\.npy: expected an \.npy header, got none .*; the file is"):
        read_npy(path)


@pytest.mark.parametrize(
    "shape",
    [
        "(-2, 3)",
        "(-2, -3)",
        "(True, 6)",
        "(6, True)",
        "(6, 0)",
        "(6,)",
        "()",
        "(1, 2, 3)",
        "(2.0, 3)",
        "(9223372036854775807, 9223372036854775807)",
        "(0, 99999999999999999999)",
        f"({'9' * 4300}, 3)",
        "(" * 200 + "2, 3" + ")" * 200,
        "[" * 90 + "]" * 90,
    ],
)
def test_an_npy_file_with_an_absurd_shape_is_refused_in_one_sentence(tmp_path, shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + VECTORS.tobytes()
    (tmp_path / "v.npy").write_bytes(content)

    with pytest.raises(InputError, match=r"v\.npy: expected|cannot be read") as caught:
        read_npy(tmp_path / "v.npy")

    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


def test_numbers_beyond_float32_are_reported(tmp_path):
    np.save(tmp_path / "v.npy", np.array([[1e300], [1.0]]))
    (tmp_path / "v.vocabulary.txt").write_text("the\nof\n")

    with pytest.raises(InputError, match="expected finite numbers, got nan or infinity for 'the'"):
        read_npy(tmp_path / "v.npy")


def test_an_npy_file_without_a_matrix_of_floats_is_reported(tmp_path):
    np.save(tmp_path / "v.npy", np.arange(3))

    with pytest.raises(InputError) as caught:
        read_npy(tmp_path / "v.npy")

    assert str(caught.value) == (
        f"{tmp_path}/v.npy: expected a matrix of floats, one row per word, got int64 of shape (3,); "
        "save the vectors alone, with numpy.save"
    )


def with_header(header: object, numbers: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def tensor(dtype: str, shape: list[int], end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a header that ends at byte 8, got a file that ends at byte 0; the file is"),
        (b"\xff" * 9, "expected a header that ends at byte 18446744073709551623, got a file that"),
        (b"\x01" + bytes(7) + b"{", "expected a header that describes a matrix named 'vectors'"),
        (with_header({"x": 1}, b""), "named 'vectors', got none (KeyError: 'vectors'); the file"),
        (with_header({"vectors": tensor("F32", [2], 8)}, bytes(8)), "got none (ValueError: "),
        (with_header({"vectors": {}}, b""), "got none (TypeError: "),
        (with_header({"vectors": []}, b""), "got none (AttributeError: "),
        (
            with_header({"vectors": tensor("F16", [1, 2], 4)}, bytes(4)),
            "expected 'vectors' as 1 x 2 F32 in 8 bytes, got F16 in 4 bytes; convert it to float32",
        ),
        (
            with_header({"vectors": tensor("F32", [1, 2], 8)}, bytes(7)),
            "expected 'vectors' to end at byte 86, got a file that ends at byte 85; the file is",
        ),
    ],
)
def test_a_broken_safetensors_file_is_reported(tmp_path, content, message):
    (tmp_path / "v.safetensors").write_bytes(content)

    with pytest.raises(InputError) as caught:
        read_safetensors(tmp_path / "v.safetensors")

    assert str(caught.value).startswith(f"{tmp_path}/v.safetensors: expected")
    assert message in str(caught.value)


def described(offsets: object, shape: object = (2, 3), **others: object) -> bytes:
    """A header of the tensor `vectors` and of others."""
    vectors = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
    return with_header({"vectors": vectors, **others}, VECTORS.tobytes())


OTHER = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # The bytes of the header must not be read as numbers.
        (described([-24, 0]), r"the offsets \[-24, 0\]"),
        (described([24, 0], [2, -3]), r"the shape|the offsets"),
        (described([0, 24], [-2, -3]), r"the shape \[-2, -3\]"),
        (described([0, 4], [True, True]), r"the shape \[True, True\]"),
        (described([False, 24]), r"the offsets \[False, 24\]"),
        (described([0.0, 24.0]), "the offsets"),
        (described([0, 24], [6, 0]), "the shape"),
        (described([0, 0], [0, 0]), "the shape"),
        (
            described([0, 24], other=OTHER),
            "expected a tensor or the end at byte 4 after the header, got one at",
        ),
        (
            described([0, 24], other={**OTHER, "data_offsets": [24, 28]}),
            "expected a tensor or the end at byte 28",
        ),
        (described([0, 24], other=7), "AttributeError"),
        (
            described([4, 28]) + bytes(4),
            "expected a tensor or the end at byte 0 after the header, got one at byte 4",
        ),
        (described([0, 24]) + b"more", "expected a tensor or the end at byte 24"),
        (described([0, 10**18], [1, 250000000000000000]), "to end at byte"),
        (b"\x40\x0d\x03" + bytes(5) + b"[" * 200_000, "RecursionError"),
        (b"\x90\x14" + bytes(6) + b'{"a": ' + b"9" * 5258 + b"}", "ValueError"),
    ],
)
def test_safetensors_with_absurd_offsets_shapes_or_json_are_refused_in_one_sentence(
    tmp_path, content, message
):
    (tmp_path / "v.safetensors").write_bytes(content)
    (tmp_path / "v.vocabulary.txt").write_bytes(b"the\nice cream\n")

    with pytest.raises(InputError, match=message) as caught:
        read_safetensors(tmp_path / "v.safetensors")

    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)
