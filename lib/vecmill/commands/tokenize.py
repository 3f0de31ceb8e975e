"""`vecmill tokenize`: split text into tokens."""

from __future__ import annotations

from vecmill.commands.stages import stage_command

COMMAND = stage_command("tokenize", "split text into tokens")
