"""The faults vecmill tells a person about, each with the exit code a scheduler sees."""

from __future__ import annotations

from collections.abc import Sequence


class VecmillError(Exception):
    """Base of every fault that is told in a sentence and not in a traceback.

    The message says what, where, expected, got and the remedy, and stands alone in a log.
    """

    exit_code = 1


class ConfigError(VecmillError):
    """Usage or configuration is at fault; found before Spark starts, all faults in one message."""

    exit_code = 2

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


class InputError(VecmillError):
    """The input breaks its contract: missing, empty, unreadable, wrong column, unknown word."""

    exit_code = 3


class QualityError(VecmillError):
    """A score lies below a floor that the user set."""

    exit_code = 4


class OutputHeldError(VecmillError):
    """Another run holds this output."""

    exit_code = 5


class ShapeError(VecmillError, ValueError):
    """An array handed to the core has the wrong shape or dtype: a programmer's fault."""
