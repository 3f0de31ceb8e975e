"""The user's documents, read by Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, DataType, StringType, StructField, StructType

from vecmill.errors import InputError
from vecmill.spark.failures import first_line, java_cause


def read_documents(
    spark: SparkSession,
    *,
    format: str,  # noqa: A002 - the name of the configuration key
    path: str | None,
    column: str,
    options: Mapping[str, str],
    tokenized: bool,
) -> DataFrame:
    """The corpus as one column: a string, or an array of strings if it is `tokenized`.

    format  a format that Spark reads: text, json, parquet, or the name of a data source

    Raises InputError if Spark cannot read the input, or if the column is missing or of another type. A
    field that no JSON document has counts as missing.
    """
    expected: DataType = ArrayType(StringType()) if tokenized else StringType()
    reader = spark.read.format(format).options(**options)
    # With this schema, Spark need not read all JSON to infer one.
    schema = StructType([StructField(column, expected)])
    where = path or f"the {format} source"
    try:
        source = (reader.schema(schema) if format == "json" else reader).load(path)
    except AnalysisException as error:
        raise InputError(f"input: cannot read {where} as {format}: {first_line(error)}") from error
    except Py4JJavaError as error:
        raise InputError(f"input: cannot read {where} as {format}: {java_cause(error)}") from error
    if column not in source.columns:
        raise InputError(_no_column(column, where, source.columns))
    found = source.schema[column].dataType.simpleString()
    if found != expected.simpleString():
        remedy = (
            "tokenizer.kind = 'column' needs a column of tokens; use another kind for text"
            if tokenized
            else "name a column of text, or use tokenizer.kind = 'column' for array<string>"
        )
        raise InputError(
            f"input.column: {column} in {where} must be {expected.simpleString()}, got {found}; {remedy}"
        )
    documents = source.select(column)
    if format == "json" and documents.where(documents[column].isNotNull()).isEmpty():
        fields = spark.read.format(format).options(**options).load(path).columns
        if column not in fields:
            raise InputError(_no_column(column, where, fields))
    return documents


def _no_column(column: str, where: str, columns: Sequence[str]) -> str:
    present = ", ".join(columns) or "none"
    return f"input.column: {where} has no column {column}; its columns are: {present}"
