"""`vecmill run`: run every stage that is not done yet."""

from __future__ import annotations

from vecmill.commands.stages import stage_command


def key_reference() -> str:
    """Every key of the configuration. Imported late, because pydantic and NumPy take a moment to load."""
    from vecmill.config.reference import as_help

    return as_help()


COMMAND = stage_command("run", "run every stage that is not done, from text to word vectors", key_reference)
