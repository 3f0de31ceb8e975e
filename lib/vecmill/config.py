"""What to compute: the sections and keys of a configuration file, their defaults and their checks.

Read on the driver only. Spark's own settings are not here; see `session`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, create_model

from vecmill import models
from vecmill.core import kernels
from vecmill.core.kernels import KernelChoice
from vecmill.errors import ConfigError
from vecmill.models import MODELS, Model

_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Text = Annotated[str, Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Input(_Section):
    """Where the text is and how Spark reads it."""

    format: str = Field("text", min_length=1, description="text, json, parquet, or a data source")
    path: str | None = Field(None, min_length=1, description="file, folder or glob")
    column: str | None = Field(None, min_length=1, description="the column that holds the text")
    options: dict[str, str] = Field({}, description="options of Spark's reader")

    @property
    def text_column(self) -> str:
        """The column to read: the one named, or what Spark's text source and most JSON call it."""
        return self.column or ("value" if self.format == "text" else "text")


class Tokenizer(_Section):
    """How a document becomes tokens."""

    kind: Literal["sentences", "regex", "whitespace", "column", "python"] = Field(
        "regex", description="who splits the text"
    )
    lowercase: bool = Field(True, description="fold case by Unicode's rules")
    pattern: str | None = Field(
        None, min_length=1, description="a Java regular expression, or module:function"
    )
    min_length: int = Field(1, ge=1, description="shortest token, in characters")


class Vocabulary(_Section):
    """Which words get a vector."""

    min_count: int = Field(5, ge=1, description="words seen less often are dropped")
    max_size: int | None = Field(None, ge=1, description="at most so many words, by count")


class Pairs(_Section):
    """How training examples are drawn from the tokens."""

    window: int = Field(5, ge=1, le=1000, description="largest distance of a word to its context")
    negatives: int = Field(5, ge=0, le=1000, description="noise words for each pair")
    subsample: _Number = Field(1e-3, ge=0, le=1, description="threshold for frequent words; 0 is off")
    noise_exponent: _Number = Field(0.75, ge=0, le=2, description="noise is count ** exponent")
    materialize: bool = Field(True, description="write the pairs, or draw them while training")


class ModelSection(_Section):
    """Which model is trained; every kind may add keys of its own."""

    kind: str = Field("sgns", description="the model: sgns is skip-gram with negative sampling")

    @property
    def options(self) -> dict[str, Any]:
        """The values of the keys that belong to this kind."""
        return {name: getattr(self, name) for name in type(self).model_fields if name != "kind"}

    @classmethod
    def of_kind(cls, kind: str) -> type[ModelSection]:
        """This section with the keys of a kind of model."""
        fields: dict[str, Any] = {
            name: (option.type, Field(option.default, description=option.description))
            for name, option in MODELS[kind].options.items()
        }
        return create_model("ModelSection", __base__=cls, **fields)


class Train(_Section):
    """How the vectors are trained."""

    dim: int = Field(100, ge=1, le=10_000, description="length of a vector")
    epochs: int = Field(5, ge=1, description="passes over the corpus")
    learning_rate: _Number = Field(0.025, gt=0, le=10, description="rate at the start")
    min_learning_rate: _Number = Field(2.5e-6, ge=0, description="rate below which it does not fall")
    shards: int = Field(1, ge=1, le=100_000, description="tasks that train side by side")
    slices: int = Field(1, ge=1, le=10_000, description="rounds in an epoch, each ending in a merge")
    threads: int = Field(1, ge=1, description="threads of one task")
    kernel: Literal["auto", "numba", "numpy"] = Field("auto", description="what updates the vectors")
    strategy: Literal["auto", "averaging", "blocked"] = Field(
        "averaging", description="how many workers train one model"
    )
    merge: Literal["mean", "adasum"] = Field("mean", description="how shards become one model")
    warm_up: int = Field(0, ge=0, description="rounds whose shards train one after another, at the start")
    seed: int = Field(1, ge=0, lt=2**63, description="every random number follows from it")
    holdout: _Number = Field(1e-3, ge=0, le=0.5, description="share of the text kept for the loss")


class Evaluate(_Section):
    """What the vectors are tested with, once they are there."""

    files: list[_Text] = Field([], description="test files on the driver's machine; none, no stage")
    restrict: int = Field(30_000, ge=1, description="analogies are asked of so many words")
    floors: dict[str, _Number] = Field({}, description="lowest score of a file, or file:section")

    def floor(self, file: str, section: str) -> float | None:
        """The lowest score wanted of a section, or of a whole file where it is ""."""
        return self.floors.get(f"{file}:{section}" if section else file)


class Output(_Section):
    """Where the run directory is."""

    path: str = Field(min_length=1, description="a folder on any file system that Hadoop knows")


class Config(_Section):
    """A whole configuration."""

    input: Input = Field(default_factory=Input)  # type: ignore[arg-type]
    tokenizer: Tokenizer = Field(default_factory=Tokenizer)  # type: ignore[arg-type]
    vocabulary: Vocabulary = Field(default_factory=Vocabulary)  # type: ignore[arg-type]
    pairs: Pairs = Field(default_factory=Pairs)  # type: ignore[arg-type]
    model: SerializeAsAny[ModelSection] = Field(default_factory=ModelSection)  # type: ignore[arg-type]
    train: Train = Field(default_factory=Train)  # type: ignore[arg-type]
    evaluate: Evaluate = Field(default_factory=Evaluate)  # type: ignore[arg-type]
    output: Output

    @classmethod
    def load(cls, path: str | None, overrides: Sequence[str] = ()) -> Self:
        """The configuration of a TOML file and of overrides "section.key=value", which win.

        Raises ConfigError with every fault of the file and the overrides; where each key is right by
        itself, with every combination that is impossible.
        """
        content = _read(path) if path else {}
        source = path or "--set"
        faults = [fault for text in overrides for fault in _override(content, text)]
        content.setdefault("output", {})
        faults += _read_model(source, content)
        try:
            config = cls.model_validate(content)
        except ValidationError as error:
            faults += [_sentence(source, fault) for fault in error.errors()]
            raise ConfigError(faults) from None
        faults += [f"{source}: {fault}" for fault in _impossible(config)]
        if faults:
            raise ConfigError(faults)
        return config

    def build_model(self) -> Model:
        """The model that is trained, with its options."""
        return models.build(self.model.kind, self.model.options)

    @property
    def kernel(self) -> KernelChoice:
        """The library of the kernel that trains it on this machine, and why."""
        return kernels.choose(self.train.kernel, self.build_model().kernels)

    @classmethod
    def load_finished(cls, path: str | None, overrides: Sequence[str] = ()) -> Self:
        """The same for commands that ask a finished run, and so need no input.

        Raises ConfigError as `load` does, and where output.path is not set.
        """
        stand_in = () if path else ("input.path=unused",)
        return cls.load(path, (*stand_in, *overrides))

    @classmethod
    def load_output(cls, path: str | None, overrides: Sequence[str] = ()) -> str:
        """Only output.path of `load_finished`."""
        return cls.load_finished(path, overrides).output.path


def _read_model(source: str, content: dict[str, Any]) -> list[str]:
    """Put the section [model], with the keys of its kind, into `content`; the faults if it has any."""
    section = content.get("model", {})
    if not isinstance(section, dict):
        return []
    kind = section.get("kind", "sgns")
    try:
        if kind not in MODELS:
            del content["model"]
            return [f"{source}: model.kind must be one of {', '.join(map(repr, MODELS))}, got {kind!r}"]
        content["model"] = ModelSection.of_kind(kind).model_validate(section)
    except ValidationError as error:
        del content["model"]
        return [_sentence(source, {**fault, "loc": ("model", *fault["loc"])}) for fault in error.errors()]
    return []


def _impossible(config: Config) -> Iterator[str]:
    """Combinations that no single key's check can see."""
    tokenizer, train = config.tokenizer, config.train
    if config.input.format in ("text", "json", "parquet", "orc", "csv") and not config.input.path:
        yield f"input.path must be set where input.format is '{config.input.format}'"
    if tokenizer.kind == "python":
        parts = (tokenizer.pattern or "").split(":")
        if len(parts) != 2 or not all(part.isidentifier() for p in parts for part in p.split(".")):
            yield (
                "tokenizer.pattern must name a function as 'module:function' where "
                f"tokenizer.kind is 'python', got {tokenizer.pattern!r}"
            )
    elif tokenizer.pattern is not None and tokenizer.kind != "regex":
        yield f"tokenizer.pattern means nothing where tokenizer.kind is '{tokenizer.kind}'; remove it"
    if tokenizer.kind == "column" and config.input.format == "text":
        yield (
            "tokenizer.kind 'column' needs a column of array<string>, which input.format 'text' "
            "does not have; use 'whitespace'"
        )
    if train.min_learning_rate > train.learning_rate:
        yield (
            f"train.min_learning_rate must be at most train.learning_rate ({train.learning_rate}), "
            f"got {train.min_learning_rate}"
        )
    yield from _impossible_kernels(config)
    if train.strategy == "blocked":
        if not config.pairs.materialize:
            yield (
                "pairs.materialize must be true where train.strategy is 'blocked', since every worker "
                "needs pairs of all texts"
            )
        for key in ("merge", "warm_up"):
            if key in train.model_fields_set:
                yield f"train.{key} means nothing where train.strategy is 'blocked'; remove it"
    if train.strategy == "auto":
        for key in ("shards", "slices", "threads", "merge", "warm_up"):
            if key in train.model_fields_set:
                yield (
                    f"train.{key} is what train.strategy 'auto' chooses; remove it, or name the strategy"
                )
    yield from _impossible_tests(config.evaluate)


def _impossible_kernels(config: Config) -> Iterator[str]:
    train, model = config.train, config.build_model()
    if train.kernel not in ("auto", *model.kernels):
        yield (
            f"train.kernel '{train.kernel}' does not exist for model.kind '{config.model.kind}', which has: "
            f"{', '.join(model.kernels)}; use one of these, or 'auto'"
        )
    elif train.kernel == "numba" and not kernels.has_numba():
        yield "train.kernel 'numba' needs Numba; pip install numba, or use 'auto' or 'numpy'"
    elif train.threads > 1 and config.kernel.library == "numpy":
        yield (
            f"train.threads must be 1 with the kernel 'numpy', got {train.threads}; use train.shards "
            "for several cores, or train.kernel 'numba' (pip install numba)"
        )
    if train.strategy == "blocked" and not model.bucket_kernels:
        yield (
            f"train.strategy 'blocked' cannot train model.kind '{config.model.kind}': {model.not_blocked}; "
            "use 'averaging'"
        )


def _impossible_tests(evaluate: Evaluate) -> Iterator[str]:
    names = Counter(Path(file).name for file in evaluate.files)
    for name, times in names.items():
        if times > 1:
            yield f"evaluate.files must have different names, got {times} named {name}; rename all but one"
    for floor in evaluate.floors:
        if not any(floor == name or floor.startswith(f"{name}:") for name in names):
            there = ", ".join(names) or "none"
            yield (
                f"evaluate.floors must name files of evaluate.files ({there}), as 'file' or "
                f"'file:section', got {floor!r}"
            )


def _read(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError([f"--config: {path} does not exist"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"--config: cannot read {path}: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from None


def _override(content: dict[str, Any], text: str) -> Iterator[str]:
    """Put "section.key=value" into `content`; the value is TOML, or else a plain string."""
    name, equals, value = text.partition("=")
    parts = name.strip().split(".")
    if not equals or len(parts) < 2 or not all(parts):
        yield f"--set {text}: must have the form section.key=value"
        return
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    section: Any = content
    for part in parts[:-1]:
        section = section.setdefault(part, {})
        if not isinstance(section, dict):
            yield f"--set {text}: {part} is a value and not a section"
            return
    section[parts[-1]] = parsed


def _sentence(source: str, fault: Mapping[str, Any]) -> str:
    """One of pydantic's faults as "file: section.key must be ..., got ..."."""
    name = ".".join(str(part) for part in fault["loc"])
    kind, context, got = fault["type"], fault.get("ctx", {}), fault["input"]
    if kind == "extra_forbidden":
        return f"{source}: {name} is not a key{_suggestion(fault['loc'])}"
    if kind == "missing":
        return f"{source}: {name} must be set"
    expected = {
        "greater_than_equal": "a number >= {ge}",
        "greater_than": "a number > {gt}",
        "less_than_equal": "a number <= {le}",
        "less_than": "a number < {lt}",
        "literal_error": "one of {expected}",
        "int_type": "a whole number",
        "float_type": "a number",
        "finite_number": "a finite number",
        "bool_type": "true or false",
        "string_type": "a string",
        "string_too_short": "a string that is not empty",
        "list_type": "a list of strings",
        "dict_type": "a table",
        "model_type": "a section",
        "model_attributes_type": "a section",
    }.get(kind)
    wanted = expected.format(**context) if expected else fault["msg"]
    return f"{source}: {name} must be {wanted}, got {got!r}"


def _suggestion(location: tuple[str | int, ...]) -> str:
    """What to say after "is not a key": the close key of that section or of another, or the keys there."""
    sections = {name: field.annotation for name, field in Config.model_fields.items()}
    known = {
        name: f"{section}.{name}"
        for section, model in sections.items()
        for name in getattr(model, "model_fields", {})
    } | {name: name for name in sections}
    mine = getattr(sections.get(str(location[0])), "model_fields", {})
    close = difflib.get_close_matches(str(location[-1]), mine, 1) or difflib.get_close_matches(
        str(location[-1]), known, 1
    )
    if not close:
        return f"; the keys there are: {', '.join(mine or sections)}"
    here = f"{location[0]}.{close[0]}" if close[0] in mine else known[close[0]]
    return f"; did you mean {here}?"
