"""A configuration is complete and valid, or every fault is reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from vecmill.config import Config
from vecmill.errors import ConfigError
from vecmill.models import MODELS, ModelKind, Option

NEEDED = ("input.path=corpus.txt", "output.path=out")


def load(*overrides: str) -> Config:
    return Config.load(None, (*NEEDED, *overrides))


def faults_of(*overrides: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as error:
        load(*overrides)
    return error.value.faults


def test_defaults_are_those_of_word2vec_c():
    config = load()

    assert config.pairs.window == 5
    assert config.pairs.negatives == 5
    assert config.pairs.subsample == 1e-3
    assert config.pairs.noise_exponent == 0.75
    assert config.vocabulary.min_count == 5
    assert config.vocabulary.max_size is None
    assert config.train.dim == 100
    assert config.train.epochs == 5
    assert config.train.learning_rate == 0.025
    assert config.train.min_learning_rate == 0.025 * 0.0001


def test_a_file_sets_the_keys_that_it_contains_and_no_others(tmp_path: Path):
    file = tmp_path / "größe.toml"
    file.write_text(
        """
        [input]
        format = "json"
        path = "korpus/größe.json"
        options = { multiLine = "true" }
        [train]
        dim = 20
        [output]
        path = "out"
        """,
        encoding="utf-8",
    )

    config = Config.load(str(file))

    assert config.input.path == "korpus/größe.json"
    assert config.input.options == {"multiLine": "true"}
    assert (config.train.dim, config.train.epochs) == (20, 5)


def test_overrides_replace_values_of_the_file_and_later_ones_replace_earlier_ones(tmp_path: Path):
    file = tmp_path / "a.toml"
    file.write_text('[input]\npath = "a"\n[output]\npath = "b"\n[train]\ndim = 20\nepochs = 2\n')

    config = Config.load(str(file), ["train.dim=30", "output.path=c", "train.dim = 40"])

    assert (config.train.dim, config.train.epochs) == (40, 2)
    assert (config.input.path, config.output.path) == ("a", "c")


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("train.learning_rate=0.05", "train", "learning_rate", 0.05),
        ("train.learning_rate=1", "train", "learning_rate", 1.0),
        ("pairs.materialize=false", "pairs", "materialize", False),
        ("tokenizer.pattern=[a-z]+", "tokenizer", "pattern", "[a-z]+"),
        (r"tokenizer.pattern='\d = \d'", "tokenizer", "pattern", r"\d = \d"),
        ("output.path='2024'", "output", "path", "2024"),
        ("output.path=s3a://bucket/a=b", "output", "path", "s3a://bucket/a=b"),
        ("input.options.wholetext='true'", "input", "options", {"wholetext": "true"}),
        ("input.options={wholetext = 'true'}", "input", "options", {"wholetext": "true"}),
        ("evaluate.files=['a.txt']", "evaluate", "files", ["a.txt"]),
    ],
)
def test_the_value_of_an_override_is_toml_or_a_string(override, section, key, value):
    assert getattr(getattr(load(override), section), key) == value


@pytest.mark.parametrize(
    "text",
    ["2024", "2020-01-01", "1e3", "0x10", "true", "[1]", "{a = 1}", "nan", "007", "a=b", "'", "1_000"],
)
def test_a_key_that_takes_a_string_takes_the_text_as_it_is(text):
    assert load(f"input.path={text}").input.path == text
    assert load(f"input.options.fs.key={text}").input.options == {"fs.key": text}


@pytest.mark.parametrize("text", ['"\\w+"', "'\\w+'", "\\w+", ' "\\w+" ', '"\\\\w+"'])
def test_quotes_around_a_string_are_not_part_of_it(text):
    assert load(f"tokenizer.pattern={text}").tokenizer.pattern == r"\w+"


@pytest.mark.parametrize(
    ("text", "number"),
    [(".05", 0.05), ("5e-2", 0.05), ("+.05", 0.05), ("5.", 5.0), ("1", 1.0), (" 0.05 ", 0.05)],
)
def test_a_number_may_be_written_as_in_python(text, number):
    assert load(f"train.learning_rate={text}").train.learning_rate == number


def test_a_whole_number_may_begin_with_zeros_and_true_with_a_capital():
    config = load("train.dim=064", "pairs.materialize=False")

    assert (config.train.dim, config.pairs.materialize) == (64, False)


def test_all_that_follows_the_key_of_a_table_is_one_key():
    config = load(
        "evaluate.files=['a.b.tsv']", "evaluate.floors.a.b.tsv=.5", "input.options.fs.s3a.endpoint=x"
    )

    assert config.evaluate.floors == {"a.b.tsv": 0.5}
    assert config.input.options == {"fs.s3a.endpoint": "x"}
    assert load("evaluate.files=['a.b']", "evaluate.floors.'a.b'=1").evaluate.floors == {"a.b": 1}


@pytest.mark.parametrize(
    ("input_", "column"),
    [
        (["input.format=text"], "value"),
        (["input.format=json"], "text"),
        (["input.format=text", "input.column=body"], "body"),
    ],
)
def test_the_column_to_read_is_the_configured_one_or_the_usual_one(input_, column):
    assert load(*input_).input.text_column == column


def test_every_fault_is_reported_in_one_error():
    faults = faults_of(
        "train.dim=0",
        "train.dimm=5",
        "pairs.window=two",
        "pairs.subsample=-1",
        "vocabulary.min_count=1.5",
        "train",
    )

    assert set(faults) == {
        "--set train: must have the form section.key=value",
        "--set: train.dim must be a number >= 1, got 0",
        "--set: train.dimm is not a key; did you mean train.dim?",
        "--set: pairs.window must be a whole number, got 'two'",
        "--set: pairs.subsample must be a number >= 0.0, got -1",
        "--set: vocabulary.min_count must be a whole number, got 1.5",
    }
    with pytest.raises(ConfigError) as error:
        load("train.dim=0", "train.epochs=0")
    assert str(error.value) == "; ".join(error.value.faults)
    assert len(error.value.faults) == 2
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("train.dim=10_001", "train.dim must be a number <= 10000, got 10001"),
        ("train.learning_rate=0", "train.learning_rate must be a number > 0.0, got 0"),
        ("train.learning_rate=fast", "train.learning_rate must be a number, got 'fast'"),
        ("train.learning_rate=true", "train.learning_rate must be a number, got True"),
        ("train.learning_rate=nan", "train.learning_rate must be a finite number, got nan"),
        ("pairs.subsample=inf", "pairs.subsample must be a finite number, got inf"),
        ("train.epochs=true", "train.epochs must be a whole number, got True"),
        (f"train.seed={2**63}", f"train.seed must be a number < {2**63}, got {2**63}"),
        ("train.seed=-1", "train.seed must be a number >= 0, got -1"),
        ("pairs.materialize=1", "pairs.materialize must be true or false, got 1"),
        ("input.path=", "input.path must be a string that is not empty, got ''"),
        ("input.options=5", "input.options must be a table, got 5"),
        ("input.options={wholetext=true}", "input.options.wholetext must be a string, got True"),
        (f"train.seed={'9' * 20}", f"train.seed must be a number < {2**63}, got {'9' * 20}"),
        (
            f"vocabulary.min_count={'9' * 20}",
            f"vocabulary.min_count must be a number <= {2**63 - 1}, got {'9' * 20}",
        ),
        ("evaluate.files=a.txt", "evaluate.files must be a list of strings, got 'a.txt'"),
        ("evaluate.files=['a.txt', 5]", "evaluate.files.1 must be a string, got 5"),
        ("evaluate.restrict=0", "evaluate.restrict must be a number >= 1, got 0"),
        ("evaluate.floors.a=high", "evaluate.floors.a must be a number, got 'high'"),
        ("train.merge=sum", "train.merge must be one of 'mean' or 'adasum', got 'sum'"),
        ("train.kernel=cuda", "train.kernel must be one of 'auto', 'numba' or 'numpy', got 'cuda'"),
    ],
)
def test_a_value_of_the_wrong_type_is_reported_with_what_was_expected(override, fault):
    assert faults_of(override) == (f"--set: {fault}",)


def test_an_unknown_model_is_reported_with_all_kinds():
    assert load().build_model().kernels
    for value in ("word2vec", "[1]"):
        [fault] = faults_of(f"model.kind={value}")
        assert fault.startswith("--set: model.kind must be one of 'sgns'")


def test_an_unknown_key_of_a_model_is_reported():
    assert faults_of("model.knd=sgns") == ("--set: model.knd is not a key; did you mean model.kind?",)


def test_keys_that_a_model_adds_are_checked_and_suggested(monkeypatch):
    options = {"mean": Option(bool, True, "divide by the window")}
    kind = ModelKind("a toy", build=dict, options=options)
    monkeypatch.setitem(MODELS, "toy", kind)

    assert faults_of("model.kind=toy", "model.men=true") == (
        "--set: model.men is not a key; did you mean model.mean?",
    )
    assert faults_of("model.kind=toy", "model.mean=5") == (
        "--set: model.mean must be true or false, got 5",
    )


def test_an_unknown_tokenizer_is_reported_with_all_kinds():
    [fault] = faults_of("tokenizer.kind=words")

    for kind in ("sentences", "regex", "whitespace", "column", "python"):
        assert repr(kind) in fault
    assert fault.endswith("got 'words'")


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("train.epoch=3", "train.epoch is not a key; did you mean train.epochs?"),
        ("train.windw=3", "train.windw is not a key; did you mean pairs.window?"),
        ("trian.dim=3", "trian is not a key; did you mean train?"),
        (
            "tokenizer.xyzzy=3",
            "tokenizer.xyzzy is not a key; the keys of tokenizer are: kind, lowercase, language, pattern, "
            "min_length",
        ),
        (
            "xyzzy.a=3",
            "xyzzy is not a key; the sections are: input, tokenizer, vocabulary, pairs, model, train, "
            "evaluate, output",
        ),
    ],
)
def test_an_unknown_key_is_reported_with_the_most_similar_key(override, fault):
    assert faults_of(override) == (f"--set: {fault}",)


@pytest.mark.parametrize("text", ["dim=5", "train.dim", "train.=5", ".dim=5", "=5", ""])
def test_an_override_in_another_form_is_a_fault(text):
    assert faults_of(text) == (f"--set {text}: must have the form section.key=value",)


def test_an_override_below_a_value_is_a_fault():
    assert "--set input.path.deep: path is a value, not a section" in faults_of("input.path.deep=5")


def test_a_missing_required_key_is_reported(tmp_path: Path):
    file = tmp_path / "empty.toml"
    file.write_text("")

    with pytest.raises(ConfigError) as error:
        Config.load(str(file))

    assert error.value.faults == (f"{file}: output.path must be set",)


@pytest.mark.parametrize("format_", ["text", "json", "parquet", "orc", "csv"])
def test_a_file_format_needs_a_path(format_):
    with pytest.raises(ConfigError, match=f"input.path must be set if .* '{format_}'"):
        Config.load(None, [f"input.format={format_}", "output.path=out"])


def test_another_data_source_needs_no_path():
    config = Config.load(None, ["input.format=jdbc", "output.path=out"])

    assert config.input.path is None


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (["tokenizer.kind=python"], "tokenizer.pattern must name a function as 'module:function'"),
        (["tokenizer.kind=python", "tokenizer.pattern=split"], "got 'split'"),
        (["tokenizer.kind=python", "tokenizer.pattern=a b:c"], "got 'a b:c'"),
        (["tokenizer.kind=python", "tokenizer.pattern=a:b:c"], "got 'a:b:c'"),
        (
            ["tokenizer.kind=whitespace", "tokenizer.pattern=x"],
            "tokenizer.pattern is not used if tokenizer.kind is 'whitespace'; remove it",
        ),
        (["tokenizer.kind=column"], "use 'whitespace'"),
        (
            ["train.learning_rate=0.01", "train.min_learning_rate=0.02"],
            "train.min_learning_rate must be at most train.learning_rate (0.01), got 0.02",
        ),
        (
            ["train.threads=2", "train.kernel=numpy"],
            "train.threads must be 1 with the kernel 'numpy', got 2; use train.shards for several cores",
        ),
        (
            ["train.strategy=blocked", "pairs.materialize=false"],
            "pairs.materialize must be true if train.strategy is 'blocked'",
        ),
        (
            ["train.strategy=blocked", "train.merge=mean"],
            "train.merge is not used if train.strategy is 'blocked'; remove it",
        ),
    ],
)
def test_an_invalid_combination_is_reported(overrides, fault):
    [found] = faults_of(*overrides)

    assert found.startswith("--set: ")
    assert fault in found


def test_without_numba_the_kernel_that_needs_it_is_refused(monkeypatch):
    monkeypatch.setattr("vecmill.core.kernels.has_numba", lambda: False)

    [missing] = faults_of("train.kernel=numba")
    [threads] = faults_of("train.threads=2")

    assert "train.kernel 'numba' needs Numba; pip install numba" in missing
    assert "train.threads must be 1 with the kernel 'numpy'" in threads


def test_all_invalid_combinations_are_reported_together():
    assert len(faults_of("tokenizer.kind=column", "train.kernel=numpy", "train.threads=2")) == 2


def test_a_tokenizer_may_be_in_a_package():
    config = load("tokenizer.kind=python", "tokenizer.pattern=my_package.words:split")

    assert config.tokenizer.pattern == "my_package.words:split"


def test_a_file_that_is_missing_or_not_toml_is_reported(tmp_path: Path):
    broken, binary = tmp_path / "broken.toml", tmp_path / "binary.toml"
    broken.write_text("[train\ndim = 5")
    binary.write_bytes(b"\xff\xfe")

    for path, message in (
        (tmp_path / "missing.toml", "--config: .*missing.toml does not exist"),
        (tmp_path, "--config: cannot read "),
        (binary, "--config: cannot read .*binary.toml"),
        (broken, r"broken.toml: not valid TOML: .*line 1"),
    ):
        with pytest.raises(ConfigError, match=message):
            Config.load(str(path))


@pytest.mark.parametrize("key", ["vocabulary.max_size", "train.epochs", "train.threads", "train.warm_up"])
@pytest.mark.parametrize("digits", [20, 400])
def test_a_number_of_many_digits_is_refused_with_the_limit(key, digits):
    [fault] = faults_of(f"{key}={'9' * digits}")

    assert fault.startswith(f"--set: {key} must be a number <= ")
    assert fault.endswith("9")
    assert len(fault) < 250


@pytest.mark.parametrize("key", ["train.seed", "train.learning_rate", "evaluate.restrict"])
def test_a_number_of_thousands_of_digits_is_refused_in_a_short_sentence(key, tmp_path):
    digits = "9" * 5000
    [fault] = faults_of(f"{key}={digits}")
    assert len(fault) < 250
    file = tmp_path / "a.toml"
    file.write_text(f"[train]\nseed = {digits}\n")

    with pytest.raises(ConfigError, match=r"a\.toml: not valid TOML: "):
        Config.load(str(file), NEEDED)


def test_a_deeply_nested_value_is_refused(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text(f"a = {'[' * 100_000}")

    with pytest.raises(ConfigError, match=r"a\.toml: not valid TOML: "):
        Config.load(str(file), NEEDED)
    assert len(faults_of(f"train.dim={'[' * 100_000}")) == 1


@pytest.mark.parametrize(
    "override",
    [
        f"train.dim={'x' * 1_000_000}",
        f"train.merge={'x' * 1_000_000}",
        f"train.{'x' * 1_000_000}=5",
        f"{'x' * 1_000_000}=5",
        f"model.kind={'x' * 1_000_000}",
        f"input.options={{a = {[1] * 100_000}}}",
        f"tokenizer.kind=python' 'tokenizer.pattern={'x' * 1_000_000}",
        f"evaluate.floors.{'x' * 1_000_000}=high",
        f"input.encoding={'x' * 1_000_000}",
        f"input.options.{'x' * 1_000_000}=high",
        f"output.path=*{'x' * 1_000_000}",
        f"train.merge.{'x' * 1_000_000}=5",
    ],
)
def test_a_message_is_short_whatever_it_quotes(override):
    for fault in faults_of(override):
        assert len(fault) < 1000


def test_very_many_faults_are_counted(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text("[train]\n" + "".join(f"k{number} = 1\n" for number in range(5000)))

    with pytest.raises(ConfigError) as error:
        Config.load(str(file), NEEDED)

    assert len(error.value.faults) == 21
    assert error.value.faults[-1] == "and 4,980 more faults"


def test_a_fault_names_the_file_or_the_override_that_it_is_in(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text("[train]\nepochs = 0\nmin_learning_rate = 0.2\n")

    with pytest.raises(ConfigError) as error:
        Config.load(str(file), [*NEEDED, "train.dim=0", "pairs.windw=1", "model.kind=x"])
    assert {
        fault.rpartition(": ")[0].split(":")[0] + ":" + fault.split()[1] for fault in error.value.faults
    } == {
        f"{file}:train.epochs",
        "--set:train.dim",
        "--set:pairs.windw",
        "--set:model.kind",
    }
    with pytest.raises(ConfigError) as error:
        Config.load(str(file), [*NEEDED, "train.epochs=1", "train.learning_rate=0.1"])
    [fault] = error.value.faults
    assert fault.startswith(
        f"{file} and --set: train.min_learning_rate must be at most train.learning_rate"
    )


def test_a_byte_order_mark_at_the_start_of_a_file_is_skipped(tmp_path):
    file = tmp_path / "a.toml"
    file.write_bytes(b'\xef\xbb\xbf[input]\r\npath = "a"\r\n[output]\r\npath = "b"\r\n')

    assert Config.load(str(file)).input.path == "a"


def test_a_file_in_utf16_is_refused_with_a_remedy(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text("[train]\ndim = 5\n", encoding="utf-16")

    with pytest.raises(ConfigError, match="it is not UTF-8; save it as UTF-8"):
        Config.load(str(file))


def test_a_section_given_as_a_value_is_reported(tmp_path: Path):
    file = tmp_path / "a.toml"
    file.write_text('train = 5\n[input]\npath = "a"\n[output]\npath = "b"\n')

    with pytest.raises(ConfigError) as error:
        Config.load(str(file))

    assert error.value.faults == (f"{file}: train must be a section, got 5",)


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValidationError):
        load().train.dim = 3


def test_commands_that_read_a_run_need_only_its_output(tmp_path: Path):
    assert Config.load_finished(None, ["output.path=out"]).output.path == "out"
    with pytest.raises(ConfigError, match=r"output\.path must be set"):
        Config.load_finished(None)
    file = tmp_path / "a.toml"
    file.write_text('[input]\npath = "a"\n[output]\npath = "b"\n')
    assert Config.load_output(str(file)) == "b"
    assert Config.load_output(str(file), ["output.path=c"]) == "c"


def test_a_floor_belongs_to_a_file_or_to_a_section_of_a_file():
    floors = "evaluate.floors={'a.txt' = 0.5, 'a.txt:gram1: odd' = 1}"
    evaluate = load("evaluate.files=['tests/a.txt']", floors).evaluate

    assert evaluate.floor("a.txt", "") == 0.5
    assert evaluate.floor("a.txt", "gram1: odd") == 1
    assert evaluate.floor("a.txt", "other") is None


def test_faults_of_the_tests_are_reported_with_the_others():
    rates = "train.min_learning_rate must be at most train.learning_rate (0.025), got 0.1"
    assert set(
        faults_of(
            "evaluate.files=['a/x.txt', 'b/x.txt', 'y.txt']",
            "evaluate.floors={'x.txt' = 0.1, 'z.txt' = 0.2, 'z.txt:animals' = 0.3}",
            "train.min_learning_rate=0.1",
        )
    ) == {
        f"--set: {rates}",
        "--set: evaluate.files must have different names, got 2 named x.txt; rename all but one",
        "--set: evaluate.floors must name files of evaluate.files (x.txt, y.txt), as 'file' or "
        "'file:section', got 'z.txt'",
        "--set: evaluate.floors must name files of evaluate.files (x.txt, y.txt), as 'file' or "
        "'file:section', got 'z.txt:animals'",
    }
