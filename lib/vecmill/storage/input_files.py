"""The files of the input: which files a path names, how Spark is given the path, and parts of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from vecmill.errors import InputError
from vecmill.spark.failures import first_line, java_cause
from vecmill.storage.files import FileStatus
from vecmill.storage.hadoop_files import HadoopFiles
from vecmill.storage.local_files import local_path

# Formats of Spark that read every file below a folder if they are told to.
FILE_FORMATS = ("text", "json", "csv", "parquet", "orc", "xml", "avro", "binaryFile")

_WILDCARDS = "{}[]*?\\"

# Local files whose name has a colon can be read only without the checksums that Hadoop keeps beside files,
# because it cannot form the name of the checksum's file.
_WITHOUT_CHECKSUMS = {
    "fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    "fs.file.impl.disable.cache": "true",
}


@dataclass(frozen=True)
class InputFiles:
    """The files that a path names: one file, a folder with everything below it, or what a glob matches.

    Hidden files and folders are left out, as in Spark: names that begin with "." or "_", unless they are
    folders of a partition ("_day=1") or the path itself.

    path     as the user wrote it
    roots    the file status of the path, or of everything that the glob matches
    paths    what Spark's reader is given
    options  those of Spark's reader that decide which files it reads
    """

    spark: SparkSession
    path: str
    roots: tuple[Any, ...]
    paths: tuple[str, ...]
    options: Mapping[str, str]

    def every(self) -> list[FileStatus]:
        """All files, sorted by path. Raises InputError if there is none."""
        found = sorted(self._walk())
        if not found:
            raise InputError(f"input.path: {self.path} holds no file to read")
        return found

    def first(self, most: int) -> list[FileStatus]:
        """At most so many files, in the order in which folders list them."""
        return list(islice(self._walk(), most))

    @property
    def reader_options(self) -> dict[str, str]:
        """The options with which Spark reads these files and no others."""
        options = {} if lookup(self.options, "recursiveFileLookup") else {"recursiveFileLookup": "true"}
        roots = (str(root.getPath().toString()) for root in self.roots)
        return options | (_WITHOUT_CHECKSUMS if any(map(_has_colon_below, roots)) else {})

    def read_bytes(self, file: FileStatus, begin: int, length: int) -> bytes:
        """Some bytes of a file; fewer at its end."""
        length = min(length, file.size - begin)
        if length <= 0:
            return b""
        local = local_path(file.path)
        with _explained(f"read {file.path}"):
            if local is not None:
                with local.open("rb") as stream:
                    stream.seek(begin)
                    return stream.read(length)
            hadoop = HadoopFiles(self.spark, file.path)
            system = hadoop._path_class(file.path).getFileSystem(hadoop._configuration)
            stream = system.open(hadoop._path_class(file.path))
            try:
                stream.seek(begin)
                return bytes(hadoop._java.org.apache.commons.io.IOUtils.toByteArray(stream, length))
            finally:
                stream.close()

    def _walk(self) -> Iterator[FileStatus]:
        hadoop = HadoopFiles(self.spark, self.path)
        name_filter = lookup(self.options, "pathGlobFilter")
        is_deep = (lookup(self.options, "recursiveFileLookup") or "true").lower() == "true"
        with _explained(f"read {self.path}"):
            accepts = hadoop._hadoop.GlobFilter(name_filter).accept if name_filter else None
            for root in self.roots:
                system = root.getPath().getFileSystem(hadoop._configuration)
                for status in _files_below(system, root, is_deep):
                    if accepts is None or accepts(status.getPath()):
                        path = str(status.getPath().toString())
                        yield FileStatus(path, status.getLen(), status.getModificationTime())


def find_input(spark: SparkSession, path: str, options: Mapping[str, str] | None = None) -> InputFiles:
    """The files at a path. A path that exists is taken as it is, though it has wildcards in its name.

    Raises InputError if it does not exist, if it is a hidden file, or if Spark cannot read from it.
    """
    _check_scheme(path)
    options = dict(options or {})
    # A name such as "12:30.txt": Hadoop takes what is before the colon for a file system.
    plain = f"./{path}" if re.match(r"[^/]*:(?!/)", path) else path
    hadoop = HadoopFiles(spark, plain)
    with _explained(f"read {path}"):
        system = hadoop._path_class(plain).getFileSystem(hadoop._configuration)
        exact = _status(system, hadoop._path_class(plain))
        if exact is not None:
            _check_hidden(path, exact)
            # Without its wildcards, and with the folder that a relative path is in.
            return InputFiles(spark, path, (exact,), (escape_wildcards(plain),), options)
        matches, is_usual = _glob(hadoop, system, plain)
    if not matches:
        home = " (~ is not expanded here; write the whole path)" if path.startswith("~") else ""
        raise InputError(
            f"input.path: {path} does not exist{home}; name a file, a folder or a glob that does"
        )
    last = plain.rstrip("/").rpartition("/")[2]
    seen = [m for m in matches if last[:1] in ("_", ".") or not _is_hidden(m)]
    visible = [m for m in seen if m.isDirectory() or not _is_hidden(m)]
    if not visible:
        for match in matches:
            _check_hidden(path, match)
        raise InputError(f"input.path: {path} matches hidden folders only; name them, or rename them")
    paths: tuple[str, ...] = (plain,)
    if not is_usual or any(map(_is_hidden, matches)):
        paths = tuple(escape_wildcards(str(m.getPath().toString())) for m in visible)
    return InputFiles(spark, path, tuple(visible), paths, options)


def list_input(
    spark: SparkSession, path: str, options: Mapping[str, str] | None = None
) -> list[FileStatus]:
    """The files that Spark reads at `path`; see `InputFiles`. The driver holds one entry per file.

    Raises InputError if the path does not exist or holds no file.
    """
    return find_input(spark, path, options).every()


def escape_wildcards(path: str) -> str:
    r"""A path that exists, as Spark's readers must be given it: "a\[1\].txt" for "a[1].txt"."""
    return "".join(f"\\{sign}" if sign in _WILDCARDS else sign for sign in path)


def _check_scheme(path: str) -> None:
    scheme = re.match(r"(https?|ftps?|sftp):", path)
    if scheme:
        raise InputError(
            f"input.path: {path} is on the web, where Spark cannot read; download it, then name the file"
        )


def _check_hidden(path: str, status: Any) -> None:
    """Raise InputError if the path is a file that Spark ignores. It reads a hidden folder that is named."""
    name = str(status.getPath().getName())
    if not status.isDirectory() and _is_hidden(status):
        what = f"begins with {name[0]}" if name[0] in "._" else "ends with ._COPYING_"
        raise InputError(f"input.path: {path}: the name {name} {what}, which Spark hides; rename it")


def _is_hidden(status: Any) -> bool:
    """Whether Spark passes over a file or folder that it finds in a folder."""
    name = str(status.getPath().getName())
    return name.startswith(".") or (name.startswith("_") and "=" not in name) or name.endswith("._COPYING_")


def _status(system: Any, path: Any) -> Any:
    """The status of a file or folder; None if it does not exist."""
    try:
        return system.getFileStatus(path)
    except (Py4JJavaError, PySparkException) as error:
        if "FileNotFoundException" in str(error):
            return None
        raise


def _glob(hadoop: HadoopFiles, system: Any, pattern: str) -> tuple[list[Any], bool]:
    """What a glob matches, and whether Hadoop's own function can tell.

    It cannot if a folder has a name with a colon in it, whether or not that name matches.
    """
    try:
        found = system.globStatus(hadoop._path_class(pattern))
        return [] if found is None else list(found), True
    except (Py4JJavaError, PySparkException) as error:
        if "Relative path in absolute URI" not in str(error):
            raise
    expanded = hadoop._hadoop.GlobExpander.expand(pattern)
    return [status for one in expanded for status in _match(hadoop, system, str(one))], False


def _match(hadoop: HadoopFiles, system: Any, pattern: str) -> list[Any]:
    """What a glob without braces matches, one component after the other."""
    prefix = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/+[^/]*/|/|", pattern)
    assert prefix is not None
    parts = [part for part in pattern[prefix.end() :].split("/") if part]
    start = _status(system, hadoop._path_class(prefix[0] or "."))
    found = [] if start is None else [start]
    for part in parts:
        accept = hadoop._hadoop.GlobFilter(part).accept
        folders = [status for status in found if status.isDirectory()]
        found = [
            status
            for folder in folders
            for status in system.listStatus(folder.getPath())
            if accept(status.getPath())
        ]
    return found


def _files_below(system: Any, status: Any, is_deep: bool, depth: int = 0) -> Iterator[Any]:
    if not status.isDirectory():
        yield status
        return
    if depth and not is_deep:
        return
    for entry in system.listStatus(status.getPath()):
        if not _is_hidden(entry):
            yield from _files_below(system, entry, is_deep, depth + 1)


def _has_colon_below(path: str) -> bool:
    """Whether a local file has a colon in its name, or a file below a local folder."""
    local = local_path(path)
    if local is None:
        return False
    below = os.walk(local, followlinks=True) if local.is_dir() else ()
    return ":" in local.name or any(":" in name for _, _, names in below for name in names)


def lookup(options: Mapping[str, str], name: str) -> str | None:
    """An option of Spark's readers, whose names may be written in any case."""
    return next((value for key, value in options.items() if key.lower() == name.lower()), None)


@contextmanager
def _explained(action: str) -> Iterator[None]:
    """Turn a failure of the file system into one sentence."""
    try:
        yield
    except Py4JJavaError as error:
        raise InputError(f"input.path: cannot {action}: {java_cause(error)}") from error
    except PySparkException as error:
        raise InputError(f"input.path: cannot {action}: {first_line(error)}") from error
    except OSError as error:
        raise InputError(f"input.path: cannot {action}: {error.strerror or error}") from error
