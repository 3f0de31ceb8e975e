from __future__ import annotations

import pyarrow as pa
import pytest
from pyspark.sql.pandas.types import to_arrow_schema

from vecmill.storage import schemas
from vecmill.storage.schemas import BLOCKS, PAIRS, TRIPLES, arrow_schema, first_list_column

TABLES = ["TOKENS", "VOCABULARY", "TEXTS", "PAIRS", "BUCKETS", "TRIPLES", "BLOCKS", "VECTORS"]


@pytest.mark.parametrize("name", TABLES)
def test_arrow_has_the_same_columns_as_spark_and_none_is_nullable(name):
    schema = getattr(schemas, name)

    found = arrow_schema(schema)

    assert found.equals(to_arrow_schema(schema))
    assert not any(field.nullable for field in found)


def test_elements_of_lists_are_not_nullable():
    assert arrow_schema(PAIRS).field("w").type == pa.list_(pa.field("element", pa.int32(), nullable=False))


def test_the_first_list_column_is_the_counted_one():
    assert first_list_column(PAIRS) == "w"
    assert first_list_column(TRIPLES) is None
    assert first_list_column(BLOCKS) is None
