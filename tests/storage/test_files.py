"""Files on Hadoop's file system, here that of the local disk."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from vecmill.errors import ConfigError, InputError, VecmillError
from vecmill.storage.files import FileStatus, Folder, list_input, open_output


@pytest.fixture
def folder(spark, tmp_path: Path) -> Folder:
    return Folder(spark, str(tmp_path))


def test_a_path_is_that_of_the_folder_and_the_name(spark):
    for root in ("hdfs://host/out", "hdfs://host/out/"):
        assert Folder(spark, root).path("model/round=3") == "hdfs://host/out/model/round=3"


def test_text_is_read_as_it_was_written(folder, tmp_path):
    folder.write_text("deep/run.json", "ä\n東京 😀\r\n")

    assert folder.read_text("deep/run.json") == "ä\n東京 😀\r\n"
    assert (tmp_path / "deep/run.json").read_bytes() == "ä\n東京 😀\r\n".encode()


def test_writing_replaces_the_whole_file_and_leaves_nothing_beside_it(folder, tmp_path):
    folder.write_text("run.json", "a long first text")
    folder.write_text("run.json", "short")

    assert folder.read_text("run.json") == "short"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_file_that_is_being_replaced_is_there_at_every_moment(folder, tmp_path):
    folder.write_text("run.json", "0")
    missed, done = [], threading.Event()

    def look() -> None:
        while not done.is_set():
            if not (tmp_path / "run.json").exists():
                missed.append(1)

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(100):
        folder.write_text("run.json", str(number))
    done.set()
    reader.join()

    assert not missed


def test_what_a_killed_writer_left_beside_a_missing_file_is_the_file(folder, tmp_path):
    assert folder.read_text_if_any("run.json") is None
    (tmp_path / "run.json.new").write_text("new")
    assert folder.read_text_if_any("run.json") == "new"
    (tmp_path / "run.json").write_text("old, and the new one perhaps half written")
    assert folder.read_text_if_any("run.json") == "old, and the new one perhaps half written"


def test_a_file_edited_by_hand_can_still_be_read(folder, tmp_path):
    folder.write_text("run.json", "written")
    (tmp_path / "run.json").write_text("edited by hand")

    assert folder.read_text("run.json") == "edited by hand"


def test_a_file_is_created_only_where_there_is_none(folder):
    assert folder.create_text("lock", "first") is True
    assert folder.create_text("lock", "second") is False
    assert folder.read_text("lock") == "first"


def test_publishing_puts_a_folder_in_the_place_of_another(folder, tmp_path):
    folder.write_text("new/part", "new")
    folder.write_text("deep/table/part", "old")
    folder.write_text("deep/table/more", "old")

    folder.publish("new", "deep/table")

    assert folder.names("deep/table") == ["part"]
    assert folder.read_text("deep/table/part") == "new"
    assert not folder.exists("new")


def test_publishing_makes_the_folders_above_the_target(folder):
    folder.write_text("staged/part", "x")

    folder.publish("staged", "a/b/c")

    assert folder.read_text("a/b/c/part") == "x"


def test_publishing_what_is_not_there_is_told(folder):
    with pytest.raises(VecmillError, match=r"could not publish .*/target: \w+: "):
        folder.publish("nothing", "target")


def test_deleting_takes_a_file_or_a_whole_folder_and_is_no_fault_twice(folder):
    folder.write_text("table/deep/part", "x")
    folder.write_text("file", "x")

    for name in ("table", "file", "file", "never there"):
        folder.delete(name)

    assert folder.names("") == []


def test_names_are_sorted_and_there_are_none_in_a_missing_folder(folder):
    for name in ("model/b", "model/c/part", "model/a"):
        folder.write_text(name, "x")

    assert folder.names("model") == ["a", "b", "c"]
    assert folder.names("no such folder") == []


def test_size_is_that_of_all_files_below(folder):
    folder.write_text("table/a", "12345")
    folder.write_text("table/deep/b", "ä")

    assert folder.size("table") == 7
    assert folder.size("table/a") == 5


def test_modified_is_the_file_systems_time_in_milliseconds(folder, tmp_path):
    folder.write_text("lock", "x")

    assert folder.modified("lock") == (tmp_path / "lock").stat().st_mtime_ns // 1_000_000


def test_a_local_file_is_put_over_what_was_there(folder, tmp_path):
    source = tmp_path / "local file"
    source.write_text("new")
    folder.write_text("exports/vectors.txt", "old and longer")

    folder.put(source, "exports/vectors.txt")

    assert folder.read_text("exports/vectors.txt") == "new"
    assert source.exists()


@pytest.mark.parametrize("ask", ["read_text", "size", "modified"])
def test_a_missing_file_is_told_in_a_sentence(folder, ask):
    with pytest.raises(VecmillError, match=r"FileNotFoundException: .*missing"):
        getattr(folder, ask)("missing")


def test_names_with_spaces_and_signs_are_names_like_any_other(spark, tmp_path):
    folder = Folder(spark, str(tmp_path / "my runs #1, 50%"))

    folder.write_text("été/run.json", "x")

    assert (tmp_path / "my runs #1, 50%" / "été" / "run.json").read_text() == "x"
    assert folder.names("été") == ["run.json"]


def test_an_output_folder_is_made_and_left_empty(spark, tmp_path):
    folder = open_output(spark, str(tmp_path / "a" / "b"))

    assert folder.names("") == []
    assert (tmp_path / "a" / "b").is_dir()


def test_an_output_folder_that_cannot_be_made_is_a_fault_of_the_configuration(spark, tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(ConfigError, match=r"output\.path: cannot write to .*file/out"):
        open_output(spark, str(tmp_path / "file" / "out"))


def test_an_unknown_file_system_is_a_fault_of_the_configuration(spark):
    with pytest.raises(ConfigError, match=r"output\.path: cannot write to nosuch://host/out"):
        open_output(spark, "nosuch://host/out")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for name in ("b.txt", "a.txt", "deep/c.txt", "_SUCCESS", ".hidden", "_temporary/d.txt"):
        path = tmp_path / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "corpus"


def names_below(corpus: Path, files: list[FileStatus]) -> list[str]:
    return [file.path.removeprefix(f"file:{corpus}/") for file in files]


def test_the_input_is_every_file_below_a_folder_but_for_hidden_ones(spark, corpus):
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
    with pytest.raises(InputError, match=r"input\.path: .* does not exist") as fault:
        list_input(spark, str(corpus / name))

    assert str(corpus / name) in str(fault.value)


def test_a_folder_without_files_is_refused(spark, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "_SUCCESS").touch()

    with pytest.raises(InputError, match=r"input\.path: .*empty holds no file to read"):
        list_input(spark, str(tmp_path / "empty"))


def test_an_input_on_an_unknown_file_system_is_refused(spark):
    with pytest.raises(InputError, match=r"input\.path: cannot read nosuch://host/x: "):
        list_input(spark, "nosuch://host/x")
