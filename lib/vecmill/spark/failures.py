"""Faults that Spark and the operating system raise, in a sentence that a person understands."""

from __future__ import annotations

import re

from py4j.protocol import Py4JJavaError, Py4JNetworkError

# What a fault's text holds, what it means, and its exit code. The first that matches is told.
_KNOWN = (
    (
        r"No space left on device|Disk quota exceeded|File too large",
        "the output is full ({what}); make room, then the same command goes on from the last round",
        1,
    ),
    (
        r"Permission denied|Read-only file system|AccessControlException",
        "a file cannot be read or written ({what}); mend its permissions, then run again",
        1,
    ),
    (
        r"FAILED_READ_FILE|CORRUPT_FILE|is not a Parquet file|CANNOT_READ_FILE"
        r"|incorrect header check|not in gzip format|Could not read footer|MALFORMED_RECORD",
        "the input cannot be read ({what}); replace or remove the file that it names",
        3,
    ),
    (
        r"OutOfMemoryError|Java heap space|MemoryError|Unable to allocate",
        "out of memory ({what}); raise spark.driver.memory and spark.executor.memoryOverhead, "
        "or lower train.dim or vocabulary.max_size; 'vecmill plan' tells what is needed",
        1,
    ),
    (
        r"Python worker exited unexpectedly|Python worker failed to connect",
        "a Python worker died ({what}); most often it ran out of memory, which "
        "spark.executor.memoryOverhead gives; 'vecmill plan' tells what is needed",
        1,
    ),
    (
        r"ModuleNotFoundError: No module named '(numba|llvmlite)",
        "a worker lacks Numba ({what}); install vecmill[fast] on every worker, or set "
        "train.kernel = 'numpy'",
        1,
    ),
    (
        r"ModuleNotFoundError: No module named",
        "a worker lacks a Python package ({what}); give vecmill's wheel with --py-files, and "
        "install numpy, pandas and pyarrow on every worker",
        1,
    ),
)


def told(error: Exception) -> tuple[str, int] | None:
    """The sentence and the exit code for a fault that users meet; None for one that is a surprise."""
    if isinstance(error, ConnectionError | Py4JNetworkError):
        return (
            "Spark's Java process is gone; most often it ran out of memory, which "
            "spark.driver.memory gives (--spark-conf FILE); then the same command goes on",
            1,
        )
    text = str(error)
    for pattern, sentence, code in _KNOWN:
        found = re.search(pattern, text)
        if found:
            return sentence.format(what=_line_of(text, found.start())), code
    return None


def _line_of(text: str, position: int) -> str:
    """The line of `text` at `position`, without Java's class names before it."""
    begin = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[begin : end if end >= 0 else len(text)]
    return re.sub(r"^(Caused by: )?([\w$]+\.)+[\w$]+(Exception|Error): ", "", line.strip())[:300]


def java_cause(error: Py4JJavaError) -> str:
    """The innermost cause of a Java exception, on one line."""
    cause = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    name = str(cause.getClass().getSimpleName())
    message = str(cause.getMessage() or "").strip()
    return f"{name}: {message.splitlines()[0]}" if message else name


def first_line(error: Exception) -> str:
    """The first line of an error's text: the one of Spark's errors that says what is wrong."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
