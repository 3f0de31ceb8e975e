"""One Spark session for all tests, started by the first that needs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from vecmill import session


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
