"""Which files Spark reads as the input."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecmill.errors import InputError
from vecmill.storage.files import FileStatus
from vecmill.storage.hadoop_files import list_input


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for name in ("b.txt", "a.txt", "deep/c.txt", "_SUCCESS", ".hidden", "_temporary/d.txt"):
        path = tmp_path / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "corpus"


def names_below(corpus: Path, files: list[FileStatus]) -> list[str]:
    return [file.path.removeprefix(f"file:{corpus}/") for file in files]


def test_the_input_is_every_file_below_a_folder_except_hidden_ones(spark, corpus):
    files = list_input(spark, str(corpus))

    assert names_below(corpus, files) == ["a.txt", "b.txt", "deep/c.txt"]
    stat = (corpus / "a.txt").stat()
    assert files[0] == (f"file:{corpus}/a.txt", 5, stat.st_mtime_ns // 1_000_000)


def test_the_input_may_be_one_file_or_a_glob(spark, corpus):
    assert names_below(corpus, list_input(spark, str(corpus / "b.txt"))) == ["b.txt"]
    assert names_below(corpus, list_input(spark, str(corpus / "{a,b}.t?t"))) == ["a.txt", "b.txt"]
    assert names_below(corpus, list_input(spark, str(corpus / "de*"))) == ["deep/c.txt"]


@pytest.mark.parametrize("name", ["missing", "*.nothing"])
def test_an_input_that_does_not_exist_is_refused(spark, corpus, name):
    with pytest.raises(InputError, match=r"input\.path: .* does not exist") as error:
        list_input(spark, str(corpus / name))

    assert str(corpus / name) in str(error.value)


def test_a_folder_without_files_is_refused(spark, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "_SUCCESS").touch()

    with pytest.raises(InputError, match=r"input\.path: .*empty holds no file to read"):
        list_input(spark, str(tmp_path / "empty"))


def test_an_input_on_an_unknown_file_system_is_refused(spark):
    with pytest.raises(InputError, match=r"input\.path: cannot read nosuch://host/x: "):
        list_input(spark, "nosuch://host/x")
