"""The list of files that every published table carries, so that a lost or changed file is noticed.

The list lies in the folder of the table as `_files.json`, which Spark and Arrow pass over, and is published
with it. Its digest is what the manifest of the run records, so that another table in the same place is
noticed, too. Damage within a file is found by Parquet's page checksums when it is read.
"""

from __future__ import annotations

import hashlib
import json

from vecmill.errors import InputError, VecmillError
from vecmill.storage.files import Files

LIST = "_files.json"


def write_list(files: Files, folder: str) -> str:
    """List the files of a table that is about to be published; the digest of the list."""
    text = json.dumps({"files": _sizes(files, folder)}, indent=1, sort_keys=True) + "\n"
    files.write_text(f"{folder}/{LIST}", text)
    return _digest(text)


def check_list(files: Files, folder: str, digest: str | None) -> None:
    """Raise InputError unless a table has exactly the files that it lists, each with its size.

    digest  of the list, as the manifest records it; None if it does not
    """
    try:
        text = files.read_text(f"{folder}/{LIST}")
        listed = json.loads(text)["files"]
        expected = {str(name): int(size) for name, size in listed.items()}
    except (VecmillError, ValueError, KeyError, TypeError, AttributeError):
        raise damaged(files, folder, f"its list of files, {LIST}, is missing or unreadable") from None
    if digest is not None and _digest(text) != digest:
        raise damaged(files, folder, "it is not the table that run.json records")
    found = _sizes(files, folder)
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            raise damaged(files, folder, f"its file {name} is missing")
        if name not in expected:
            raise damaged(files, folder, f"the file {name} does not belong to it")
        if found[name] != expected[name]:
            sizes = f"has {found[name]:,} bytes where {expected[name]:,} were written"
            raise damaged(files, folder, f"its file {name} {sizes}")


def damaged(files: Files, folder: str, what: str) -> InputError:
    """The error for a table of a run that is not as it was published."""
    path = files.path(folder)
    return InputError(
        f"{path} is damaged: {what}; delete {path} and run the same command again to rebuild it"
    )


def _sizes(files: Files, folder: str) -> dict[str, int]:
    return {name: size for name, size in files.below(folder) if name.endswith(".parquet")}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
