"""Whether an output folder is the run's own: nothing of the user's is ever deleted or read as text."""

from __future__ import annotations

import fnmatch
import json

from pyspark.sql import SparkSession

from vecmill.errors import ConfigError
from vecmill.runs.manifest import MANIFEST
from vecmill.storage.files import Files
from vecmill.storage.hadoop_files import HadoopFiles
from vecmill.storage.local_files import local_path

_WILDCARDS = "*?[{"


def check_is_own(files: Files) -> None:
    """Raise ConfigError if the folder is not empty and no run of vecmill has written it."""
    if not files.exists(""):
        return
    # Left by a run that was stopped before it wrote its manifest.
    names = [name for name in files.names("") if not name.startswith((".lock", ".staging", ".writable"))]
    if not names or _has_manifest(files):
        return
    shown = ", ".join(name[:40] for name in names[:3]) + (", …" if len(names) > 3 else "")
    raise ConfigError(
        [
            f"output.path: {files.root} is not empty and holds no run of vecmill (it has {shown} and no "
            f"{MANIFEST} of a run); name a new or an empty folder, since a run replaces tables in it"
        ]
    )


def _has_manifest(files: Files) -> bool:
    text = files.read_text_if_any(MANIFEST)
    try:
        content = json.loads(text) if text is not None else None
    except ValueError:
        # Damaged, but ours as far as anyone can tell: the manifest's reader says what is wrong.
        return True
    return text is not None and (not isinstance(content, dict) or "stages" in content)


def check_is_apart(spark: SparkSession, input_path: str, output_path: str) -> None:
    """Raise ConfigError if the output lies in the input, the input in the output, or both are one folder.

    The input may be a glob; it is judged by what its wildcards would match.
    """
    source, output = (_qualified(spark, path) for path in (input_path, output_path))
    ancestors = ["/".join(output.split("/")[:n]) for n in range(1, output.count("/") + 2)]
    is_glob = any(sign in source for sign in _WILDCARDS)
    if any(_matches(ancestor, source) if is_glob else ancestor == source for ancestor in ancestors):
        where = "is the same folder as" if output == source else "lies inside"
        raise ConfigError(
            [
                f"output.path: {output_path} {where} input.path ({input_path}), so that the run would read "
                "its own tables as text; name an output folder beside the input"
            ]
        )
    if f"{source}/".startswith(f"{output}/"):
        raise ConfigError(
            [
                f"input.path: {input_path} lies inside output.path ({output_path}), where a run replaces "
                "tables; name an output folder beside the input"
            ]
        )


def _matches(path: str, pattern: str) -> bool:
    """Whether a glob matches a path, component by component; Hadoop's {a,b} counts as any text."""
    parts, patterns = path.split("/"), pattern.split("/")
    if len(parts) != len(patterns):
        return False
    loose = ("*" if "{" in part else part for part in patterns)
    return all(fnmatch.fnmatchcase(part, glob) for part, glob in zip(parts, loose, strict=True))


def _qualified(spark: SparkSession, path: str) -> str:
    """The full path with its file system, links on this machine resolved."""
    qualified = HadoopFiles(spark, path).qualified("").rstrip("/")
    local = local_path(qualified)
    return qualified if local is None else f"file:{local.resolve()}"
