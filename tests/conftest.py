"""One Spark session for all tests of a process, started by the first that needs it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest
from pyspark.sql import SparkSession

from vecmill.spark import session

# The duration of an example depends on the machine and on what else it runs.
hypothesis.settings.register_profile("vecmill", deadline=None)
hypothesis.settings.load_profile("vecmill")

# Every Java process of the tests ends within minutes, too soon for its second compiler to pay off.
os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

# Tests that start programs take longest. They run first, so that no process waits for them at the end.
_SLOW = ("test_cluster", "test_readme", "test_kill", "end_to_end")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return next((i for i, name in enumerate(_SLOW) if name in item.nodeid), len(_SLOW))

    items.sort(key=rank)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A local session with two cores, whose folders pytest removes."""
    folder = tmp_path_factory.mktemp("spark")
    built = session.build(
        {
            "spark.master": "local[2]",
            "spark.app.name": "vecmill-tests",
            "spark.local.dir": str(folder / "local"),
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            # Small tables do not need more, and each partition costs a task.
            "spark.sql.shuffle.partitions": "2",
        }
    )
    yield built
    built.stop()


@pytest.fixture(autouse=True)
def _clean_catalog(request: pytest.FixtureRequest) -> Iterator[None]:
    """Remove the tables that a test cached."""
    yield
    if "spark" in request.fixturenames:
        running: SparkSession = request.getfixturevalue("spark")
        running.catalog.clearCache()
