"""Which files Spark reads as the input."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from vecmill.errors import InputError
from vecmill.storage.documents import read_documents
from vecmill.storage.files import FileStatus
from vecmill.storage.input_files import find_input, list_input


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


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("nosuch://host/x", "input.path: cannot read nosuch://host/x: "),
        ("s3://bucket/x", "s3a://"),
        ("s3a://bucket/x", "spark.jars.packages org.apache.hadoop:hadoop-aws:"),
        (
            "https://example.org/a.txt",
            "is on the web, where Spark cannot read; download it, then name the file",
        ),
        ("ftp://example.org/a.txt", "is on the web"),
        ("file://host/x", "input.path: cannot read file://host/x: "),
        ("//", "input.path: "),
        ("data:x/y", "input.path: "),
        ("~/nothing.txt", "(~ is not expanded here; write the whole path)"),
    ],
)
def test_an_input_that_spark_cannot_reach_is_refused_in_one_sentence(spark, path, sentence):
    with pytest.raises(InputError) as error:
        list_input(spark, path)

    assert sentence in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def read(spark: SparkSession, path: Path | str) -> list[str]:
    table = read_documents(
        spark, format="text", path=str(path), column="value", options={}, tokenized=False
    )
    return sorted(row[0] for row in table.collect())


NAMES = [
    "notes[1].txt",
    "a{b}.txt",
    "unb[alanced.txt",
    "unb{alanced.txt",
    "what?.txt",
    "star*.txt",
    "back\\slash.txt",
    "my text.txt",
    "12:30.txt",
    "hash#1.txt",
    "per%20cent.txt",
    "comma,.txt",
    "größe.txt",
    "tab\tx.txt",
    "a=b.txt",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("is_folder", [False, True])
def test_a_name_with_wildcards_or_a_colon_is_read_if_it_exists(spark, tmp_path, name, is_folder):
    file = tmp_path / name / "a.txt" if is_folder else tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("one\ntwo\n")
    path = tmp_path / name

    assert read(spark, path) == ["one", "two"]
    [listed] = list_input(spark, str(path))
    assert (listed.path, listed.size) == (f"file:{file}", 8)


def test_a_folder_and_a_glob_read_every_name(spark, tmp_path):
    for name in NAMES:
        (tmp_path / name).write_text(f"{name}\n")

    assert read(spark, tmp_path) == sorted(NAMES)
    assert read(spark, tmp_path / "*") == sorted(NAMES)
    assert read(spark, tmp_path / "{12,m}*.txt") == ["12:30.txt", "my text.txt"]
    assert read(spark, tmp_path / "[a-c]*") == ["a=b.txt", "a{b}.txt", "back\\slash.txt", "comma,.txt"]
    assert len(list_input(spark, str(tmp_path / "*"))) == len(NAMES)


def test_a_relative_name_may_have_a_colon(spark, tmp_path, monkeypatch):
    # Java keeps the working folder in which it started.
    folder = Path(spark._jvm.java.lang.System.getProperty("user.dir"))
    name = f"12:30-{tmp_path.name}.txt"
    (folder / name).write_text("one\n")
    try:
        assert read(spark, name) == ["one"]
    finally:
        (folder / name).unlink()


def test_a_folder_with_a_colon_below_a_glob_is_read(spark, tmp_path):
    for name in ("2020:01/a.txt", "2021/b:c.txt", "2021/deep:er/d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")

    assert read(spark, tmp_path / "202*") == ["2020:01/a.txt", "2021/b:c.txt", "2021/deep:er/d.txt"]
    assert read(spark, tmp_path / "*" / "*.txt") == ["2020:01/a.txt", "2021/b:c.txt"]


def test_what_is_listed_is_what_spark_reads(spark, corpus):
    (corpus / "_day=1").mkdir()
    (corpus / "_day=1" / "e.txt").write_text("_day=1/e.txt")
    (corpus / "f.txt._COPYING_").write_text("f")
    (corpus / "deep" / ".g").mkdir()
    (corpus / "deep" / ".g" / "h.txt").write_text("h")

    for path in (corpus, corpus / "*", corpus / "{deep,_*}", corpus / "d*/"):
        assert names_below(corpus, list_input(spark, str(path))) == read(spark, path)
    assert read(spark, corpus) == ["_day=1/e.txt", "a.txt", "b.txt", "deep/c.txt"]


@pytest.mark.parametrize("name", ["_corpus.txt", ".corpus.txt", "_*.txt", "{_,.}corpus.txt"])
def test_a_hidden_file_that_is_named_is_refused_with_the_remedy(spark, tmp_path, name):
    for first in "_.":
        (tmp_path / f"{first}corpus.txt").write_text("a\n")

    with pytest.raises(InputError, match=r"begins with [_.], which Spark hides; rename it$"):
        list_input(spark, str(tmp_path / name))


@pytest.mark.parametrize("name", ["_raw", ".raw", "_ra*"])
def test_a_hidden_folder_that_is_named_is_read(spark, tmp_path, name):
    for folder in ("_raw", ".raw"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text("a\n")

    assert read(spark, tmp_path / name) == ["a"]


def test_a_glob_passes_over_hidden_folders(spark, tmp_path):
    for folder in ("_temporary", ".ipynb_checkpoints", "text"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text(f"{folder}\n")

    assert read(spark, tmp_path / "*") == ["text"]
    assert len(list_input(spark, str(tmp_path / "*"))) == 1


def test_options_that_choose_files_choose_the_listed_ones_too(spark, corpus):
    def names(options: dict[str, str]) -> list[str]:
        return names_below(corpus, list_input(spark, str(corpus), options))

    assert names({"pathGlobFilter": "[bc].txt"}) == ["b.txt", "deep/c.txt"]
    assert names({"RECURSIVEFILELOOKUP": "false"}) == ["a.txt", "b.txt"]
    with pytest.raises(InputError, match=r"input\.path: cannot read "):
        names({"pathGlobFilter": "["})


def test_parts_of_a_file_are_read(spark, corpus, monkeypatch):
    files = find_input(spark, str(corpus / "deep"))
    [file] = files.every()

    assert files.read_bytes(file, 0, 100) == b"deep/c.txt"
    assert files.read_bytes(file, 5, 3) == b"c.t"
    monkeypatch.setattr("vecmill.storage.input_files.local_path", lambda path: None)
    assert files.read_bytes(file, 5, 100) == b"c.txt"
    assert files.read_bytes(file, 100, 5) == b""


def test_the_first_files_are_listed_without_the_others(spark, corpus):
    assert len(find_input(spark, str(corpus)).first(2)) == 2
