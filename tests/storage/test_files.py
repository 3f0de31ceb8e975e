"""The contract of Files, for files of this machine and for files of Hadoop."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.storage.conftest import open_files
from vecmill.errors import ConfigError, VecmillError
from vecmill.storage.files import OutputError, prepare_output
from vecmill.storage.local_files import LocalFiles


@pytest.mark.parametrize("root", ["hdfs://host/out", "hdfs://host/out/"])
def test_a_path_is_the_root_and_the_name(spark, kind_of_files, root):
    files = open_files(kind_of_files, spark, root)

    assert files.path("model/round=3") == "hdfs://host/out/model/round=3"
    assert files.path("") == root


def test_text_is_read_as_it_was_written(files, tmp_path):
    files.write_text("deep/run.json", "ä\n東京 😀\r\n")

    assert files.read_text("deep/run.json") == "ä\n東京 😀\r\n"
    assert (tmp_path / "deep/run.json").read_bytes() == "ä\n東京 😀\r\n".encode()


def test_writing_replaces_the_whole_file_and_leaves_no_other(files, tmp_path):
    files.write_text("run.json", "a long first text")
    files.write_text("run.json", "short")

    assert files.read_text("run.json") == "short"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_local_file_that_is_being_replaced_always_exists(tmp_path):
    # Hadoop's file system for local disks deletes the old file first. HDFS does not.
    files = LocalFiles(str(tmp_path), tmp_path)
    files.write_text("run.json", "0")
    missed, done = [], threading.Event()

    def look() -> None:
        while not done.is_set():
            if not (tmp_path / "run.json").exists():
                missed.append(1)

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(100):
        files.write_text("run.json", str(number))
    done.set()
    reader.join()

    assert not missed


def test_a_new_file_that_a_killed_writer_did_not_rename_is_read(files, tmp_path):
    assert files.read_text_if_any("run.json") is None
    (tmp_path / "run.json.new").write_text("new")
    assert files.read_text_if_any("run.json") == "new"
    (tmp_path / "run.json").write_text("old, and the new one may be incomplete")
    assert files.read_text_if_any("run.json") == "old, and the new one may be incomplete"


def test_a_file_that_was_edited_by_hand_can_be_read(files, tmp_path):
    files.write_text("run.json", "written")
    (tmp_path / "run.json").write_text("edited by hand")

    assert files.read_text("run.json") == "edited by hand"


def test_a_file_is_created_only_if_it_does_not_exist(files):
    assert files.create_text("deep/lock", "first") is True
    assert files.create_text("deep/lock", "second") is False
    assert files.read_text("deep/lock") == "first"


def test_publishing_replaces_a_folder(files):
    files.write_text("new/part", "new")
    files.write_text("deep/table/part", "old")
    files.write_text("deep/table/more", "old")

    files.publish("new", "deep/table")

    assert files.names("deep/table") == ["part"]
    assert files.read_text("deep/table/part") == "new"
    assert not files.exists("new")


def test_publishing_creates_the_folders_above_the_target(files):
    files.write_text("staged/part", "x")

    files.publish("staged", "a/b/c")

    assert files.read_text("a/b/c/part") == "x"


def test_deleting_a_file_or_folder_that_does_not_exist_does_nothing(files):
    files.write_text("table/deep/part", "x")
    files.write_text("file", "x")

    for name in ("table", "file", "file", "never written"):
        files.delete(name)

    assert files.names("") == []


def test_names_are_sorted_and_a_missing_folder_has_none(files):
    for name in ("model/b", "model/c/part", "model/a"):
        files.write_text(name, "x")

    assert files.names("model") == ["a", "b", "c"]
    assert files.names("no such folder") == []


def test_the_size_is_that_of_a_file_or_of_all_files_below_a_folder(files):
    files.write_text("table/a", "12345")
    files.write_text("table/deep/b", "ä")

    assert files.size("table") == 7
    assert files.size("table/a") == 5


def test_the_time_of_a_file_is_in_milliseconds(files, tmp_path):
    files.write_text("lock", "x")

    assert files.modified("lock") == (tmp_path / "lock").stat().st_mtime_ns // 1_000_000


def test_a_copied_file_replaces_the_one_that_was_there(files, tmp_path):
    source = tmp_path / "local file"
    source.write_text("new")
    files.write_text("exports/vectors.txt", "old and longer")

    files.put(source, "exports/vectors.txt")
    files.put(source, "new folder/vectors.txt")

    assert files.read_text("exports/vectors.txt") == "new"
    assert files.read_text("new folder/vectors.txt") == "new"
    assert source.exists()


def test_names_with_spaces_and_signs_are_ordinary_names(spark, tmp_path, kind_of_files):
    files = open_files(kind_of_files, spark, str(tmp_path / "my runs #1, 50%"))

    files.write_text("été/run.json", "x")

    assert (tmp_path / "my runs #1, 50%" / "été" / "run.json").read_text() == "x"
    assert files.names("été") == ["run.json"]


def message_of(fails) -> str:
    with pytest.raises(VecmillError) as error:
        fails()
    return str(error.value)


@pytest.mark.parametrize(
    ("method", "action"),
    [("read_text", "read"), ("size", "read the size of"), ("modified", "read the time of")],
)
def test_a_missing_file_is_reported_alike_on_every_file_system(files, method, action):
    message = message_of(lambda: getattr(files, method)("missing"))

    assert message == f"could not {action} {files.root}/missing: No such file or directory"


def test_a_missing_source_is_reported_with_both_names(files):
    message = message_of(lambda: files.publish("source", "target"))

    assert message == (
        f"could not rename {files.root}/source to {files.root}/target: No such file or directory"
    )


def test_a_file_that_is_not_text_is_reported(files, tmp_path):
    (tmp_path / "run.json").write_bytes(b"\xff\xfe")

    message = message_of(lambda: files.read_text("run.json"))

    assert message == f"could not read {files.root}/run.json: it is not UTF-8 text"


def test_a_file_in_the_place_of_a_folder_is_reported(files, tmp_path):
    (tmp_path / "file").write_text("in the way")

    message = message_of(lambda: files.write_text("file/run.json", "x"))

    assert message.startswith(f"could not write {files.root}/file/run.json: ")


def test_an_output_folder_is_created_and_left_empty(spark, tmp_path, kind_of_files):
    files = open_files(kind_of_files, spark, str(tmp_path / "a" / "b"))

    prepare_output(files)

    assert files.names("") == []
    assert (tmp_path / "a" / "b").is_dir()


def test_an_output_folder_that_cannot_be_created_is_an_error_of_the_configuration(
    spark, tmp_path, kind_of_files
):
    (tmp_path / "file").write_text("in the way")
    files = open_files(kind_of_files, spark, str(tmp_path / "file" / "out"))

    with pytest.raises(OutputError) as error:
        prepare_output(files)

    assert isinstance(error.value, ConfigError)
    assert str(error.value) == (
        f"output.path: cannot write to {files.root} (could not create {files.root}: Not a directory); "
        "name a folder that can be created and written to"
    )


def test_a_local_file_that_cannot_be_replaced_is_left_as_it_was(tmp_path: Path):
    files = LocalFiles(str(tmp_path), tmp_path)
    (tmp_path / "folder" / "below").mkdir(parents=True)

    with pytest.raises(VecmillError, match=r"^could not write .*/folder: Is a directory$"):
        files.write_text("folder", "x")

    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
