"""The configuration: its sections and keys, with defaults, checks and descriptions.

`vecmill run --help` and conf/local.toml show the descriptions. Only the driver reads the configuration.
Spark's own settings are elsewhere; see `spark.session`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, Self, cast

from pydantic import Field, SerializeAsAny, ValidationError

from vecmill import models
from vecmill.config.checks import invalid_combinations
from vecmill.config.messages import Sources, error_message, quote
from vecmill.config.reading import KeyPath, parse_override, put, read_toml
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

# Faults that one message reports.
_MOST_FAULTS = 20


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
        faults: list[str] = []
        overridden: list[KeyPath] = []
        for text in overrides:
            try:
                key, value = parse_override(text, cls.type_of)
                put(content, key, value)
                overridden.append(key)
            except ConfigError as error:
                faults += error.faults
        sources = Sources(path, overridden)
        content.setdefault("output", {})
        faults += _read_model(sources, content)
        try:
            config = cls.model_validate(content)
        except ValidationError as error:
            faults += [
                error_message(sources.of(fault["loc"]), fault, cls.keys()) for fault in error.errors()
            ]
            raise ConfigError(_first(faults)) from None
        faults += [f"{sources.of_all(_keys_in(fault))}: {fault}" for fault in invalid_combinations(config)]
        if faults:
            raise ConfigError(_first(faults))
        return config

    @classmethod
    def type_of(cls, section: str, key: str) -> Any:
        """The type of a key, also of a key that a kind of model adds; None if there is no such key."""
        classes = [cls.sections().get(section, Section)]
        if section == "model":
            classes += map(ModelSection.of_kind, MODELS)
        fields = (found.model_fields[key] for found in classes if key in found.model_fields)
        return next((field.annotation for field in fields), None)

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


def _first(faults: Sequence[str]) -> list[str]:
    """The faults, or the first of very many."""
    rest = len(faults) - _MOST_FAULTS
    return [*faults[:_MOST_FAULTS], *([f"and {rest:,} more faults"] if rest > 0 else [])]


def _keys_in(fault: str) -> list[tuple[str, str]]:
    """The keys that a sentence names."""
    names = Config.keys()
    found = re.findall(r"\b([a-z]+)\.(\w+)", fault)
    return [(section, key) for section, key in found if key in names.get(section, ())]


def _read_model(sources: Sources, content: dict[str, Any]) -> list[str]:
    """Put the section [model], validated with the keys of its kind, into `content`; return its faults."""
    section = content.get("model", {})
    if not isinstance(section, dict):
        return []
    kind = section.get("kind", "sgns")
    if not isinstance(kind, str) or kind not in MODELS:
        del content["model"]
        source = sources.of(("model", "kind"))
        return [f"{source}: model.kind must be one of {', '.join(map(repr, MODELS))}, got {quote(kind)}"]
    model = ModelSection.of_kind(kind)
    try:
        content["model"] = model.model_validate(section)
    except ValidationError as error:
        del content["model"]
        keys = {**Config.keys(), "model": model.model_fields}
        places = [("model", *fault["loc"]) for fault in error.errors()]
        return [
            error_message(sources.of(place), {**fault, "loc": place}, keys)
            for place, fault in zip(places, error.errors(), strict=True)
        ]
    return []
