"""Every command is described and fast to look up, and a wrong argument is one sentence and exit code 2."""

from __future__ import annotations

import argparse
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from vecmill import cli
from vecmill.commands import COMMANDS
from vecmill.commands.stages import stage_command
from vecmill.errors import InputError

NAMES = [command.name for command in COMMANDS]
HEAVY = ("pyspark", "pyarrow", "pandas", "numba")


def lines_of_stderr(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_every_module_of_a_command_is_registered_once() -> None:
    folder = Path(str(sys.modules["vecmill.commands"].__file__)).parent
    modules = {path.stem for path in folder.glob("*.py") if "COMMAND = " in path.read_text()}

    assert modules == set(NAMES)
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_every_command_has_one_line_of_help_without_a_full_stop(command) -> None:
    assert 10 < len(command.help) < 80
    assert "\n" not in command.help
    assert not command.help.endswith(".")


def test_every_stage_of_the_pipeline_has_a_command() -> None:
    from vecmill.pipeline import PIPELINE

    for stage in PIPELINE.stages.values():
        assert set(stage.commands) <= set(NAMES), stage.name


@pytest.mark.parametrize("name", ["run", "tokenize", "vocabulary", "pairs", "train", "export"])
def test_a_command_of_stages_executes_them_in_the_configured_run(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vecmill import pipeline
    from vecmill.commands import stages

    executed: list[tuple[str, str]] = []
    monkeypatch.setattr(pipeline, "execute", lambda run, command: executed.append((run, command)))
    monkeypatch.setattr(stages, "opened_run", lambda arguments: nullcontext(arguments.config))

    assert cli.main([name, "--config", "my.toml"]) == 0

    assert executed == [("my.toml", name)]


def test_help_lists_every_command_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])

    text = " ".join(capsys.readouterr().out.split())
    for command in COMMANDS:
        assert f"{command.name} {command.help}" in text
    for code in range(6):
        assert f" {code} " in text


@pytest.mark.parametrize("name", NAMES)
def test_help_of_every_command_shows_the_common_options(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])

    assert ended.value.code == 0
    text = capsys.readouterr().out
    for option in ("--config FILE", "--set SECTION.KEY=VALUE", "--spark-conf FILE"):
        assert option in text


def test_help_of_run_explains_every_key_of_the_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["run", "--help"])

    text = capsys.readouterr().out
    for part in ("[train]", "  dim = 100 ", '  kind = "sgns" ', "  floors "):
        assert part in text


def test_help_of_every_command_loads_neither_spark_nor_pyarrow() -> None:
    program = f"""
import sys
from vecmill import cli
assert not {{"numpy", "pydantic", *{HEAVY}}} & set(sys.modules), "the registry is not light"
for name in {NAMES}:
    try:
        cli.main([name, "--help"])
    except SystemExit as ended:
        assert ended.code == 0
    assert not set({HEAVY}) & set(sys.modules), name
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("usage: vecmill") == len(NAMES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["run", "--confg-file", "a"], "unrecognized arguments: --confg-file a"),
        (["neighbors"], "the following arguments are required: WORD"),
        (["neighbors", "-n", "0", "a"], "argument -n: must be at least 1, got 0"),
        (["neighbors", "-n", "many", "a"], "argument -n: must be a whole number, got 'many'"),
        (["pairs", "--show", "-3"], "argument --show: must be at least 1, got -3"),
        (["analogy", "a", "b"], "the following arguments are required: C"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2

    (line,) = lines_of_stderr(capsys)
    assert line.startswith("vecmill: ")
    assert message in line
    assert line.endswith(" --help'")


def test_vectors_of_a_run_and_of_a_file_cannot_be_combined(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["analogy", "a", "b", "c", "--vectors", "v", "--config", "c"]) == 2

    assert "leave out --config and --set" in lines_of_stderr(capsys)[-1]


def test_all_faults_of_a_configuration_are_printed_one_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["train", "--set=train.dimm=5", "--set=train.epochs=0", "--set=output.path=o"])

    assert code == 2
    assert lines_of_stderr(capsys) == [
        "vecmill: --set: train.epochs must be a number >= 1, got 0",
        "vecmill: --set: train.dimm is not a key; did you mean train.dim?",
    ]


@pytest.mark.parametrize(
    ("raised", "code", "last_line"),
    [
        (InputError("text.txt does not exist"), 3, "vecmill: text.txt does not exist"),
        (KeyboardInterrupt(), 1, "vecmill: interrupted; run the same command again to resume"),
        (ValueError("odd\nand long"), 1, "vecmill: unexpected ValueError: odd (the traceback is in "),
    ],
)
def test_an_exception_of_a_command_becomes_an_exit_code_and_a_sentence(
    raised: BaseException,
    code: int,
    last_line: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(arguments: argparse.Namespace) -> int:
        raise raised

    command = stage_command("tokenize", "split text")._replace(run=fails)
    monkeypatch.setattr(cli, "COMMANDS", (command,))

    assert cli.main(["tokenize"]) == code

    [line] = lines_of_stderr(capsys)
    assert line.startswith(last_line)
