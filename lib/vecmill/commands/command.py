"""What a command is: a value that the command line turns into a subparser."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: the common options are enough."""


class Command(NamedTuple):
    """One command of the command line.

    name           the word after `vecmill`
    help           one line for the list of commands
    run            runs it and returns the exit code; raises VecmillError for faults of input or settings
    add_arguments  adds its arguments, besides --config, --set and --spark-conf
    details        text at the end of its --help, built only if the help is printed
    """

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    add_arguments: Callable[[argparse.ArgumentParser], None] = no_arguments
    details: Callable[[], str] | None = None
