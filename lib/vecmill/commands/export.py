"""`vecmill export`: write word vectors in every format."""

from __future__ import annotations

from vecmill.commands.stages import stage_command

COMMAND = stage_command("export", "write the model's word vectors in every format")
