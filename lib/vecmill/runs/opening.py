"""Opening a run from a command's arguments: configuration, session, output folder and lease."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from py4j.protocol import Py4JError

from vecmill.config import Config
from vecmill.errors import VecmillError
from vecmill.runs.fenced_files import FencedFiles
from vecmill.runs.lease import Lease, hold
from vecmill.runs.manifest import Manifest
from vecmill.runs.output_checks import check_is_apart, check_is_own
from vecmill.runs.run import Run
from vecmill.spark import session
from vecmill.spark.failures import explain
from vecmill.storage.files import Files, prepare_output
from vecmill.storage.store import STAGING, Store
from vecmill.storage.stores import open_output


@contextmanager
def opened(
    config_path: str | None,
    overrides: Sequence[str],
    spark_conf: str | None = None,
    *,
    tasks_open_files: bool | None = None,
) -> Iterator[Run]:
    """A run directory, held until the block ends; a session that was started for it then stops.

    `tasks_open_files` is as in `storage.stores.open_store`. Raises ConfigError before Spark starts if the
    configuration is wrong, ConfigError before anything is written if the output folder is not the run's
    own, and OutputHeldError if another run holds it.
    """
    config = Config.load(config_path, overrides)
    with session.opened(spark_conf) as spark:
        if config.input.path:
            check_is_apart(spark, config.input.path, config.output.path)
        store = open_output(config.output.path, spark, tasks_open_files=tasks_open_files)
        check_is_own(store.files)
        prepare_output(store.files)
        with hold(store.files) as lease:
            _fence(store, lease)
            try:
                with _tracebacks_kept(store.files):
                    manifest = Manifest(store.files)
                    # One dictionary: what the store publishes is saved with the next record.
                    store.digests = manifest.digests
                    yield Run(config, store, manifest)
            finally:
                with suppress(ConnectionError, Py4JError, VecmillError):
                    store.files.delete(store.staging)


def _fence(store: Store, lease: Lease) -> None:
    """Let only this run write, and remove what earlier runs have left half written.

    A run that lost its lease can publish nothing more: its staging folder is gone.
    """
    store.fence(FencedFiles(store.files, lease), lease.number)
    for name in store.files.names(""):
        if name.startswith(STAGING):
            store.files.delete(name)


@contextmanager
def _tracebacks_kept(files: Files) -> Iterator[None]:
    """Keep the traceback of an unexpected failure in the run directory; a note of the error says where."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, VecmillError) and explain(error) is None:
            name = time.strftime("error-%Y%m%dT%H%M%S.txt")
            with suppress(ConnectionError, Py4JError, VecmillError):
                files.write_text(name, "".join(traceback.format_exception(error)))
                error.add_note(files.path(name))
        raise
