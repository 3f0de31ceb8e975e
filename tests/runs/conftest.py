"""The fixtures of files that storage's tests use."""

from tests.storage.conftest import files, kind_of_files, store, tasks_open_files

__all__ = ["files", "kind_of_files", "store", "tasks_open_files"]
