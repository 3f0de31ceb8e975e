"""Failures of Python workers that are due to the user's own Python files."""

from __future__ import annotations

import re

from vecmill.formatting import shorten
from vecmill.spark import local
from vecmill.spark.failure_table import CONFIGURATION, INPUT

_MOST_CHARACTERS = 300
_MOST_FILES = 5

_FRAME = re.compile(r'\s*File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>.+)')
_TOKENS = "vecmill/corpus/tokens.py"

# What our own code raises if the tokenizer function returned something else than a list<string> array.
_WRONG_RESULT = (
    "AttributeError",
    "TypeError",
    "ArrowInvalid",
    "ArrowTypeError",
    "ArrowNotImplementedError",
)


def failed_tokenizer(text: str) -> tuple[str, int] | None:
    """The sentence and the exit code if a tokenizer function of the user failed in a worker."""
    lines = text.splitlines()
    frames = [(number, frame) for number, line in enumerate(lines) if (frame := _FRAME.match(line))]
    ours = [number for number, frame in frames if frame["file"].endswith(_TOKENS)]
    if not ours:
        return None
    end = next((n for n in range(ours[0], len(lines)) if not lines[n].startswith(" ")), len(lines))
    raised = lines[end].strip() if end < len(lines) else ""
    what = shorten(raised, _MOST_CHARACTERS)
    for number, frame in frames:
        if ours[0] < number < end and _is_of_the_user(frame["file"]):
            place = f"{frame['file']}, line {frame['line']}"
            return f"tokenizer.pattern: its function failed in {place} ({what}); correct it", INPUT
    name = raised.partition(":")[0].rpartition(".")[2]
    if name in _WRONG_RESULT:
        return (
            "tokenizer.pattern: its function must return one list of tokens per text, as a pyarrow "
            f"list<string> array ({what}); correct it",
            INPUT,
        )
    return None


def _is_of_the_user(file: str) -> bool:
    is_of_python = file.startswith("<") or "/importlib/" in file
    return not (is_of_python or file.endswith((_TOKENS, ".pxi", ".pyx")) or "/pyarrow/" in file)


_IMPORT_FAILED = re.compile(
    r"pyspark\.daemon's standard output|Error from python worker|ImportError|AttributeError: .*module"
    r"|SyntaxError|Python worker (?:exited unexpectedly|failed to connect)"
)


def shadowed_module(text: str) -> tuple[str, int] | None:
    """The sentence and the exit code if workers do not start because of files in the working folder."""
    files = local.shadowing_files() if _IMPORT_FAILED.search(text) else []
    if not files:
        return None
    if len(files) == 1:
        named = f"{files[0]} has the name of a module that they import; rename it"
    else:
        named = f"{', '.join(files[:_MOST_FILES])} have names of modules that they import; rename them"
    return (
        f"Python workers do not start: in the working folder, {named}, or set PYTHONSAFEPATH=1",
        CONFIGURATION,
    )
