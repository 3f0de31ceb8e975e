"""The command line `vecmill`: parses the arguments, runs a command, returns its exit code."""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import FrameType

import vecmill
from vecmill.commands import COMMANDS
from vecmill.errors import ConfigError, VecmillError

_EXIT_CODES = """\
exit codes:
  0  done
  1  unexpected failure; retry
  2  wrong usage or configuration
  3  invalid input
  4  a score is below its floor
  5  another run holds this output; retry later
"""


class _Parser(argparse.ArgumentParser):
    """Raises ConfigError for a wrong argument; adds `details` to its help only when that is printed."""

    details: Callable[[], str] | None = None

    def error(self, message: str) -> None:  # type: ignore[override]
        raise ConfigError([f"{message}; see '{self.prog} --help'"])

    def format_help(self) -> str:
        text = super().format_help()
        return f"{text}\n{self.details()}" if self.details else text


def parser() -> argparse.ArgumentParser:
    """The parser of all commands. It raises ConfigError for a wrong argument."""
    top = _Parser(
        prog="vecmill",
        description="Word embeddings on stock Apache Spark: from raw text to word vectors.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"vecmill {vecmill.__version__}")
    subparsers = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        added = subparsers.add_parser(
            command.name,
            help=command.help,
            description=command.help,
            epilog=_EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.details = command.details
        added.set_defaults(run=command.run)
        _add_common_options(added)
        command.add_arguments(added)
    return top


def _add_common_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("options of all commands")
    group.add_argument("--config", metavar="FILE", help="settings in TOML; all keys: vecmill run --help")
    group.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="override one key of the configuration; may be repeated",
    )
    group.add_argument(
        "--spark-conf",
        metavar="FILE",
        help="Spark settings, one 'spark.key value' per line; spark-submit's settings take precedence",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. The last line on stderr gives the cause of a failure."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        arguments = parser().parse_args(argv)
        return int(arguments.run(arguments))
    except VecmillError as error:
        for fault in error.faults if isinstance(error, ConfigError) else [str(error)]:
            _print_message(fault)
        return error.exit_code
    except KeyboardInterrupt:
        _print_message("interrupted; run the same command again to resume")
        return 1
    except Exception as error:
        return _report_unexpected(error)


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    """End on SIGTERM as on Ctrl-C, so that a scheduler's signal also releases the lock of the output."""
    raise KeyboardInterrupt


def _report_unexpected(error: Exception) -> int:
    """Print the cause, after the traceback if the failure is not a known one of Spark or the system."""
    from vecmill.spark.failures import explain

    known = explain(error)
    if known is None:
        traceback.print_exception(error)
    sentence, code = known or (f"unexpected {type(error).__name__}: {error}".splitlines()[0], 1)
    _print_message(sentence)
    return code


def _print_message(text: str) -> None:
    print(f"vecmill: {text}", file=sys.stderr, flush=True)
