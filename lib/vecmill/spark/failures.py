"""What a failure of Spark, Java, Hadoop, Arrow or Python's workers means: one sentence and an exit code."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyspark
from py4j.protocol import Py4JError, Py4JJavaError

from vecmill import errors
from vecmill.errors import VecmillError
from vecmill.formatting import shorten
from vecmill.spark import disks, jvm, local
from vecmill.spark.failure_table import CONFIGURATION, FILE_SYSTEMS, RESUME, RETRY, STARTS, TASKS, Failure

# Of a line that is quoted in a sentence.
_MOST_CHARACTERS = 300

INTERRUPTED = f"interrupted; {RESUME}"

# What fails in turn if Java has ended.
_CONSEQUENCES = re.compile(
    r"SparkContext was shut down|Cannot call methods on a stopped SparkContext"
    r"|Answer from Java side is empty|CANNOT_OPEN_SOCKET|Error while (?:sending|receiving)"
    r"|Connection (?:refused|reset)"
)

# Files of the packages of file systems, by the name of Hadoop's folder.
_PACKAGES = {"s3a": "hadoop-aws", "azurebfs": "hadoop-azure", "gs": "hadoop-gcp", "gcs": "hadoop-gcp"}


def explain(error: BaseException) -> tuple[str, int] | None:
    """The sentence and the exit code of a failure; None if it is not known.

    If an error was raised while another one was cleaned up, the first one counts. An error of vecmill is
    known: its sentence is its message. Its exit code is that of its cause, if that is a file system.
    """
    if is_interruption(error):
        return INTERRUPTED, RETRY
    for raised in _from_the_first(error):
        known = _explain_ours(raised) if isinstance(raised, VecmillError) else _explain_others(raised)
        if known is not None:
            return known
    return None


def _explain_ours(error: VecmillError) -> tuple[str, int]:
    cause = _first_match("\n".join(map(text_of, _causes_of(error))), FILE_SYSTEMS)
    return str(error), cause[1] if cause else error.exit_code


def _explain_others(error: BaseException) -> tuple[str, int] | None:
    text = "\n".join(map(text_of, _causes_of(error)))
    from_task = re.search(r"vecmill\.errors\.(\w+): (.+)", text)
    if from_task:
        # Raised in a task; Spark wraps it in a traceback.
        return from_task[2], getattr(errors, from_task[1], VecmillError).exit_code
    return _shadowed_module(text) or _first_match(text, TASKS) or _ended_java(error, text)


def is_interruption(error: BaseException | None) -> bool:
    """Whether an error was raised while an interruption, such as Ctrl-C, was handled."""
    if error is None or isinstance(error, KeyboardInterrupt):
        return error is not None
    return is_interruption(error.__cause__) or is_interruption(error.__context__)


def explain_start(error: BaseException) -> tuple[str, int]:
    """The sentence and the exit code of an error that was raised while Spark started."""
    printed = jvm.last_lines()
    text = "\n".join([*map(text_of, _causes_of(error)), *printed])
    known = _first_match(text, (*STARTS, *TASKS))
    if known is not None:
        return known
    if "JAVA_GATEWAY_EXITED" in text:
        last = next((line for line in reversed(printed) if line.strip()), "it printed nothing")
        return f"Spark did not start: Java ended before it was ready ({_shorten(last)})", RETRY
    return f"Spark did not start: {_shorten(first_line(error))}", CONFIGURATION


def java_cause(error: Py4JJavaError) -> str:
    """The innermost cause of a Java exception, on one line; its explanation, if it is a file system's."""
    known = _first_match(text_of(error), FILE_SYSTEMS[:-1])
    if known is not None:
        return known[0]
    try:
        cause = error.java_exception
        while cause.getCause() is not None:
            cause = cause.getCause()
        name = str(cause.getClass().getSimpleName())
        message = str(cause.getMessage() or "").strip()
    except (Py4JError, OSError):
        return "Spark's Java process has ended"
    return f"{name}: {message.splitlines()[0]}" if message else name


def first_line(error: BaseException) -> str:
    """The first line of an error's text, which says what is wrong if the error is Spark's."""
    lines = text_of(error).strip().splitlines()
    if isinstance(error, Py4JJavaError) and len(lines) > 1:
        # The first one only names the call.
        del lines[0]
    return _without_classes(lines[0].removeprefix(": ")) if lines else type(error).__name__


def text_of(error: BaseException) -> str:
    """The class and the text of an error. The text of an error of Java fails if Java has ended."""
    try:
        return f"{type(error).__name__}: {error}" if isinstance(error, MemoryError) else str(error)
    except Exception as failed:
        return f"{type(error).__name__}: {failed}"


def _from_the_first(error: BaseException) -> Iterator[BaseException]:
    """The error in whose cleaning up others were raised, these others, and at last `error`."""
    before = None if error.__suppress_context__ else error.__context__
    if before is not None and error.__cause__ is None:
        yield from _from_the_first(before)
    yield error


def _causes_of(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it was made from. PySpark hides the error of Java behind its own."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or (seen.__context__ if seen.__suppress_context__ else None)


def _first_match(text: str, failures: Sequence[Failure]) -> tuple[str, int] | None:
    for failure in failures:
        found = re.search(failure.pattern, text)
        if found:
            groups = [str(group) for group in (found[0], *(g for g in found.groups() if g is not None))]
            what = _line_of(text, found.start())
            sentence = failure.sentence
            if sentence == "{full}":
                sentence = disks.explain_full(text, what)
            elif "{package}" in sentence:
                sentence = sentence.replace("{package}", _package_of(groups[1]))
            else:
                sentence = sentence.format(*(_shorten(group) for group in groups), what=what)
            return sentence, failure.code
    return None


def _package_of(folder: str) -> str:
    """The package of a file system for the Hadoop that Spark has, as spark.jars.packages names it."""
    jars = Path(pyspark.__file__).parent.glob("jars/hadoop-client-api-*.jar")
    version = next((jar.stem.removeprefix("hadoop-client-api-") for jar in jars), "VERSION")
    return f"org.apache.hadoop:{_PACKAGES[folder]}:{version}"


_IMPORT_FAILED = re.compile(
    r"pyspark\.daemon's standard output|Error from python worker|ImportError|AttributeError: .*module"
    r"|SyntaxError|Python worker (?:exited unexpectedly|failed to connect)"
)
_MOST_FILES = 5


def _shadowed_module(text: str) -> tuple[str, int] | None:
    """The failure of workers that do not start because of files of the user in the working folder."""
    files = local.shadowing_files() if _IMPORT_FAILED.search(text) else []
    if not files:
        return None
    if len(files) == 1:
        named = f"{files[0]} has the name of a module that they import; rename it"
    else:
        named = f"{', '.join(files[:_MOST_FILES])} have names of modules that they import; rename them"
    sentence = f"Python workers do not start: in the working folder, {named}, or set PYTHONSAFEPATH=1"
    return sentence, CONFIGURATION


# Exit codes of Java, of Spark's executor, and of shells for a process that ran out of memory.
_OUT_OF_MEMORY = (3, 52)


def _ended_java(error: BaseException, text: str) -> tuple[str, int] | None:
    """Why Java ended, if the error is a consequence of that."""
    is_broken_pipe = isinstance(error, BrokenPipeError)
    is_network = isinstance(error, (ConnectionError, EOFError)) or bool(_CONSEQUENCES.search(text))
    is_unanswered = isinstance(error, Py4JError) and not isinstance(error, Py4JJavaError)
    code = jvm.exit_code() if is_network or is_unanswered else jvm.ended()
    if code is not None:
        return _sentence_of_end(code), RETRY
    if "SparkContext was shut down" in text:
        return f"Spark was stopped from outside; {RESUME}", RETRY
    if (is_network or is_unanswered) and not is_broken_pipe:
        return f"Spark's Java process ended or does not answer; its log says why; {RESUME}", RETRY
    return None


def _sentence_of_end(code: int) -> str:
    number = -code if code < 0 else code - 128
    if number == signal.SIGKILL:
        return (
            "Spark's Java process was killed (SIGKILL), most often by the system because memory was short; "
            f"free memory, or lower spark.driver.memory, then {RESUME}"
        )
    if code in _OUT_OF_MEMORY:
        return f"Spark's Java process ran out of memory; raise spark.driver.memory, then {RESUME}"
    if 0 < number < signal.NSIG:
        return f"Spark's Java process was ended by the signal {_name_of_signal(number)}; {RESUME}"
    return f"Spark's Java process ended unexpectedly (exit code {code}); {RESUME}"


def _name_of_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _line_of(text: str, position: int) -> str:
    """The line of `text` at `position`, without Java's class names before it."""
    begin = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    return _shorten(_without_classes(text[begin : end if end >= 0 else len(text)]))


def _without_classes(line: str) -> str:
    line = re.sub(r"^.*Lost task .*?\(TID \d+\) \([^)]*\): ", "", line.strip()).removeprefix(": ")
    line = re.sub(r"^(Caused by: )?(([\w$]+\.)+[\w$]+(Exception|Error): )+", "", line)
    return re.sub(r"\s*SQLSTATE: \w+", "", line)


def _shorten(text: str) -> str:
    return shorten(text, _MOST_CHARACTERS)
