"""`vecmill train`: train a model."""

from __future__ import annotations

from vecmill.commands.stages import stage_command

COMMAND = stage_command("train", "train a model from pairs")
