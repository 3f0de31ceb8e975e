"""The commands of the command line, one module per command.

A command's module imports Spark, PyArrow and NumPy only inside the functions that run it, so that
`vecmill --help` answers at once and `vecmill doctor` works on a machine that lacks them.
"""

from __future__ import annotations

from vecmill.commands import (
    analogy,
    demo,
    doctor,
    evaluate,
    export,
    neighbors,
    pairs,
    plan,
    report,
    run,
    tokenize,
    train,
    vocabulary,
)
from vecmill.commands.command import Command

__all__ = ["COMMANDS", "Command"]

# In the order of `vecmill --help`.
COMMANDS: tuple[Command, ...] = (
    run.COMMAND,
    tokenize.COMMAND,
    vocabulary.COMMAND,
    pairs.COMMAND,
    train.COMMAND,
    export.COMMAND,
    neighbors.COMMAND,
    analogy.COMMAND,
    evaluate.COMMAND,
    report.COMMAND,
    plan.COMMAND,
    doctor.COMMAND,
    demo.COMMAND,
)
