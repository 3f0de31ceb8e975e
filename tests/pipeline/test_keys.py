"""Which stages become stale if a key of the configuration changes: the real stages, without Spark."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from vecmill.config import Config
from vecmill.core import kernels
from vecmill.evaluation.word_tests import WordTest
from vecmill.models import MODELS
from vecmill.pipeline import PIPELINE, OutsideInput
from vecmill.pipeline.engine import FORMAT, Pipeline
from vecmill.runs.manifest import Manifest
from vecmill.storage.files import FileStatus
from vecmill.storage.local_files import LocalFiles

NAMES = list(PIPELINE.stages)
FILES = [FileStatus("text.txt", 10, 1)]

BASE = {
    "input.path": "'text.txt'",
    "input.format": "'json'",
    "input.column": "'text'",
    "train.kernel": "'numpy'",
    "output.path": "'out'",
    "evaluate.files": "['topics.txt']",
}

EVERY = set(NAMES)
FROM_VOCABULARY = EVERY - {"tokenize"}
FROM_TEXTS = {"texts", "pairs", "train", "export", "evaluate"}
FROM_PAIRS = FROM_TEXTS - {"texts"}
FROM_TRAIN = FROM_PAIRS - {"pairs"}

# For each key: another value, as in --set, and the stages that become stale with it.
STALE: dict[str, tuple[str, set[str]]] = {
    "input.format": ("'parquet'", EVERY),
    "input.path": ("'other.txt'", EVERY),
    "input.column": ("'body'", EVERY),
    "input.encoding": ("'ISO-8859-1'", EVERY),
    "input.options": ("{multiLine = 'true'}", EVERY),
    "tokenizer.kind": ("'whitespace'", EVERY),
    "tokenizer.lowercase": ("false", EVERY),
    "tokenizer.language": ("'tr'", EVERY),
    "tokenizer.pattern": ("'[a-z]+'", EVERY),
    "tokenizer.min_length": ("2", EVERY),
    "vocabulary.min_count": ("6", FROM_VOCABULARY),
    "vocabulary.max_size": ("1000", FROM_VOCABULARY),
    "pairs.window": ("6", {"plan"} | FROM_PAIRS),
    "pairs.negatives": ("6", {"plan"} | FROM_PAIRS),
    "pairs.subsample": ("0.1", {"vocabulary", "plan"} | FROM_PAIRS),
    "pairs.noise_exponent": ("0.5", {"vocabulary", "plan"} | FROM_PAIRS),
    "pairs.materialize": ("false", {"plan"}),
    "model.kind": ("'other'", {"plan"} | FROM_TRAIN),
    "train.dim": ("50", {"plan"} | FROM_TRAIN),
    "train.epochs": ("6", {"plan"} | FROM_PAIRS),
    "train.learning_rate": ("0.5", FROM_TRAIN),
    "train.min_learning_rate": ("0.001", FROM_TRAIN),
    "train.strategy": ("'blocked'", {"plan"} | FROM_PAIRS),
    "train.shards": ("2", {"plan"} | FROM_TEXTS),
    "train.slices": ("2", {"plan"} | FROM_TEXTS),
    "train.threads": ("2", FROM_TRAIN),
    "train.kernel": ("'numba'", FROM_TRAIN),
    "train.merge": ("'adasum'", FROM_TRAIN),
    "train.warm_up": ("1", {"plan"} | FROM_TRAIN),
    "train.seed": ("2", FROM_TEXTS),
    "train.holdout": ("0.1", {"plan"} | FROM_TEXTS),
    "evaluate.files": ("['topics.txt', 'more.txt']", {"evaluate"}),
    "evaluate.restrict": ("9", {"evaluate"}),
    "evaluate.floors": ("{'topics.txt' = 0.5}", {"evaluate"}),
    "output.path": ("'elsewhere'", set()),
}

# What else a key needs: threads need Numba, and an encoding needs a format without one of its own.
ALSO = {"train.threads": {"train.kernel": "'numba'"}, "input.encoding": {"input.format": "'text'"}}


def config_of(settings: dict[str, str]) -> Config:
    return Config.load(None, [f"{key}={value}" for key, value in settings.items()])


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return Manifest(LocalFiles(str(tmp_path), tmp_path))


def keys_of(
    config: Config, manifest: Manifest, outside: OutsideInput | None = None, pipeline: Pipeline = PIPELINE
) -> dict[str, str]:
    resolved = pipeline.resolve(config, outside or OutsideInput(FILES), manifest)
    return {name: key for name, (key, _) in resolved.items()}


def stale(before: Config, after: Config, manifest: Manifest) -> set[str]:
    """The stages of a finished run with the settings `before` that the settings `after` make run."""
    keys, new_keys = keys_of(before, manifest), keys_of(after, manifest)
    records: dict[str, Any] = {"pairs": {"epochs": [*range(1, before.train.epochs + 1)]}}
    return {
        name
        for name, stage in PIPELINE.stages.items()
        if keys[name] != new_keys[name] or not stage.is_complete(after, records.get(name, {}))
    }


@pytest.fixture(autouse=True)
def _other_model_and_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second kind of model, and Numba, which may not be installed."""
    monkeypatch.setitem(MODELS, "other", MODELS["sgns"])
    monkeypatch.setattr(kernels, "has_numba", lambda: True)


def test_the_table_has_every_key_of_the_configuration():
    keys = {f"{section}.{key}" for section, names in Config.keys().items() for key in names}

    assert STALE.keys() == keys


@pytest.mark.parametrize("key", STALE)
def test_a_changed_key_makes_stale_what_depends_on_it(manifest, key):
    value, expected = STALE[key]
    base = BASE | ALSO.get(key, {})
    before, after = config_of(base), config_of(base | {key: value})
    assert before.model_dump() != after.model_dump(), "the other value is the default"

    assert stale(before, after, manifest) == expected


def test_a_key_that_is_changed_back_has_the_keys_of_before(manifest):
    before = keys_of(config_of(BASE), manifest)
    keys_of(config_of(BASE | {"pairs.window": "6"}), manifest)

    assert keys_of(config_of(BASE), manifest) == before


def test_a_default_has_the_keys_of_the_same_value_set_explicitly(manifest):
    explicit = config_of(BASE | {"train.dim": "100", "pairs.subsample": "1e-3"})

    assert keys_of(config_of(BASE), manifest) == keys_of(explicit, manifest)


def test_written_pairs_are_drawn_if_they_were_not_before(manifest):
    drawn = config_of(BASE | {"pairs.materialize": "false"})
    pairs = PIPELINE.stages["pairs"]

    assert pairs.is_complete(drawn, {})
    assert not pairs.is_complete(config_of(BASE), {})


def test_fewer_epochs_need_no_new_pairs(manifest):
    fewer = config_of(BASE | {"train.epochs": "4"})

    assert stale(config_of(BASE), fewer, manifest) == {"plan"} | FROM_TRAIN


AUTO = BASE | {"train.strategy": "'auto'"}
CHOICE = {"strategy": "blocked", "shards": 4, "slices": 8, "threads": 1, "learning_rate": 0.05}


class TestAuto:
    """The strategy is chosen by the stage plan; its choice takes the place of the settings."""

    @staticmethod
    def finish_plan(manifest: Manifest, config: Config, choice: dict[str, Any]) -> None:
        manifest.begin("plan", keys_of(config, manifest)["plan"])
        manifest.finish("plan", 0, {"settings": choice})

    def test_stages_after_the_plan_have_the_keys_of_the_chosen_settings(self, manifest):
        auto = config_of(AUTO)
        explicit = config_of(BASE | {f"train.{key}": repr(value) for key, value in CHOICE.items()})
        self.finish_plan(manifest, auto, CHOICE)

        chosen, same = keys_of(auto, manifest), keys_of(explicit, manifest)

        assert {name for name in NAMES if chosen[name] != same[name]} == {"plan"}

    def test_another_choice_makes_stale_what_depends_on_it(self, manifest):
        auto = config_of(AUTO)
        self.finish_plan(manifest, auto, CHOICE)
        before = keys_of(auto, manifest)
        self.finish_plan(manifest, auto, CHOICE | {"threads": 2, "learning_rate": 0.1})
        after = keys_of(auto, manifest)

        assert {name for name in NAMES if before[name] != after[name]} == FROM_TRAIN

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("train.learning_rate", "0.1"),
            ("train.learning_rate", "0.025"),
            ("train.min_learning_rate", "0.001"),
            ("train.kernel", "'numba'"),
        ],
    )
    def test_the_plan_depends_on_what_its_choice_depends_on(self, manifest, key, value):
        changed = config_of(AUTO | {key: value})

        assert "plan" in stale(config_of(AUTO), changed, manifest)


class TestOutsideInput:
    def test_changed_files_make_every_stage_stale(self, manifest):
        config = config_of(BASE)
        before = keys_of(config, manifest)

        for files in ([FileStatus("text.txt", 11, 1)], [FileStatus("text.txt", 10, 2)], []):
            after = keys_of(config, manifest, OutsideInput(files))
            assert {name for name in NAMES if before[name] != after[name]} == EVERY

    def test_changed_tests_make_only_their_stage_stale(self, manifest):
        config = config_of(BASE)
        first, second = (
            keys_of(
                config,
                manifest,
                OutsideInput(FILES, [WordTest("topics.txt", "odd-one-out", [], (), digest)]),
            )
            for digest in "ab"
        )

        assert {name for name in NAMES if first[name] != second[name]} == {"evaluate"}


def test_another_format_makes_every_stage_stale(manifest):
    config = config_of(BASE)
    newer = Pipeline([*PIPELINE.stages.values()], format_number=FORMAT + 1)
    before, after = keys_of(config, manifest), keys_of(config, manifest, pipeline=newer)

    assert {name for name in NAMES if before[name] != after[name]} == EVERY


@pytest.mark.parametrize(
    ("strategy", "materialize"), [("averaging", "true"), ("averaging", "false"), ("blocked", "true")]
)
def test_every_stage_comes_after_those_that_it_reads_or_needs(strategy, materialize):
    config = config_of(BASE | {"train.strategy": repr(strategy), "pairs.materialize": materialize})

    for place, stage in enumerate(PIPELINE.stages.values()):
        assert {*stage.reads, *stage.needs(config)} <= set(NAMES[:place])


def test_every_command_of_a_stage_can_run_after_the_commands_of_the_stages_before_it():
    order = list(dict.fromkeys(itertools.chain.from_iterable(s.commands for s in PIPELINE.stages.values())))

    assert order == ["tokenize", "vocabulary", "pairs", "train", "export", "evaluate"]


@pytest.mark.parametrize(
    ("name", "record", "expected"),
    [
        ("tokenize", {}, ["tokens"]),
        ("vocabulary", {}, ["vocabulary"]),
        ("plan", {}, []),
        ("texts", {}, ["texts"]),
        ("pairs", {}, []),
        ("pairs", {"epochs": [1, 2]}, ["pairs/epoch=1", "pairs/epoch=2"]),
        ("train", {}, []),
        ("train", {"round": 3}, ["model/round=3"]),
        ("export", {}, ["vectors", "exports"]),
        ("evaluate", {}, ["evaluation.json"]),
    ],
)
def test_the_outputs_of_a_stage_follow_from_its_record(name, record, expected):
    assert PIPELINE.stages[name].outputs(record) == expected


def test_results_are_what_users_read():
    assert {name for name, stage in PIPELINE.stages.items() if stage.is_result} == {"export", "evaluate"}


def test_only_the_evaluation_can_be_left_out():
    without = config_of({key: value for key, value in BASE.items() if key != "evaluate.files"})

    assert {name for name, stage in PIPELINE.stages.items() if not stage.is_enabled(without)} == {
        "evaluate"
    }
    assert all(stage.is_enabled(config_of(BASE)) for stage in PIPELINE.stages.values())
