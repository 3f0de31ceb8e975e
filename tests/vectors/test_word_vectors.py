"""Queries to trained word vectors, and reading them from a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vecmill.errors import ConfigError, InputError
from vecmill.storage.schemas import VECTORS
from vecmill.vectors.word_vectors import WordVectors, is_local, read_run

# Two directions, royal and female, and one for words that are neither; lengths do not matter.
PLANTED = {
    "the": [0, 0, 5],
    "man": [0, -1, 1],
    "woman": [0, 2, 2],
    "king": [1, -1, 1],
    "queen": [3, 3, 3],
    "throne": [4, 0, 0],
}
ROWS = [
    {"id": id_, "word": word, "count": 10 - id_, "vector": [float(x) for x in vector]}
    for id_, (word, vector) in enumerate(PLANTED.items())
]
ARROW = pa.schema(
    [
        ("id", pa.int32()),
        ("word", pa.string()),
        ("count", pa.int64()),
        ("vector", pa.list_(pa.float32())),
    ]
)


@pytest.fixture
def vectors() -> WordVectors:
    return WordVectors(list(PLANTED), np.array(list(PLANTED.values()), np.float32))


def test_words_and_vectors_are_kept_as_trained(vectors):
    assert len(vectors) == 6
    assert "queen" in vectors
    assert "Queen" not in vectors
    assert vectors.vector("queen").tolist() == [3, 3, 3]
    assert vectors.vector("queen").dtype == np.float32


def test_similar_words_are_sorted_by_cosine_without_the_word_itself(vectors):
    answers = vectors.similar("woman", n=3)

    # Cosines of (0, 1, 1) / sqrt 2 with the other vectors.
    assert [word for word, _ in answers] == ["queen", "the", "man"]
    expected = [2 / np.sqrt(6), 1 / np.sqrt(2), 0]
    np.testing.assert_allclose([cosine for _, cosine in answers], expected, atol=1e-6)


def test_there_are_at_most_as_many_answers_as_other_words(vectors):
    assert len(vectors.similar("the", n=99)) == 5
    assert len(vectors.analogy("man", "king", "woman", n=99)) == 3


def test_an_analogy_applies_the_first_pair_to_the_third_word(vectors):
    answers = vectors.analogy("man", "king", "woman")

    assert answers[0][0] == "queen"
    assert {word for word, _ in answers} == {"the", "queen", "throne"}
    unit = {word: np.array(x) / np.linalg.norm(x) for word, x in PLANTED.items()}
    query = unit["king"] - unit["man"] + unit["woman"]
    cosine = query @ unit["queen"] / np.linalg.norm(query)
    assert answers[0][1] == pytest.approx(cosine, abs=1e-6)


def test_the_reverse_analogy_has_another_answer(vectors):
    assert vectors.analogy("woman", "queen", "man", n=1)[0][0] == "king"


def test_an_unknown_word_is_reported_with_the_closest_spellings(vectors):
    message = r"^'womam' is not among the 6 words; the closest spellings are: woman"
    with pytest.raises(InputError, match=message):
        vectors.vector("womam")
    with pytest.raises(InputError, match=message):
        vectors.similar("womam")
    with pytest.raises(InputError, match=message):
        vectors.analogy("man", "king", "womam")
    with pytest.raises(InputError, match=r"^'zzz' is not among the 6 words$"):
        vectors.vector("zzz")


@pytest.mark.parametrize("n", [0, -1, 1.5, "3", None, True])
def test_the_number_of_answers_must_be_a_whole_number_from_one(vectors, n):
    with pytest.raises(ConfigError, match=r"^n must be a whole number of at least 1, got "):
        vectors.similar("king", n)
    with pytest.raises(ConfigError, match=r"^n must be a whole number of at least 1, got "):
        vectors.analogy("man", "king", "woman", n)


def test_the_number_of_answers_may_be_a_number_of_numpy(vectors):
    assert len(vectors.similar("king", np.int64(2))) == 2


COMPOSED, DECOMPOSED = "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"


@pytest.mark.parametrize("known", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("asked", [COMPOSED, DECOMPOSED])
def test_a_word_is_found_however_its_letters_are_composed(known, asked):
    vectors = WordVectors(["the", known, "of"], np.eye(3, dtype=np.float32))

    assert asked in vectors
    assert vectors.spelling(asked) == known
    assert vectors.vector(asked).tolist() == [0, 1, 0]
    assert {word for word, _ in vectors.similar(asked)} == {"the", "of"}
    assert {word for word, _ in vectors.analogy("the", asked, "of")} == set()


def test_a_word_stands_for_itself_if_the_vectors_have_it():
    vectors = WordVectors([COMPOSED, DECOMPOSED], np.eye(2, dtype=np.float32))

    assert [vectors.vector(word).tolist() for word in vectors.words] == [[1, 0], [0, 1]]


def test_the_hint_for_an_unknown_word_shows_invisible_characters():
    vectors = WordVectors(["king\N{ZERO WIDTH SPACE}"], np.eye(1, dtype=np.float32))

    with pytest.raises(InputError, match=r"'king' is not .*spellings are: 'king\\u200b'$"):
        vectors.vector("king")


def test_an_unknown_word_is_composed_in_the_message(vectors):
    with pytest.raises(InputError, match=f"^'{COMPOSED}' is not among the 6 words"):
        vectors.vector(DECOMPOSED)


def test_messages_about_very_long_words_are_short():
    vectors = WordVectors(["king" * 100_000, "queen"], np.eye(2, dtype=np.float32))

    with pytest.raises(InputError, match="is not among the 2 words") as caught:
        vectors.vector("kink" * 100_000)
    assert len(str(caught.value)) < 300
    with pytest.raises(InputError, match=r"^a word must be a string, got 7$"):
        vectors.vector(7)


def write_parts(root: Path) -> None:
    """vectors/ in two files, neither in the order of the ids, as Spark may write them."""
    (root / "vectors").mkdir(parents=True)
    for part in (0, 1):
        table = pa.Table.from_pylist(ROWS[part::2][::-1], ARROW)
        pq.write_table(table, root / "vectors" / f"part-{part}.parquet")
    (root / "vectors" / "_SUCCESS").touch()


@pytest.mark.parametrize("name", ["out", "my runs, 50%", "run #2", "a?b"])
def test_a_run_on_this_machine_is_read_without_spark(tmp_path: Path, name):
    write_parts(tmp_path / name)

    read = read_run(str(tmp_path / name))

    assert read.words == list(PLANTED)
    np.testing.assert_array_equal(read.vectors, list(PLANTED.values()))


def test_a_run_may_be_named_with_its_scheme_and_a_slash(tmp_path: Path):
    write_parts(tmp_path / "out")

    assert read_run(f"file://{tmp_path}/out/").words == list(PLANTED)


def test_a_run_elsewhere_is_read_by_spark(spark, tmp_path: Path):
    table = spark.createDataFrame([tuple(row.values()) for row in ROWS[::-1]], VECTORS)
    table.write.parquet(str(tmp_path / "vectors"))

    read = read_run(str(tmp_path), spark)

    assert read.words == list(PLANTED)
    np.testing.assert_array_equal(read.vectors, list(PLANTED.values()))


def test_a_run_without_vectors_is_reported_with_the_remedy(tmp_path: Path):
    with pytest.raises(InputError, match=r"vectors does not exist; run 'vecmill run' first"):
        read_run(str(tmp_path))


def test_broken_vectors_are_reported_with_the_remedy(tmp_path: Path):
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors" / "part-0.parquet").write_bytes(b"PAR1 and nothing more")

    with pytest.raises(InputError, match=r"vectors cannot be read: .*run 'vecmill export' again"):
        read_run(str(tmp_path))


@pytest.mark.parametrize(
    ("root", "local"),
    [
        ("out", True),
        ("/data/out", True),
        ("file:///data/out", True),
        ("hdfs://host/out", False),
        ("s3a://bucket/out", False),
        ("viewfs://cluster/out", False),
    ],
)
def test_only_paths_without_a_foreign_scheme_are_local(root, local):
    assert is_local(root) is local
