"""The user's documents, read by Spark."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, StringType, StructField, StructType

from vecmill.errors import ConfigError, InputError
from vecmill.spark.failures import first_line, java_cause
from vecmill.storage.input_files import FILE_FORMATS, find_input, lookup

# For `spark.session.using`, until the documents have been read: Spark decodes every encoding that Java
# knows, and bytes that are invalid in it become U+FFFD instead of ending the job.
EVERY_ENCODING = {
    "spark.sql.legacy.javaCharsets": "true",
    "spark.sql.legacy.codingErrorAction": "true",
}

UTF8 = "UTF-8"
# The column of JSON lines that Spark cannot read.
_CORRUPT = "_corrupt_record"


def read_documents(
    spark: SparkSession,
    *,
    format: str,  # noqa: A002 - the name of the configuration key
    path: str | None,
    column: str,
    options: Mapping[str, str],
    tokenized: bool,
    encoding: str = UTF8,
) -> DataFrame:
    """The corpus as one column: a string, or an array of strings if it is `tokenized`.

    format    a format that Spark reads: text, json, parquet, or the name of a data source
    encoding  of text and csv; if it is not UTF-8, run this and the query within
              `spark.session.using(spark, EVERY_ENCODING)`

    Raises InputError if Spark cannot read the input, or if the column is missing or of another type. A
    field that no JSON document has counts as missing. Raises ConfigError if Java lacks the encoding.
    """
    expected: DataType = ArrayType(StringType()) if tokenized else StringType()
    options = dict(options)
    paths: str | list[str] | None = path
    if path is not None and format in FILE_FORMATS:
        files = find_input(spark, path, options)
        paths, options = list(files.paths), options | files.reader_options
    decoded_as = None if is_utf8(encoding) else java_name(spark, encoding)
    if format == "csv" and decoded_as is not None:
        options = {
            key: value for key, value in options.items() if key.lower() not in ("encoding", "charset")
        }
        options["encoding"] = decoded_as
    reader = spark.read.format(format).options(**options)
    # With this schema, Spark need not read all JSON to infer one.
    schema = StructType([StructField(column, expected)])
    where = path or f"the {format} source"
    content = F.col(quote_name(column))
    with explained(where, format):
        source = (reader.schema(schema) if format == "json" else reader).load(paths)
        fields = source.columns
        if format == "json" and source.where(content.isNotNull()).isEmpty():
            # Another reader: the first one keeps its schema.
            fields = spark.read.format(format).options(**options).load(paths).columns
    if column not in fields:
        raise InputError(_no_column(column, where, fields, format, options))
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
    if format == "text" and decoded_as is not None:
        content = F.decode(content.cast("binary"), decoded_as)
    return source.select(content.alias(column))


@contextmanager
def explained(where: str, format_name: str) -> Iterator[None]:
    """Turn what Spark says about its options, the format and the files into one InputError."""
    try:
        yield
    except PySparkException as error:
        raise InputError(f"input: cannot read {where} as {format_name}: {first_line(error)}") from error
    except Py4JJavaError as error:
        raise InputError(f"input: cannot read {where} as {format_name}: {java_cause(error)}") from error


def quote_name(column: str) -> str:
    """The name of a column as Spark's expressions need it, if it has dots, backticks or spaces."""
    return f"`{column.replace('`', '``')}`"


def is_utf8(encoding: str) -> bool:
    """Whether an encoding that Python knows is UTF-8, with a byte order mark or without."""
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


def java_name(spark: SparkSession, encoding: str) -> str:
    """The name by which Java knows an encoding. Raises ConfigError if Java lacks it."""
    python_name = codecs.lookup(encoding).name
    for name in (encoding, python_name, python_name.replace("_", "-"), python_name.replace("-", "")):
        try:
            spark.range(1).select(F.decode(F.lit(b"a"), name)).collect()
        except PySparkException:
            continue
        return name
    raise ConfigError(
        [
            f"input.encoding: Java does not know {encoding}; convert the files: "
            f"iconv -f {encoding} -t UTF-8 FILE > NEW"
        ]
    )


def _no_column(
    column: str, where: str, columns: Sequence[str], format_name: str, options: Mapping[str, str]
) -> str:
    names = [name for name in columns if name != _CORRUPT]
    if format_name == "json" and not names:
        remedy = "check that it is JSON"
        if (lookup(options, "multiLine") or "").lower() != "true":
            remedy = 'if an object takes more than one line, set input.options = { multiLine = "true" }'
        return f"input: {where} does not have one JSON object per line; {remedy}"
    sentence = (
        f"input.column: {where} has no column {column}; its columns are: {', '.join(names) or 'none'}"
    )
    if format_name == "csv" and (lookup(options, "header") or "").lower() != "true":
        return f'{sentence}; if its first line has their names, set input.options = {{ header = "true" }}'
    separator = re.search(r"[;\t|]", names[0]) if format_name == "csv" and len(names) == 1 else None
    if separator:
        name = "\\t" if separator[0] == "\t" else separator[0]
        return f'{sentence}; to separate columns at {name}, set input.options.sep = "{name}"'
    return sentence
