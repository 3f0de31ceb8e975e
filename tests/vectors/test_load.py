"""`from vecmill import load`: vectors in the user's own programs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import vecmill
from vecmill import load
from vecmill.errors import ConfigError, InputError
from vecmill.vectors import sources
from vecmill.vectors.formats import EXPORTS, Block
from vecmill.vectors.sources import select

WORDS = ["the", "man", "woman", "king", "queen"]
VECTORS = np.array([[0, 0, 5], [0, -1, 1], [0, 2, 2], [1, -1, 1], [3, 3, 3]], np.float32)


def export(folder: Path, form: str = "npy", vectors: np.ndarray = VECTORS) -> Path:
    path = folder / EXPORTS[form].file_name
    EXPORTS[form].write(path, [Block(WORDS, range(5, 0, -1), vectors)], *vectors.shape)
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run; the vectors of its .npy export are negated, so that they differ from its table."""
    root = tmp_path / "out"
    (root / "vectors").mkdir(parents=True)
    (root / "exports").mkdir()
    columns = {
        "id": pa.array(range(5), pa.int32()),
        "word": WORDS,
        "count": [5, 4, 3, 2, 1],
        "vector": pa.array(VECTORS.tolist(), pa.list_(pa.float32())),
    }
    pq.write_table(pa.table(columns), root / "vectors" / "part-0.parquet")
    export(root / "exports", vectors=-VECTORS)
    record = {"stages": {"export": {"state": "done", "files": ["vectors.npy"]}}}
    (root / "run.json").write_text(json.dumps(record))
    return root


@pytest.mark.parametrize("form", ["word2vec-text", "word2vec-binary", "npy", "safetensors"])
def test_files_of_all_formats_give_the_same_answers(tmp_path: Path, form):
    vectors = load(export(tmp_path, form))

    assert len(vectors) == 5
    assert "queen" in vectors
    assert "Queen" not in vectors
    np.testing.assert_array_equal(vectors.vector("queen"), [3, 3, 3])
    assert vectors.similar("woman", 1)[0][0] == "queen"
    assert vectors.analogy("man", "king", "woman")[0][0] == "queen"
    with pytest.raises(InputError, match="closest spellings are: queen"):
        vectors.vector("quen")


def test_an_npy_file_is_mapped_and_not_read(tmp_path: Path):
    vectors = load(str(export(tmp_path)))

    assert isinstance(vectors.vectors, np.memmap)
    assert not vectors.vectors.flags.writeable
    assert vectors.similar("woman", 1)[0][0] == "queen"


def test_numbers_that_are_not_finite_are_reported_before_they_are_used(tmp_path: Path):
    broken = VECTORS.copy()
    broken[2, 1] = np.nan
    vectors = load(export(tmp_path, vectors=broken))

    np.testing.assert_array_equal(vectors.vector("queen"), [3, 3, 3])
    with pytest.raises(InputError, match=r"the vector of 'woman' has numbers .* 0 other words; train"):
        vectors.similar("queen")


def test_the_export_of_a_run_is_mapped(run: Path):
    vectors = load(run)

    assert isinstance(vectors.vectors, np.memmap)
    np.testing.assert_array_equal(vectors.vectors, -VECTORS)


@pytest.mark.parametrize("state", ["running", "none"])
def test_a_run_without_a_finished_export_is_read_from_its_table(run: Path, state):
    if state == "none":
        (run / "run.json").unlink()
    else:
        (run / "run.json").write_text((run / "run.json").read_text().replace("done", state))

    vectors = load(run)

    assert not isinstance(vectors.vectors, np.memmap)
    np.testing.assert_array_equal(vectors.vectors, VECTORS)
    assert vectors.words == WORDS


def test_the_table_of_a_run_is_a_source_too(run: Path):
    np.testing.assert_array_equal(load(run / "vectors").vectors, VECTORS)
    np.testing.assert_array_equal(load(run / "vectors" / "part-0.parquet").vectors, VECTORS)
    np.testing.assert_array_equal(load(f"file://{run}/vectors").vectors, VECTORS)


def test_to_gensim_keeps_words_and_vectors(run: Path):
    gensim = load(run).to_gensim()

    assert gensim.index_to_key == WORDS
    np.testing.assert_array_equal(gensim.vectors, -VECTORS)
    assert gensim.most_similar("woman", topn=1)[0][0] == "queen"


def test_to_gensim_without_gensim_names_the_package(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gensim.models", None)

    with pytest.raises(ConfigError, match=r"^to_gensim needs the package gensim; install it: pip"):
        load(export(tmp_path)).to_gensim()


def test_a_source_on_another_machine_needs_spark():
    with pytest.raises(ConfigError, match="hdfs://host/out cannot be read without Spark; give a Spark"):
        load("hdfs://host/out")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": [0], "word": ["a"]}, "column vector .*missing"),
        ({"id": [0, 1], "word": ["a", "b"], "vector": [[1.0], [1.0, 2.0]]}, "from 1 to 2 numbers"),
        ({"id": [0, 1], "word": ["a", None], "vector": [[1.0], [2.0]]}, "expected a word and as many"),
        ({"id": [0], "word": ["a"], "vector": [[float("inf")]]}, "expected finite numbers"),
        ({"id": [0], "word": ["a"], "vector": ["1 2"]}, "cannot be read"),
    ],
)
def test_parquet_with_other_columns_or_values_is_reported(tmp_path: Path, columns, message):
    pq.write_table(pa.table(columns), tmp_path / "some.parquet")

    with pytest.raises(InputError, match=rf"some\.parquet.*{message}"):
        load(tmp_path / "some.parquet")


def test_parquet_of_other_types_that_fit_is_read(tmp_path: Path):
    columns = {
        "id": pa.array([1, 0], pa.int64()),
        "word": pa.array(["of", "the"]).dictionary_encode(),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array([1.0, 2.0, 3.0, 4.0]), 2),
        "more": [1, 2],
    }
    pq.write_table(pa.table(columns), tmp_path / "some.parquet")

    vectors = load(tmp_path / "some.parquet")

    assert vectors.words == ["the", "of"]
    np.testing.assert_array_equal(vectors.vectors, np.array([[3, 4], [1, 2]], np.float32))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"word": [1, 2]}, "column word must be a string, got int64"),
        ({"word": [b"a", b"\xff"]}, "column word must be a string, got binary"),
        ({"word": [["a"], ["b"]]}, "column word must be a string, got list"),
        ({"id": [0.0, 1.0]}, "column id must be an integer, got double"),
        ({"id": [True, False]}, "column id must be an integer, got bool"),
        ({"vector": [[["a"]], [["b"]]]}, "column vector must be a list of numbers, got list"),
        ({"vector": [[True], [False]]}, "column vector must be a list of numbers, got list"),
        ({"vector": pa.array([[], []], pa.list_(pa.float32()))}, "from 0 to 0 numbers"),
        ({"vector": [[], []]}, "column vector must be a list of numbers, got list"),
        ({"vector": [[1.0], [None]]}, "expected finite numbers"),
        ({"vector": [[1e300], [1.0]]}, "expected finite numbers"),
        ({"vector": [None, [1.0]]}, "got nulls"),
        ({"id": [0, 2]}, "expected one row per id from 0 to 1, got none with id 1"),
        ({"id": [1, 2]}, "expected one row per id from 0 to 1, got none with id 0"),
        ({"id": [0, 0]}, "expected one row per id from 0 to 1, got two with id 0"),
        ({"id": [-1, 0]}, "expected one row per id from 0 to 1, got none with id 0"),
        ({"id": [0, 2**40]}, "expected one row per id from 0 to 1, got none with id 1"),
    ],
)
@pytest.mark.parametrize("selection", [None, select(1, ["b"], ignore_case=True)])
def test_parquet_with_wrong_types_or_ids_is_refused_in_one_sentence(
    tmp_path: Path, columns, message, selection
):
    table = {"id": [0, 1], "word": ["a", "b"], "vector": [[1.0], [2.0]], **columns}
    pq.write_table(pa.table(table), tmp_path / "some.parquet")

    with pytest.raises(InputError, match=message) as caught:
        sources.read(str(tmp_path / "some.parquet"), selection=selection)

    assert "\n" not in str(caught.value)


def test_words_of_parquet_that_are_not_utf8_are_reported(tmp_path: Path):
    pq.write_table(pa.table({"id": [0], "word": ["caff"], "vector": [[1.0]]}), tmp_path / "v.parquet")
    content = (tmp_path / "v.parquet").read_bytes()
    (tmp_path / "v.parquet").write_bytes(content.replace(b"caff", b"caf\xff"))

    with pytest.raises(InputError, match="cannot be read: a word is not UTF-8"):
        load(tmp_path / "v.parquet")


def test_a_repeated_row_in_another_file_is_reported(run: Path):
    shutil.copy(run / "vectors" / "part-0.parquet", run / "vectors" / "part-1.parquet")

    with pytest.raises(InputError, match="one row per id from 0 to 9, got two with id 0"):
        load(run / "vectors")


def test_a_run_whose_exports_were_deleted_is_read_from_its_table(run: Path):
    shutil.rmtree(run / "exports")

    np.testing.assert_array_equal(load(run).vectors, VECTORS)


def test_a_pipe_is_refused(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(InputError, match="pipe is not a regular file; copy its content to one"):
        load(tmp_path / "pipe")


def test_parquet_without_rows_is_reported(tmp_path: Path):
    columns = {"id": pa.array([], pa.int32()), "word": pa.array([], pa.string())}
    columns["vector"] = pa.array([], pa.list_(pa.float32()))
    pq.write_table(pa.table(columns), tmp_path / "some.parquet")

    with pytest.raises(InputError, match=r"some\.parquet: expected one row per word, got none"):
        load(tmp_path / "some.parquet")


def test_importing_the_package_imports_nothing_heavy():
    program = (
        "import sys, vecmill; heavy = {'pydantic', 'pyspark', 'numpy'}; "
        "assert heavy.isdisjoint(sys.modules); vecmill.load; "
        "assert 'pydantic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'vecmill' has no attribute 'lod'"):
        vecmill.lod  # noqa: B018
