"""From a command's arguments to a run: configuration, session, output folder and lock, in that order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from py4j.protocol import Py4JError

from vecmill.config import Config
from vecmill.runs.directory import Manifest, hold
from vecmill.runs.run import Run
from vecmill.spark import session
from vecmill.storage.files import open_output
from vecmill.storage.tables import STAGING


@contextmanager
def opened(
    config_path: str | None, overrides: Sequence[str], spark_conf: str | None = None
) -> Iterator[Run]:
    """A run directory, held against other runs until the block ends; a session begun for it then stops.

    Raises ConfigError before Spark starts where the configuration is at fault, and OutputHeldError
    where another run holds the output.
    """
    config = Config.load(config_path, overrides)
    with session.opened(spark_conf) as spark:
        folder = open_output(spark, config.output.path)
        with hold(folder):
            # What a run that was killed had begun to write; no other run can be at it now.
            folder.delete(STAGING)
            try:
                yield Run(config, folder, Manifest(folder))
            finally:
                with suppress(ConnectionError, Py4JError):
                    folder.delete(STAGING)
