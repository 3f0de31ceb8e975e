"""One plain sentence for each failure of Spark and of the operating system that users meet."""

from __future__ import annotations

import re

from py4j.protocol import Py4JJavaError, Py4JNetworkError

# A pattern of the text of an error, the sentence that explains it, the exit code. The first match counts.
_KNOWN = (
    (
        r"No space left on device|Disk quota exceeded|File too large",
        "the output is full ({what}); make room, then run the same command: it resumes from the last round",
        1,
    ),
    (
        r"Permission denied|Read-only file system|AccessControlException",
        "a file cannot be read or written ({what}); correct its permissions, then run again",
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
        "or lower train.dim or vocabulary.max_size; 'vecmill plan' says how much is needed",
        1,
    ),
    (
        r"Python worker exited unexpectedly|Python worker failed to connect",
        "a Python worker died ({what}), most often because it ran out of memory; raise "
        "spark.executor.memoryOverhead; 'vecmill plan' says how much is needed",
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


def explain(error: Exception) -> tuple[str, int] | None:
    """The sentence and the exit code for a known failure; None for any other."""
    if isinstance(error, ConnectionError | Py4JNetworkError):
        return (
            "Spark's Java process ended, most often because it ran out of memory; raise "
            "spark.driver.memory (--spark-conf FILE), then run the same command to resume",
            1,
        )
    text = str(error)
    for pattern, sentence, code in _KNOWN:
        found = re.search(pattern, text)
        if found:
            return sentence.format(what=_line_of(text, found.start())), code
    return None


# Until the command line calls it by its new name.
told = explain


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
    """The first line of an error's text, which says what is wrong if the error is Spark's."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
