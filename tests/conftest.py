"""One Spark session for all tests of a process, started by the first that needs it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest
from pyspark.sql import SparkSession

from vecmill.spark import session

# How long an example takes is the machine's affair.
hypothesis.settings.register_profile("vecmill", deadline=None)
hypothesis.settings.load_profile("vecmill")

# Every Java that tests start lives for a minute at most: not worth its second compiler.
os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

# Tests that start programs of their own take longest; begun first, they leave no processor idle at the end.
_SLOW = ("test_cluster", "test_spark_submit", "test_kill", "test_readme", "end_to_end")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((i for i, name in enumerate(_SLOW) if name in item.nodeid), len(_SLOW))

    items.sort(key=place)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A local session with two cores, its folders in a place that goes with the tests."""
    folder = tmp_path_factory.mktemp("spark")
    built = session.build(
        {
            "spark.master": "local[2]",
            "spark.app.name": "vecmill-tests",
            "spark.local.dir": str(folder / "local"),
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            # Four rows do not need more; each partition costs a task.
            "spark.sql.shuffle.partitions": "2",
        }
    )
    yield built
    built.stop()


@pytest.fixture(autouse=True)
def _clean_catalog(request: pytest.FixtureRequest) -> Iterator[None]:
    """What one test cached or registered is gone before the next."""
    yield
    if "spark" in request.fixturenames:
        running: SparkSession = request.getfixturevalue("spark")
        running.catalog.clearCache()
