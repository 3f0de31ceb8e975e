"""`from vecmill import load`: vectors in the user's own programs."""

from __future__ import annotations

import json
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
from vecmill.vectors.formats import EXPORTS, Block

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
