"""Tables: read and written with their columns checked, and published only when they are whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, DataType, StringType, StructField, StructType

from vecmill.errors import InputError
from vecmill.storage.files import Folder, java_cause, local_path

# What is being written lies here until it is whole; Spark's readers pass over names with a dot.
STAGING = ".staging"


def read(folder: Folder, name: str, schema: StructType) -> DataFrame:
    """A published table, with exactly the columns of its schema.

    Raises InputError naming every column that is missing or of another type.
    """
    check_exists(folder, name)
    path = folder.path(name)
    table = folder.spark.read.parquet(path)
    check(table, schema, path)
    return table.select(*schema.fieldNames())


def collect(
    folder: Folder,
    name: str,
    schema: StructType,
    ids: range | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """A published table on the driver, read without Spark where it lies on this machine.

    All of it, or the rows whose column `id` lies in `ids`, or some columns.
    Raises InputError naming every column that is missing.
    """
    local = local_path(folder.qualified(name))
    if local is None or not folder.exists(name):
        there = read(folder, name, schema)
        rows = there if ids is None else there.where(there["id"].between(ids[0], ids[-1]))
        return rows.select(*(columns or schema.fieldNames())).toArrow()
    table = ds.dataset(local, format="parquet")
    check_names(table.schema.names, schema, str(local))
    scanner = table.scanner(
        columns=list(columns or schema.fieldNames()),
        filter=None if ids is None else (ds.field("id") >= ids.start) & (ds.field("id") < ids.stop),
        fragment_scan_options=_FRUGAL,
        batch_readahead=1,
        fragment_readahead=1,
    )
    return scanner.to_table()


def in_order(folder: Folder, name: str, schema: StructType, count: int, rows: int) -> Iterator[pa.Table]:
    """A published table that was sorted by its column `id`, 0 to `count` - 1, at most `rows` at a time.

    Raises InputError where a column is missing, or where ids are.
    """
    local = local_path(folder.qualified(name))
    if local is None or not folder.exists(name):
        for begin in range(0, count, rows):
            ids = range(begin, min(begin + rows, count))
            yield collect(folder, name, schema, ids).sort_by("id")
        return
    seen = 0
    for path in sorted(local.glob("*.parquet")):
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
            check_names(file.schema_arrow.names, schema, str(path))
            for batch in file.iter_batches(rows, columns=schema.fieldNames()):
                if batch.column("id")[0].as_py() != seen:
                    raise InputError(f"{path}: expected id {seen}, got {batch.column('id')[0].as_py()}")
                seen += batch.num_rows
                yield pa.Table.from_batches([batch])
    if seen != count:
        raise InputError(f"{local}: expected {count:,} rows, got {seen:,}")


# Without these Arrow reads several files and row groups ahead, whole, whatever is wanted of them.
_FRUGAL = ds.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True, buffer_size=1 << 20)


def check_exists(folder: Folder, name: str) -> None:
    """Raise InputError where the table was not published."""
    if not folder.exists(name):
        raise InputError(f"{folder.path(name)} does not exist; run the stage that writes it")


def check(table: DataFrame, schema: StructType, where: str) -> None:
    """Raise InputError naming every column of `schema` that `table` lacks or has in another type."""
    found = {field.name: field.dataType for field in table.schema}
    faults = []
    for field in schema:
        if field.name not in found:
            faults.append(f"column {field.name} ({_plain(field.dataType)}) is missing")
        elif _plain(found[field.name]) != _plain(field.dataType):
            faults.append(
                f"column {field.name} must be {_plain(field.dataType)}, got {_plain(found[field.name])}"
            )
    if faults:
        raise InputError(f"{where} is not the table it should be: {'; '.join(faults)}")


def check_names(found: Sequence[str], schema: StructType, where: str) -> None:
    """Raise InputError naming every column of `schema` that is not among those found."""
    missing = [column for column in schema.fieldNames() if column not in found]
    if missing:
        raise InputError(f"{where} is not the table it should be: it lacks {', '.join(missing)}")


def write(
    table: DataFrame,
    folder: Folder,
    name: str,
    *,
    partition_by: Sequence[str] = (),
    compression: str = "zstd",
) -> None:
    """Write `table` beside its place and put it there once it is whole, over what was there."""
    staged = f"{STAGING}/{name}"
    stage(table, folder, name, partition_by=partition_by, compression=compression)
    folder.publish(staged, name)


def stage(
    table: DataFrame,
    folder: Folder,
    name: str,
    *,
    partition_by: Sequence[str] = (),
    compression: str = "zstd",
) -> str:
    """Write `table` below the staging folder; where it lies there."""
    staged = f"{STAGING}/{name}"
    writer = table.write.mode("overwrite").option("compression", compression)
    writer.partitionBy(*partition_by).parquet(folder.path(staged))
    return staged


def read_documents(
    spark: SparkSession,
    *,
    format: str,  # noqa: A002 - the name of the configuration key
    path: str | None,
    column: str,
    options: Mapping[str, str],
    tokenized: bool,
) -> DataFrame:
    """The user's corpus as one column: a string, or an array of strings where it is `tokenized`.

    `format` is anything Spark reads: text, json, parquet, or the name of a data source.

    Raises InputError where Spark cannot read it, or the column is missing, of another type, or holds
    nothing but nulls (how a field that no JSON document has looks).
    """
    expected: DataType = ArrayType(StringType()) if tokenized else StringType()
    reader = spark.read.format(format).options(**options)
    # Given the one field that is wanted, Spark need not read all JSON once to find out its fields.
    wanted = StructType([StructField(column, expected)])
    where = path or f"the {format} source"
    try:
        source = (reader.schema(wanted) if format == "json" else reader).load(path)
    except AnalysisException as error:
        raise InputError(f"input: cannot read {where} as {format}: {first_line(error)}") from error
    except Py4JJavaError as error:
        raise InputError(f"input: cannot read {where} as {format}: {java_cause(error)}") from error
    if column not in source.columns:
        raise InputError(_no_column(column, where, source.columns))
    found = source.schema[column].dataType
    if _plain(found) != _plain(expected):
        raise InputError(
            f"input.column: {column} in {where} must be {_plain(expected)}, got {_plain(found)}; "
            + (
                "tokenizer.kind = 'column' wants tokens that are split already"
                if tokenized
                else "name a column of text, or use tokenizer.kind = 'column' for array<string>"
            )
        )
    documents = source.select(column)
    if format == "json" and documents.where(documents[column].isNotNull()).isEmpty():
        fields = spark.read.format(format).options(**options).load(path).columns
        if column not in fields:
            raise InputError(_no_column(column, where, fields))
    return documents


def first_line(error: Exception) -> str:
    """The first line of a Spark error, which is the one that says something."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _no_column(column: str, where: str, columns: Sequence[str]) -> str:
    there = ", ".join(columns) or "none"
    return f"input.column: {where} has no column {column}; the columns there are: {there}"


def _plain(kind: DataType) -> str:
    """A type as SQL writes it; whether it may hold nulls does not count."""
    return kind.simpleString()
