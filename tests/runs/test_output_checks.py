"""Nothing of the user's is deleted, and no run reads its own tables as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecmill.errors import ConfigError
from vecmill.runs.output_checks import check_is_apart, check_is_own
from vecmill.storage.local_files import LocalFiles


def files_of(folder: Path) -> LocalFiles:
    return LocalFiles(str(folder), folder)


def write(folder: Path, **texts: str) -> LocalFiles:
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_json", ".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return files_of(folder)


@pytest.mark.parametrize(
    "texts",
    [
        {"model__weights": "a week of work"},
        {"texts__corpus": "mine"},
        {"notes": "x"},
        {"run_json": '{"name": "another program"}', "model__x": "mine"},
        {"run_json": "[]extra", "lib__x": "x"} | {"run_json": '{"a": 1}'},
    ],
)
def test_a_folder_of_the_user_is_refused(tmp_path, texts):
    with pytest.raises(ConfigError, match=r"is not empty and holds no run of vecmill"):
        check_is_own(write(tmp_path, **texts))


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {".lock": "", ".lock.1": "{}", ".staging__x": ""},
        {"run_json": '{"stages": {}}', "model__x": "ours"},
        {"run_json": '{"stages": ', "model__x": "ours, damaged"},
    ],
)
def test_an_empty_folder_and_one_of_a_run_are_accepted(tmp_path, texts):
    check_is_own(write(tmp_path, **texts))


def test_a_folder_that_does_not_exist_is_accepted(tmp_path):
    check_is_own(files_of(tmp_path / "new"))


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("in", "in"),
        ("in", "in/out"),
        ("in", "./in/../in/out"),
        ("in/", "in/deep/out"),
        ("in/*", "in/out"),
        ("in/o?t", "in/out/deep"),
        ("i*/x*", "in/x1"),
    ],
)
def test_an_output_in_the_input_is_refused(spark, tmp_path, source, output):
    (tmp_path / "in").mkdir()

    with pytest.raises(ConfigError, match=r"output\.path: .* would read its own tables as text"):
        check_is_apart(spark, f"{tmp_path}/{source}", f"{tmp_path}/{output}")


@pytest.mark.parametrize(
    ("source", "output"), [("data/texts", "data"), ("data/a.txt", "data"), ("d/*.txt", "d")]
)
def test_an_input_in_the_output_is_refused(spark, tmp_path, source, output):
    with pytest.raises(ConfigError, match=r"input\.path: .* lies inside output\.path"):
        check_is_apart(spark, f"{tmp_path}/{source}", f"{tmp_path}/{output}")


@pytest.mark.parametrize(
    ("source", "output"),
    [("in", "out"), ("in", "in-out"), ("in.txt", "in"), ("in/*.txt", "in/out"), ("data/a*", "data/b")],
)
def test_folders_beside_each_other_are_accepted(spark, tmp_path, source, output):
    check_is_apart(spark, f"{tmp_path}/{source}", f"{tmp_path}/{output}")


def test_links_are_followed(spark, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in")

    with pytest.raises(ConfigError, match="would read its own tables"):
        check_is_apart(spark, f"{tmp_path}/in", f"{tmp_path}/link/out")
