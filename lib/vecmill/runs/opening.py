"""Opening a run from a command's arguments: configuration, session, output folder and lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from py4j.protocol import Py4JError

from vecmill.config import Config
from vecmill.errors import VecmillError
from vecmill.runs.lock import hold
from vecmill.runs.manifest import Manifest
from vecmill.runs.run import Run
from vecmill.spark import session
from vecmill.storage.store import STAGING
from vecmill.storage.stores import open_output


@contextmanager
def opened(
    config_path: str | None,
    overrides: Sequence[str],
    spark_conf: str | None = None,
    *,
    tasks_open_files: bool | None = None,
) -> Iterator[Run]:
    """A run directory, locked until the block ends; a session that was started for it then stops.

    `tasks_open_files` is as in `storage.stores.open_store`. Raises ConfigError before Spark starts if the
    configuration is wrong, and OutputHeldError if another run holds the output.
    """
    config = Config.load(config_path, overrides)
    with session.opened(spark_conf) as spark:
        store = open_output(config.output.path, spark, tasks_open_files=tasks_open_files)
        with hold(store.files):
            # A killed run left it. No other run is writing it, because this one holds the lock.
            store.files.delete(STAGING)
            try:
                yield Run(config, store, Manifest(store.files))
            finally:
                with suppress(ConnectionError, Py4JError, VecmillError):
                    store.files.delete(STAGING)
