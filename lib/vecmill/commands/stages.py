"""The commands that only run stages of the pipeline."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from vecmill.commands.command import Command

if TYPE_CHECKING:
    from vecmill.runs.run import Run


def stage_command(name: str, help_: str, details: Callable[[], str] | None = None) -> Command:
    """A command that runs the stages of its own name, or every stage if it is "run"."""

    def run(arguments: argparse.Namespace) -> int:
        run_stages(arguments, name)
        return 0

    return Command(name, help_, run, details=details)


def run_stages(arguments: argparse.Namespace, name: str) -> None:
    """Run the stages of the command `name` in the run directory that the arguments configure."""
    from vecmill.pipeline import execute

    with opened_run(arguments) as run:
        execute(run, name)


def opened_run(arguments: argparse.Namespace) -> AbstractContextManager[Run]:
    """The run directory that the arguments configure, locked until the block ends."""
    from vecmill.runs.opening import opened

    return opened(arguments.config, arguments.overrides, arguments.spark_conf)
