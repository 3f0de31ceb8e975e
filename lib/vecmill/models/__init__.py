"""The models that can be trained, one module each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vecmill.models import sgns
from vecmill.models.model import Model, ModelKind, Option, Size, Table

__all__ = ["MODELS", "Model", "ModelKind", "Option", "Size", "Table", "build"]

# By their names in model.kind.
MODELS: dict[str, ModelKind] = {
    "sgns": sgns.KIND,
}


def build(kind: str, options: Mapping[str, Any]) -> Model:
    """The model of a kind, from the values of its options."""
    return MODELS[kind].build(options)
