"""The command line `vecmill`: parses the arguments, runs a command, returns its exit code."""

from __future__ import annotations

import argparse
import io
import os
import select
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TextIO

import vecmill
from vecmill.commands import COMMANDS
from vecmill.errors import ConfigError, VecmillError
from vecmill.formatting import shorten

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
        remedy = f"see '{self.prog} --help'"
        if message.startswith("unrecognized arguments: -") or "are required" in message:
            remedy = f"write -- before words that begin with -, or {remedy}"
        raise ConfigError([f"{message}; {remedy}"])

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
    _prepare_streams()
    with _signals_interrupt():
        try:
            arguments = parser().parse_args(argv)
            code = int(arguments.run(arguments))
            # Here and not at exit, so that a reader who has gone away is no failure.
            sys.stdout.flush()
            return code
        except BrokenPipeError as error:
            return _report_closed_pipe(error)
        except KeyboardInterrupt:
            return _report_interruption()
        except Exception as error:
            return _report(error)


def _prepare_streams() -> None:
    """Let a terminal that lacks a letter show its number instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP end a command in one way, in which it releases its output."""
    if threading.current_thread() is not threading.main_thread():
        # Python delivers signals to the main thread only; the caller's own handlers apply.
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in _INTERRUPTING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_INTERRUPTING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_INTERRUPTED = "interrupted; run the same command again to resume"


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    session = sys.modules.get("vecmill.spark.session")
    if session is not None:
        session.silence()
        if session.is_submitted():
            # Java gets the signal, too. What is printed after it has ended is lost.
            with suppress(OSError):
                os.write(_STDERR, f"vecmill: {_INTERRUPTED}\n".encode())
    raise KeyboardInterrupt


_STDERR = 2


def _report_closed_pipe(error: BrokenPipeError) -> int:
    """0 if the reader of the results, such as `head`, has gone away; 1 if that cut off a run.

    Python must not report that at exit.
    """
    gone = [stream for stream in (sys.stdout, sys.stderr) if _is_without_reader(stream)]
    if not gone:
        # A connection to Java broke.
        return _report(error)
    for stream in gone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    return int(any(module.startswith("vecmill.pipeline") for module in modules))


def _is_without_reader(stream: TextIO) -> bool:
    """Whether a stream is a pipe that nothing reads."""
    try:
        watched = select.poll()
        watched.register(stream.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in watched.poll(0))
    except (OSError, ValueError):
        return False


def _report_interruption() -> int:
    session = sys.modules.get("vecmill.spark.session")
    if session is None or not session.is_submitted():
        _print_message(_INTERRUPTED)
    return 1


def _report(error: Exception) -> int:
    """Print the cause of a failure in one sentence per fault; the exit code."""
    if _is_interruption(error):
        # What was cleaned up after Ctrl-C failed in its turn.
        return _report_interruption()
    if isinstance(error, VecmillError) and error.__cause__ is error.__context__ is None:
        # Without an import of Spark, which takes longer than all the rest.
        return _print_faults(error, str(error), error.exit_code)
    try:
        from vecmill.spark.failures import explain, first_line
    except ImportError as missing:
        _print_message(f"{missing}; run 'vecmill doctor', which says how to install what is missing")
        return 1
    known = explain(error)
    if known is not None:
        return _print_faults(error, *known)
    place = _keep_traceback(error)
    _print_message(f"unexpected {type(error).__name__}: {first_line(error)} (the traceback is in {place})")
    return 1


def _print_faults(error: Exception, sentence: str, code: int) -> int:
    for fault in error.faults if isinstance(error, ConfigError) else [sentence]:
        _print_message(fault)
    return code


def _is_interruption(error: BaseException | None) -> bool:
    """Whether an error was raised while the command handled an interruption."""
    if error is None or isinstance(error, KeyboardInterrupt):
        return error is not None
    return _is_interruption(error.__cause__) or _is_interruption(error.__context__)


def _keep_traceback(error: Exception) -> str:
    """The file that has the traceback: in the output of a run, else a temporary one."""
    for note in getattr(error, "__notes__", ()):
        return str(note)
    text = _format_traceback(error)
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="vecmill-error-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
        ) as file:
            file.write(text)
        return file.name
    except OSError:
        print(text, file=sys.stderr)
        return "the lines above"


def _format_traceback(error: Exception) -> str:
    """The traceback of an error, whose text may fail if Java has ended."""
    try:
        return "".join(traceback.format_exception(error))
    except Exception:
        return "".join(traceback.format_tb(error.__traceback__)) + f"{type(error).__name__}\n"


def _print_message(text: str) -> None:
    print(f"vecmill: {shorten(text)}", file=sys.stderr, flush=True)
