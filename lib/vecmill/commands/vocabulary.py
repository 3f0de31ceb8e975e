"""`vecmill vocabulary`: count words and build the sampling tables."""

from __future__ import annotations

from vecmill.commands.stages import stage_command

COMMAND = stage_command("vocabulary", "count words and build the sampling tables")
