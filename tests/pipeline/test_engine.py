"""Which stages run: fake stages that record that they ran, without Spark."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecmill.config import Config
from vecmill.errors import ConfigError, InputError
from vecmill.evaluation.word_tests import WordTest
from vecmill.pipeline.engine import FORMAT, Pipeline
from vecmill.pipeline.stage import OutsideInput, Stage
from vecmill.runs.manifest import Manifest
from vecmill.runs.run import Run
from vecmill.storage.files import FileStatus
from vecmill.storage.local_files import LocalFiles


@dataclass
class Workshop:
    """A run directory, the stages that ran in it, and what a test may change between two commands.

    values  one setting per stage, by the stage's name
    files   the files of the corpus
    """

    folder: Path
    values: dict[str, str] = field(default_factory=dict)
    files: list[FileStatus] = field(default_factory=lambda: [FileStatus("text", 1, 1)])
    ran: list[str] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    format_number: int = FORMAT

    @property
    def run(self) -> Run:
        """The run as the next process finds it, with its manifest read from its file."""
        files = LocalFiles(str(self.folder), self.folder)
        config = Config.model_validate(
            {"output": {"path": str(self.folder)}, "input": {"options": dict(self.values)}}
        )
        return Run(config, SimpleNamespace(files=files), Manifest(files))  # type: ignore[arg-type]

    def add(self, name: str, reads: Sequence[str] = (), **traits: Any) -> None:
        """Add a stage that writes a file of its own name, and whose only setting is its value."""
        stage = Stage(
            name,
            (name,),
            tuple(reads),
            settings=lambda config: {"value": config.input.options.get(name)},
            work=lambda run: self.write(run, name),
            outputs=lambda record: [name],
        )
        self.stages.append(replace(stage, **traits))

    def write(self, run: Run, name: str) -> dict[str, Any]:
        """The work of a stage: record that it ran, and write its file."""
        self.ran.append(name)
        run.files.write_text(name, "")
        return {"written": len(self.ran)}

    def execute(self, command: str = "run") -> list[str]:
        """The stages that the command ran."""
        self.ran.clear()
        pipeline = Pipeline(
            self.stages, list_files=lambda run: self.files, format_number=self.format_number
        )
        pipeline.execute(self.run, command)
        return list(self.ran)

    def delete(self, name: str) -> None:
        (self.folder / name).unlink()

    def record(self, name: str) -> dict[str, Any]:
        return self.run.manifest.stage(name)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture
def chain(workshop: Workshop) -> Workshop:
    """Three stages, each of which reads the one before; the last one has results."""
    workshop.add("count", outside=lambda outside: [list(file) for file in outside.files])
    workshop.add("draw", ["count"])
    workshop.add("train", ["draw"], is_result=True)
    return workshop


def test_the_first_run_runs_every_stage_in_order_and_records_it(chain):
    assert chain.execute() == ["count", "draw", "train"]

    stages = json.loads((chain.folder / "run.json").read_text())["stages"]
    assert {name: record["state"] for name, record in stages.items()} == {
        "count": "done",
        "draw": "done",
        "train": "done",
    }
    assert stages["draw"]["written"] == 2
    assert stages["draw"]["seconds"] >= 0


def test_a_second_run_runs_nothing_and_says_so(chain, capsys):
    chain.execute()
    before = chain.record("draw")
    capsys.readouterr()

    assert chain.execute() == []
    assert chain.record("draw") == before
    assert capsys.readouterr().err.count("unchanged, not run again") == 3


@pytest.mark.parametrize(
    ("changed", "stale"),
    [("count", ["count", "draw", "train"]), ("draw", ["draw", "train"]), ("train", ["train"])],
)
def test_a_changed_setting_makes_its_stage_and_those_that_read_it_stale(chain, changed, stale):
    chain.execute()
    chain.values[changed] = "new"

    assert chain.execute() == stale
    assert chain.execute() == []


def test_a_setting_that_is_changed_back_makes_its_stage_stale_again(chain):
    chain.execute()
    chain.values["draw"] = "new"
    chain.execute()
    del chain.values["draw"]

    assert chain.execute() == ["draw", "train"]


@pytest.mark.parametrize(
    "files",
    [
        [FileStatus("text", 2, 1)],
        [FileStatus("text", 1, 2)],
        [FileStatus("other", 1, 1)],
        [FileStatus("text", 1, 1), FileStatus("text2", 0, 1)],
        [],
    ],
    ids=["size", "time", "name", "another file", "no file"],
)
def test_changed_input_files_make_the_stages_that_read_them_stale(chain, files):
    chain.execute()
    chain.files = files

    assert chain.execute() == ["count", "draw", "train"]


def test_another_format_makes_every_stage_stale(chain):
    chain.execute()
    chain.format_number += 1

    assert chain.execute() == ["count", "draw", "train"]


def test_stages_with_equal_settings_have_different_keys(workshop):
    workshop.add("one", settings=lambda config: {})
    workshop.add("two", settings=lambda config: {})
    run = workshop.run

    resolved = Pipeline(workshop.stages).resolve(run.config, OutsideInput([]), run.manifest)

    assert resolved["one"].key != resolved["two"].key


class TestDeletedOutputs:
    def test_a_table_that_no_stage_will_read_may_be_deleted(self, chain):
        chain.execute()
        chain.delete("count")
        chain.delete("draw")

        assert chain.execute() == []

    def test_a_table_is_rebuilt_if_a_stale_stage_reads_it(self, chain):
        chain.execute()
        chain.delete("draw")
        chain.values["train"] = "new"

        assert chain.execute() == ["draw", "train"]

    def test_a_rebuilt_table_needs_its_own_inputs(self, chain):
        chain.execute()
        chain.delete("count")
        chain.delete("draw")
        chain.values["train"] = "new"

        assert chain.execute() == ["count", "draw", "train"]

    def test_results_are_rebuilt_with_the_tables_that_they_need(self, chain):
        chain.execute()
        chain.delete("train")
        assert chain.execute() == ["train"]

        chain.delete("train")
        chain.delete("draw")
        assert chain.execute() == ["draw", "train"]

    def test_a_command_rebuilds_what_it_writes_even_if_no_stage_reads_it(self, chain):
        chain.execute()
        chain.delete("count")

        assert chain.execute("count") == ["count"]
        assert chain.execute("count") == []

    def test_the_record_of_a_deleted_table_does_not_survive(self, chain):
        chain.execute()
        run = chain.run
        run.manifest.update("draw", epochs=[1, 2])
        chain.delete("draw")

        chain.execute("draw")

        assert "epochs" not in chain.record("draw")

    def test_one_of_several_outputs_counts(self, workshop):
        def write(run: Run) -> dict[str, Any]:
            workshop.write(run, "left")
            return workshop.write(run, "right")

        workshop.add("both", work=write, outputs=lambda record: ["left", "right"], is_result=True)
        workshop.execute()
        workshop.delete("right")

        assert workshop.execute() == ["left", "right"]


class TestUnfinishedStages:
    def test_a_stage_that_failed_runs_again_and_finds_its_record(self, workshop):
        seen = []

        def work(run: Run) -> dict[str, Any]:
            seen.append(run.manifest.stage("train").get("round", 0))
            run.manifest.update("train", round=seen[-1] + 1)
            if len(seen) == 1:
                raise InputError("interrupted")
            return {}

        workshop.add("train", work=work, outputs=lambda record: [])

        with pytest.raises(InputError, match="interrupted"):
            workshop.execute()
        assert workshop.record("train")["state"] == "running"
        workshop.execute()

        assert seen == [0, 1]
        assert workshop.record("train")["state"] == "done"

    def test_a_stage_that_failed_begins_anew_under_another_key(self, workshop):
        seen = []

        def work(run: Run) -> dict[str, Any]:
            seen.append(run.manifest.stage("train").get("round", 0))
            run.manifest.update("train", round=seen[-1] + 1)
            raise InputError("interrupted")

        workshop.add("train", work=work, outputs=lambda record: [])
        for value in ("old", "new"):
            workshop.values["train"] = value
            with pytest.raises(InputError):
                workshop.execute()

        assert seen == [0, 0]

    def test_what_a_failed_stage_reads_must_exist(self, chain):
        chain.execute()
        chain.run.manifest.update("train", state="running")
        chain.delete("draw")

        assert chain.execute() == ["draw", "train"]

    def test_a_done_stage_that_lacks_a_part_runs_under_its_old_record(self, workshop):
        """As pairs/ lacks epochs if train.epochs is raised."""
        workshop.values["epochs"] = "1"

        def epochs(config: Config) -> set[int]:
            return set(range(int(config.input.options["epochs"])))

        def work(run: Run) -> dict[str, Any]:
            before = set(run.manifest.stage("draw").get("epochs", ()))
            workshop.ran.append(f"epochs {sorted(epochs(run.config) - before)}")
            return {"epochs": sorted(epochs(run.config) | before)}

        workshop.add(
            "draw",
            work=work,
            outputs=lambda record: [],
            is_complete=lambda config, record: epochs(config) <= set(record.get("epochs", ())),
        )
        assert workshop.execute() == ["epochs [0]"]

        workshop.values["epochs"] = "3"
        assert workshop.execute() == ["epochs [1, 2]"]
        workshop.values["epochs"] = "2"
        assert workshop.execute() == []


class TestNeeds:
    """A stage that reads another's table, though only settings of its own determine its result."""

    @pytest.fixture
    def needing(self, workshop: Workshop) -> Workshop:
        workshop.add("words")
        workshop.add("texts", needs=lambda config: ("words",), is_result=True)
        return workshop

    def test_a_change_of_a_needed_stage_makes_nothing_else_stale(self, needing):
        needing.execute()
        needing.values["words"] = "new"

        assert needing.execute() == ["words"]

    def test_a_needed_table_is_rebuilt_for_a_stale_stage_alone(self, needing):
        needing.execute()
        needing.delete("words")
        assert needing.execute() == []

        needing.values["texts"] = "new"
        assert needing.execute() == ["words", "texts"]

    def test_a_command_refuses_to_run_without_a_needed_stage(self, needing):
        with pytest.raises(InputError, match=r"texts needs the stage words in .*, which has not run yet"):
            needing.execute("texts")

    def test_needs_may_follow_from_the_configuration(self, workshop):
        workshop.add("pairs")
        workshop.add(
            "train", needs=lambda config: ("pairs",) if config.input.options.get("written") else ()
        )

        assert workshop.execute("train") == ["train"]
        workshop.values.update(written="yes", train="new")
        with pytest.raises(InputError, match="train needs the stage pairs"):
            workshop.execute("train")


class TestCommands:
    def test_a_command_runs_its_own_stages_alone(self, chain):
        assert chain.execute("count") == ["count"]
        assert chain.execute("draw") == ["draw"]
        assert chain.execute() == ["train"]

    def test_a_command_may_run_several_stages(self, workshop):
        workshop.add("plan", commands=("pairs", "train"))
        workshop.add("texts", ["plan"], commands=("pairs",))
        workshop.add("train", ["texts"])

        assert workshop.execute("pairs") == ["plan", "texts"]
        workshop.values["plan"] = "new"
        assert workshop.execute("pairs") == ["plan", "texts"]
        assert workshop.execute("train") == ["train"]

    @pytest.mark.parametrize(
        ("prepare", "reason"),
        [
            (lambda chain: (chain.folder / "run.json").unlink(), "has not run yet"),
            (lambda chain: chain.values.update(count="new"), "ran with other settings or other input"),
            (lambda chain: chain.files.clear(), "ran with other settings or other input"),
            (lambda chain: chain.run.manifest.update("count", state="running"), "is not finished"),
            (lambda chain: chain.delete("count"), "was deleted"),
        ],
        ids=["never", "settings", "input", "failed", "deleted"],
    )
    def test_a_command_says_why_a_stage_that_it_reads_is_not_done(self, chain, prepare, reason):
        chain.execute("count")
        prepare(chain)
        chain.ran.clear()

        with pytest.raises(InputError) as refused:
            chain.execute("draw")

        assert str(refused.value) == (
            f"draw needs the stage count in {chain.folder}, which {reason}; "
            "run 'vecmill count' first, or 'vecmill run' for everything"
        )
        assert chain.ran == []

    def test_the_message_names_the_command_that_was_given_and_the_command_that_is_missing(self, workshop):
        workshop.add("words", commands=("vocabulary",))
        workshop.add("plan", ["words"], commands=("pairs", "train"))

        for command in ("pairs", "train"):
            with pytest.raises(InputError, match=rf"^{command} needs .*words.* run 'vecmill vocabulary'"):
                workshop.execute(command)

    def test_a_command_names_the_command_of_the_stage_that_it_lacks(self, workshop):
        workshop.add("texts", commands=("pairs",))
        workshop.add("train", ["texts"])

        with pytest.raises(InputError, match=r"train needs the stage texts .* run 'vecmill pairs' first"):
            workshop.execute("train")

    def test_a_command_refuses_a_stage_that_lacks_a_part(self, workshop):
        workshop.add("draw", is_complete=lambda config, record: config.input.options.get("more") is None)
        workshop.add("train", ["draw"])
        workshop.execute()
        workshop.values.update(more="yes", train="new")

        with pytest.raises(InputError, match=r"needs the stage draw in .*, which is not finished"):
            workshop.execute("train")

    def test_a_command_that_is_done_does_not_need_its_inputs(self, chain):
        chain.execute()
        chain.delete("draw")

        assert chain.execute("train") == []


class TestEnabledStages:
    @pytest.fixture
    def optional(self, workshop: Workshop) -> Workshop:
        workshop.add("export")
        workshop.add(
            "evaluate",
            ["export"],
            is_enabled=lambda config: "tests" in config.input.options,
            is_result=True,
        )
        return workshop

    def test_a_stage_that_is_not_enabled_is_neither_run_nor_recorded(self, optional):
        assert optional.execute() == ["export"]
        assert optional.execute("evaluate") == []
        assert optional.record("evaluate") == {}

    def test_a_stage_that_is_not_enabled_reads_nothing(self, optional):
        optional.execute()
        optional.delete("export")
        assert optional.execute() == []

        optional.values["tests"] = "yes"
        assert optional.execute() == ["export", "evaluate"]


class TestThisMachine:
    """A stage whose decision may not hold on the machine on which a run resumes."""

    @pytest.fixture
    def planned(self, workshop: Workshop) -> Workshop:
        def plan(run: Run) -> dict[str, Any]:
            workshop.ran.append("plan")
            if workshop.values.get("memory") == "little":
                raise ConfigError(["this run cannot fit"])
            return {}

        workshop.add(
            "plan",
            commands=("pairs", "train"),
            settings=lambda config: {},
            work=plan,
            outputs=lambda record: [],
            still_holds=lambda run, record: run.config.input.options.get("memory") != "little",
        )
        workshop.add("train", needs=lambda config: ("plan",), is_result=True)
        return workshop

    @pytest.mark.parametrize("command", ["run", "train"])
    def test_an_unfinished_run_is_planned_again_and_refused(self, planned, command):
        planned.execute()
        planned.run.manifest.update("train", state="running")
        planned.values["memory"] = "little"

        with pytest.raises(ConfigError, match="this run cannot fit"):
            planned.execute(command)
        assert planned.ran == ["plan"]
        assert planned.record("train")["state"] == "running"

        del planned.values["memory"]
        assert planned.execute(command) == ["plan", "train"]

    def test_a_finished_run_is_not_planned_again(self, planned):
        planned.execute()
        planned.values["memory"] = "little"

        assert planned.execute() == []

    def test_the_machine_is_checked_once_before_a_stage_runs(self, workshop):
        """Later, what the run itself occupies would count against it."""
        checks = []

        def still_holds(run: Run, record: Any) -> bool:
            checks.append(list(workshop.ran))
            return len(checks) == 1

        workshop.add("plan", commands=("train",), still_holds=still_holds)
        workshop.add("texts", commands=("train",), needs=lambda config: ("plan",))
        workshop.add("train", ["texts"], needs=lambda config: ("plan",))
        workshop.execute()
        workshop.values["texts"] = "new"

        assert workshop.execute("train") == ["texts", "train"]
        assert checks == [[]]

    def test_the_machine_is_checked_once_the_inputs_of_the_decision_exist(self, workshop):
        checks = []

        def still_holds(run: Run, record: Any) -> bool:
            checks.append(run.files.read_text("words"))
            return True

        workshop.add("words")
        workshop.add("plan", ["words"], still_holds=still_holds)
        workshop.add("train", ["words"], needs=lambda config: ("plan",))
        workshop.execute()
        workshop.delete("words")
        workshop.values["train"] = "new"

        assert workshop.execute() == ["words", "train"]
        assert len(checks) == 1

    def test_a_command_says_that_a_decision_does_not_hold_here(self, workshop):
        workshop.add("plan", still_holds=lambda run, record: False)
        workshop.add("train", ["plan"])
        workshop.execute("plan")

        with pytest.raises(InputError, match="which does not fit this machine; run 'vecmill plan' first"):
            workshop.execute("train")


class TestSettledSettings:
    """A stage that chooses settings for the stages after it."""

    @pytest.fixture
    def choosing(self, workshop: Workshop) -> Workshop:
        def with_choice(config: Config, record: Any) -> Config:
            chosen = {**config.input.options, "train": record["chosen"]}
            return config.model_copy(update={"input": config.input.model_copy(update={"options": chosen})})

        def choose(run: Run) -> dict[str, Any]:
            workshop.write(run, "plan")
            return {"chosen": "averaging" if run.config.input.options.get("plan") is None else "blocked"}

        workshop.add("plan", work=choose, settles=with_choice)
        workshop.add("train", needs=lambda config: ("plan",))
        return workshop

    def test_later_stages_see_the_chosen_settings_and_the_manifest_records_them(self, choosing):
        choosing.execute()

        recorded = choosing.run.manifest.content["configuration"]["input"]["options"]
        assert recorded == {"train": "averaging"}

    def test_the_choice_is_kept_while_its_stage_is_done(self, choosing):
        choosing.execute()

        assert choosing.execute() == []

    def test_another_choice_makes_the_stages_stale_that_depend_on_it(self, choosing):
        choosing.execute()
        choosing.values["plan"] = "new"

        assert choosing.execute() == ["plan", "train"]

    def test_the_choice_is_no_setting_of_the_stage_that_chose(self, choosing):
        choosing.execute()
        run = choosing.run
        resolved = Pipeline(choosing.stages).resolve(run.config, OutsideInput([]), run.manifest)

        assert resolved["plan"].config.input.options == {}
        assert resolved["train"].config.input.options == {"train": "averaging"}


class TestTestFiles:
    @staticmethod
    def reader(digests: list[str]) -> Callable[[Config], Sequence[WordTest]]:
        return lambda config: [WordTest("t.txt", "analogies", [], (), digest) for digest in digests]

    def test_changed_test_files_make_the_stage_that_reads_them_stale(self, workshop):
        digests = ["a"]
        workshop.add("export")
        workshop.add(
            "evaluate",
            ["export"],
            outside=lambda outside: [test.digest for test in outside.tests],
            read_tests=self.reader(digests),
        )
        workshop.execute()
        assert workshop.execute() == []

        digests[0] = "b"
        assert workshop.execute() == ["evaluate"]

    def test_a_faulty_test_file_is_reported_before_any_stage_runs(self, chain):
        def read(config: Config) -> Sequence[WordTest]:
            raise InputError("t.txt cannot be read")

        chain.add("evaluate", ["train"], read_tests=read)

        with pytest.raises(InputError, match="cannot be read"):
            chain.execute()
        assert chain.ran == []

    def test_other_commands_do_not_read_the_test_files(self, chain):
        def read(config: Config) -> Sequence[WordTest]:
            raise InputError("t.txt cannot be read")

        chain.add("evaluate", ["train"], read_tests=read)

        assert chain.execute("count") == ["count"]


# Up to five stages, each with the set of earlier ones that it reads.
PIPELINES = st.integers(1, 5).flatmap(
    lambda size: st.tuples(*(st.sets(st.integers(0, i - 1)) if i else st.just(set()) for i in range(size)))
)


@settings(max_examples=50)
@given(
    reads=PIPELINES,
    changed=st.sets(st.integers(0, 4)),
    deleted=st.sets(st.integers(0, 4)),
    results=st.sets(st.integers(0, 4)),
)
def test_stages_run_if_they_are_stale_or_if_what_is_read_of_them_was_deleted(
    tmp_path_factory, reads, changed, deleted, results
):
    workshop = Workshop(tmp_path_factory.mktemp("run"))
    for number, others in enumerate(reads):
        workshop.add(f"s{number}", [f"s{other}" for other in sorted(others)], is_result=number in results)
    names = [stage.name for stage in workshop.stages]
    assert workshop.execute() == names
    for number in changed:
        workshop.values[f"s{number}"] = "new"
    for number in deleted & set(range(len(reads))):
        workshop.delete(f"s{number}")

    stale: set[int] = set()
    for number, others in enumerate(reads):
        if number in changed or others & stale:
            stale.add(number)
    for number in reversed(range(len(reads))):
        is_read = any(number in reads[other] and other in stale for other in range(len(reads)))
        if number in deleted and (is_read or number in results):
            stale.add(number)
    assert workshop.execute() == [name for number, name in enumerate(names) if number in stale]
    assert workshop.execute() == []


@settings(max_examples=25)
@given(reads=PIPELINES, kept=st.integers(0, 4))
def test_a_run_that_fails_at_any_stage_resumes_there(tmp_path_factory, reads, kept):
    workshop = Workshop(tmp_path_factory.mktemp("run"))
    counter = itertools.count()

    def fail_once(run: Run, name: str) -> dict[str, Any]:
        if next(counter) == kept:
            raise InputError("interrupted")
        return workshop.write(run, name)

    for number, others in enumerate(reads):
        name = f"s{number}"
        work: Callable[[Run], Any] = lambda run, name=name: fail_once(run, name)  # type: ignore[misc]  # noqa: E731
        workshop.add(name, [f"s{other}" for other in sorted(others)], work=work)
    names = [stage.name for stage in workshop.stages]
    if kept >= len(names):
        assert workshop.execute() == names
        return

    with pytest.raises(InputError):
        workshop.execute()

    assert workshop.ran == names[:kept]
    assert workshop.execute() == names[kept:]
