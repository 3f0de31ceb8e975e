"""The configuration: its sections and keys, with defaults, checks and descriptions.

`vecmill run --help` and conf/local.toml show the descriptions. Only the driver reads the configuration.
Spark's own settings are elsewhere; see `spark.session`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Self, cast

from pydantic import Field, SerializeAsAny, ValidationError

from vecmill import models
from vecmill.config.checks import invalid_combinations
from vecmill.config.messages import error_message
from vecmill.config.reading import apply_override, read_toml
from vecmill.config.sections import (
    Evaluate,
    Input,
    ModelSection,
    Output,
    Pairs,
    Section,
    Tokenizer,
    Train,
    Vocabulary,
)
from vecmill.core import kernels
from vecmill.core.kernels import KernelChoice
from vecmill.errors import ConfigError
from vecmill.models import MODELS, Model

__all__ = [
    "Config",
    "Evaluate",
    "Input",
    "ModelSection",
    "Output",
    "Pairs",
    "Tokenizer",
    "Train",
    "Vocabulary",
]


class Config(Section):
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
        """The configuration of a TOML file and of overrides "section.key=value", which take precedence.

        Raises ConfigError with every fault of the file and the overrides; if each key is valid by itself,
        with every invalid combination of keys.
        """
        content = read_toml(path) if path else {}
        source = path or "--set"
        faults = [fault for text in overrides for fault in apply_override(content, text)]
        content.setdefault("output", {})
        faults += _read_model(source, content)
        try:
            config = cls.model_validate(content)
        except ValidationError as error:
            faults += [error_message(source, fault, cls.keys()) for fault in error.errors()]
            raise ConfigError(faults) from None
        faults += [f"{source}: {fault}" for fault in invalid_combinations(config)]
        if faults:
            raise ConfigError(faults)
        return config

    @classmethod
    def sections(cls) -> dict[str, type[Section]]:
        """The class of each section, by its name; [model] without the keys that kinds of models add."""
        return {name: cast(type[Section], field.annotation) for name, field in cls.model_fields.items()}

    @classmethod
    def keys(cls) -> dict[str, Collection[str]]:
        """The names of the keys of each section, by the section's name."""
        return {name: section.model_fields for name, section in cls.sections().items()}

    def build_model(self) -> Model:
        """The model to train, with its options."""
        return models.build(self.model.kind, self.model.options)

    @property
    def kernel(self) -> KernelChoice:
        """The library of the kernel that trains the model on this machine, and the reason for it."""
        return kernels.choose(self.train.kernel, self.build_model().kernels)

    @classmethod
    def load_finished(cls, path: str | None, overrides: Sequence[str] = ()) -> Self:
        """The same for commands that read a finished run and so need no input.

        Raises ConfigError as `load` does, also if output.path is not set.
        """
        stand_in = () if path else ("input.path=unused",)
        return cls.load(path, (*stand_in, *overrides))

    @classmethod
    def load_output(cls, path: str | None, overrides: Sequence[str] = ()) -> str:
        """The output.path of `load_finished`."""
        return cls.load_finished(path, overrides).output.path


def _read_model(source: str, content: dict[str, Any]) -> list[str]:
    """Put the section [model], validated with the keys of its kind, into `content`; return its faults."""
    section = content.get("model", {})
    if not isinstance(section, dict):
        return []
    kind = section.get("kind", "sgns")
    if not isinstance(kind, str) or kind not in MODELS:
        del content["model"]
        return [f"{source}: model.kind must be one of {', '.join(map(repr, MODELS))}, got {kind!r}"]
    model = ModelSection.of_kind(kind)
    try:
        content["model"] = model.model_validate(section)
    except ValidationError as error:
        del content["model"]
        keys = {**Config.keys(), "model": model.model_fields}
        return [
            error_message(source, {**fault, "loc": ("model", *fault["loc"])}, keys)
            for fault in error.errors()
        ]
    return []
