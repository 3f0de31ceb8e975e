"""A published table is noticed to be damaged: lost, added, cut, replaced and changed files."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecmill.errors import InputError
from vecmill.storage.file_lists import LIST, check_list, write_list
from vecmill.storage.local_files import LocalFiles
from vecmill.storage.parquet import read_file, write


@pytest.fixture
def table(tmp_path: Path) -> tuple[LocalFiles, str]:
    """A table of two files in the folder "t", and the digest of its list."""
    for name in ("t/a.parquet", "t/slice=1/b.parquet"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    files = LocalFiles(str(tmp_path), tmp_path)
    return files, write_list(files, "t")


def test_a_table_as_it_was_published_is_whole(table):
    files, digest = table

    check_list(files, "t", digest)
    check_list(files, "t", None)


def change_nothing_but_size(folder: Path) -> None:
    (folder / "a.parquet").write_bytes(b"1234")


def lose_a_file(folder: Path) -> None:
    (folder / "slice=1/b.parquet").unlink()


def lose_a_folder(folder: Path) -> None:
    shutil.rmtree(folder / "slice=1")


def add_a_file(folder: Path) -> None:
    (folder / "c.parquet").write_bytes(b"1")


def lose_the_list(folder: Path) -> None:
    (folder / LIST).unlink()


def list_less(folder: Path) -> None:
    (folder / "a.parquet").unlink()
    (folder / LIST).write_text(json.dumps({"files": {"slice=1/b.parquet": 5}}))


def spoil_the_list(folder: Path) -> None:
    (folder / LIST).write_text('{"files": [1]}')


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (change_nothing_but_size, "its file a.parquet has 4 bytes where 5 were written"),
        (lose_a_file, "its file slice=1/b.parquet is missing"),
        (lose_a_folder, "its file slice=1/b.parquet is missing"),
        (add_a_file, "the file c.parquet does not belong to it"),
        (lose_the_list, f"its list of files, {LIST}, is missing or unreadable"),
        (spoil_the_list, f"its list of files, {LIST}, is missing or unreadable"),
        (list_less, "it is not the table that run.json records"),
    ],
)
def test_damage_is_named_with_its_remedy(table, damage, sentence):
    files, digest = table
    damage(files.local / "t")

    with pytest.raises(InputError) as fault:
        check_list(files, "t", digest)

    path = files.path("t")
    assert str(fault.value) == (
        f"{path} is damaged: {sentence}; delete {path} and run the same command again to rebuild it"
    )


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pa.Table]:
    """A file of integers, lists, strings and bytes as tasks write it, and what it holds."""
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 1000, 4000).astype(np.int32)
    lists = pa.ListArray.from_arrays(np.arange(0, 4001, 4, dtype=np.int32), ids)
    words = [f"word-{number % 97}" for number in range(1000)]
    columns = [pa.array(ids[:1000]), lists, pa.array(words), pa.array([rng.bytes(20) for _ in words])]
    batch = pa.RecordBatch.from_arrays(columns, names=["c", "w", "word", "values"])
    folder = tmp_path_factory.mktemp("parquet")
    [report] = write(iter([batch]), folder, [], "w")
    return folder / report["file"][0].as_py(), pa.Table.from_batches([batch])


@settings(max_examples=300)
@given(st.data())
def test_no_flipped_bit_is_read_as_another_number(parquet, data):
    path, expected = parquet
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    flipped = path.with_name("flipped.parquet")
    flipped.write_bytes(content)

    found = None
    with suppress(InputError):
        found = pa.Table.from_batches(list(read_file(str(flipped))))

    if found is not None:
        # Flipped was a name, or what nobody reads, in the footer.
        assert [column.to_pylist() for column in found.columns] == [
            column.to_pylist() for column in expected.columns
        ]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_was_cut_is_damaged(parquet, share):
    path, _ = parquet
    content = path.read_bytes()
    cut = path.with_name("cut.parquet")
    cut.write_bytes(content[: int(len(content) * share)])

    with pytest.raises(InputError, match=r"cut\.parquet is damaged \("):
        list(read_file(str(cut)))


def test_checksums_take_few_bytes(parquet):
    path, _ = parquet
    plain = path.with_name("plain.parquet")
    pq.write_table(pq.read_table(path), plain, write_page_checksum=False)
    checked = path.with_name("checked.parquet")
    pq.write_table(pq.read_table(path), checked, write_page_checksum=True)

    assert checked.stat().st_size - plain.stat().st_size < 100
