"""The contract of Store: tables whose files tasks open, and tables whose files only Spark opens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

from vecmill.errors import InputError
from vecmill.spark.session import ONE_FILE_ONE_TASK, using
from vecmill.storage.schemas import PAIRS, PAIRS_BY, TEXTS, TEXTS_BY, TOKENS, VOCABULARY
from vecmill.storage.store import Store
from vecmill.storage.stores import open_store
from vecmill.storage.task_table import TaskTable

DOCUMENTS = [(1, ["the", "quick"]), (2, ["été"]), (3, ["fox"] * 5), (-4, ["a", "b"])]
# Shards that are sorted by slice, of which slice -1 is held out. Some texts are longer than others.
SHARDS = [
    [(-1, 0, 7, 0, [5, 5]), (0, 0, 1, 0, [1, 2, 3]), (0, 0, 1, 1, [4, 1]), (2, 0, 2, 0, [9, 9])],
    [(0, 1, 3, 0, [8, 7, 6]), (1, 1, 3, 1, [5, 4])],
]
WORDS = StructType([StructField("id", IntegerType(), False), StructField("word", StringType(), False)])
TEN_WORDS = [(id_, f"w{id_}") for id_ in range(10)]


def source(
    spark: SparkSession, rows: list[tuple[Any, ...]], schema: StructType, partitions: int = 1
) -> TaskTable:
    frame = spark.createDataFrame(rows, schema)
    return TaskTable(frame.repartition(partitions) if partitions > 1 else frame.coalesce(1))


def write(
    store: Store, name: str, rows: list[tuple[Any, ...]], schema: StructType, partitions: int = 1
) -> None:
    store.write([source(store.spark, rows, schema, partitions)], name, schema)


def rows_of(table: TaskTable) -> list[tuple[int, list[str]]]:
    """The rows of a table of TOKENS, read in tasks."""
    read = table.read
    arrow_tokens = pa.schema([("document_id", pa.int64()), ("tokens", pa.list_(pa.string()))])

    # Spark does not accept Arrow dictionaries.
    def plain(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in read(batches):
            yield pa.RecordBatch.from_pylist(batch.to_pylist(), arrow_tokens)

    rows = table.partitions.mapInArrow(plain, TOKENS).collect()
    return sorted((row["document_id"], row["tokens"]) for row in rows)


def plain_rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


class TestWriting:
    def test_a_table_is_read_as_it_was_written(self, spark, store):
        staged = store.write([source(spark, DOCUMENTS, TOKENS, partitions=3)], "tokens", TOKENS)

        assert (staged.rows, staged.elements) == (4, 10)
        assert staged.parts == [((), 4, 10)]
        expected = spark.createDataFrame(DOCUMENTS, TOKENS)
        assert_df_equality(
            store.frame("tokens", TOKENS), expected, ignore_row_order=True, ignore_nullable=True
        )
        assert store.files.names(".staging") == []

    def test_a_staged_table_is_not_published(self, spark, store):
        staged = store.stage([source(spark, DOCUMENTS, TOKENS)], "tokens", TOKENS)

        assert not store.files.exists("tokens")
        store.publish(staged, "tokens")
        assert store.frame("tokens", TOKENS).count() == 4

    def test_writing_replaces_the_table_that_was_there(self, store):
        write(store, "tokens", DOCUMENTS, TOKENS)

        write(store, "tokens", [(3, ["d"])], TOKENS)

        assert plain_rows(store.collect("tokens", TOKENS)) == [(3, ["d"])]

    def test_staging_again_replaces_what_a_killed_run_left(self, spark, store):
        store.stage([source(spark, DOCUMENTS, TOKENS)], "tokens", TOKENS)

        write(store, "tokens", [(3, ["d"])], TOKENS)

        assert plain_rows(store.collect("tokens", TOKENS)) == [(3, ["d"])]

    def test_a_write_that_fails_leaves_the_old_table(self, spark, store):
        write(store, "tokens", DOCUMENTS, TOKENS)
        failing = spark.range(3).select(
            F.raise_error(F.lit("broken")).cast("long").alias("document_id"),
            F.array(F.lit("x")).alias("tokens"),
        )

        with pytest.raises(Exception, match="broken"):
            store.write([TaskTable(failing)], "tokens", TOKENS)

        assert store.frame("tokens", TOKENS).count() == 4

    def test_a_map_runs_in_the_tasks_that_write(self, spark, store):
        def upper_case(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                words = [[word.upper() for word in words] for words in batch["tokens"].to_pylist()]
                yield pa.record_batch(
                    [batch["document_id"], pa.array(words, pa.list_(pa.string()))], TOKENS.fieldNames()
                )

        store.write([TaskTable(source(spark, DOCUMENTS, TOKENS).partitions, upper_case)], "tokens", TOKENS)

        found = dict(plain_rows(store.collect("tokens", TOKENS)))
        assert found == {document: [word.upper() for word in words] for document, words in DOCUMENTS}

    def test_two_sources_of_one_partition_each_are_written_by_two_tasks(self, spark, store, tmp_path):
        staged = store.stage([source(spark, DOCUMENTS, TOKENS)] * 2, "tokens", TOKENS)

        files = (tmp_path / staged.place).glob("part-*.parquet")
        assert {file.name.split("-")[1] for file in files} == {"00000", "00001"}
        assert (staged.rows, staged.elements) == (8, 20)

    def test_a_table_without_rows_is_a_table_with_columns(self, spark, store):
        staged = store.stage([TaskTable(spark.createDataFrame([], TOKENS))], "tokens", TOKENS)
        store.publish(staged, "tokens")

        assert (staged.rows, staged.elements) == (0, 0)
        assert staged.parts == [((), 0, 0)]
        assert store.frame("tokens", TOKENS).collect() == []
        assert store.collect("tokens", TOKENS).num_rows == 0
        assert list(store.batches("tokens", TOKENS)) == []
        assert rows_of(store.read("tokens", TOKENS)) == []

    def test_a_table_without_lists_has_no_elements(self, store):
        staged = store.write([source(store.spark, TEN_WORDS, WORDS)], "words", WORDS)

        assert (staged.rows, staged.elements) == (10, 0)

    def test_spark_can_stage_a_table_too(self, spark, store):
        frame = spark.createDataFrame(DOCUMENTS, TOKENS)

        store.publish(store.stage_frame(frame, "deep/tokens"), "deep/tokens")

        assert dict(plain_rows(store.collect("deep/tokens", TOKENS))) == dict(DOCUMENTS)


class TestParts:
    def test_every_part_has_its_own_folder_and_counts(self, spark, store):
        shards = [source(spark, rows, TEXTS) for rows in SHARDS]

        staged = store.stage(shards, "texts", TEXTS, TEXTS_BY)

        assert staged.parts == [
            ((-1, 0), 1, 2),
            ((0, 0), 2, 5),
            ((0, 1), 1, 3),
            ((1, 1), 1, 2),
            ((2, 0), 1, 2),
        ]
        for values, rows, _ in staged.parts:
            folder = store.files.path(f"{staged.place}/slice={values[0]}/shard={values[1]}")
            assert spark.read.parquet(folder).count() == rows
        back = spark.read.schema(TEXTS).parquet(store.files.path(staged.place)).select(*TEXTS.fieldNames())
        assert sorted(map(tuple, back.collect())) == sorted([*SHARDS[0], *SHARDS[1]])

    def test_a_table_of_parts_can_be_read_as_a_whole(self, spark, store):
        rows = [(1, 0, 0, 5, [6], [7]), (1, 1, 0, 8, [9], [])]
        staged = store.stage([source(spark, rows, PAIRS)], "pairs", PAIRS, PAIRS_BY)
        store.publish(staged, "pairs")

        assert store.files.exists("pairs/epoch=1/slice=0/shard=0")
        assert store.files.exists("pairs/epoch=1/slice=1/shard=0")
        assert_df_equality(
            store.frame("pairs", PAIRS),
            spark.createDataFrame(rows, PAIRS),
            ignore_row_order=True,
            ignore_nullable=True,
        )

    def test_a_table_of_parts_without_rows_has_no_parts(self, spark, store):
        staged = store.stage([TaskTable(spark.createDataFrame([], TEXTS))], "texts", TEXTS, TEXTS_BY)

        assert staged.parts == []
        assert (staged.rows, staged.elements) == (0, 0)


COLUMNS = ("shard", "slice", "ids")


@pytest.fixture(scope="module")
def texts(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, tasks_open_files: bool) -> Store:
    """A store with the table texts."""
    store = open_store(str(tmp_path_factory.mktemp("run")), spark, tasks_open_files=tasks_open_files)
    shards = [source(spark, rows, TEXTS) for rows in SHARDS]
    store.publish(store.stage(shards, "texts", TEXTS, TEXTS_BY), "texts")
    return store


def partitions(store: Store, **only: list[int]) -> list[list[tuple[int, int, list[int]]]]:
    """The rows of each partition that is not empty, in the order in which its task reads them."""
    with using(store.spark, ONE_FILE_ONE_TASK):
        table = store.read_parts("texts", TEXTS, TEXTS_BY, COLUMNS, only)
        read = table.read

        def checked(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in read(batches):
                assert tuple(batch.schema.names) == COLUMNS
                yield batch

        rows = table.partitions.mapInArrow(checked, "shard int, slice int, ids array<int>")
        found = rows.withColumn("task", F.spark_partition_id()).collect()
    of_tasks: dict[int, list[tuple[int, int, list[int]]]] = {}
    for row in found:
        of_tasks.setdefault(row["task"], []).append((row["slice"], row["shard"], row["ids"]))
    return sorted(of_tasks.values())


class TestReadingParts:
    def test_a_part_is_a_partition_with_its_rows_in_order(self, texts):
        assert partitions(texts, slice=[0, 1, 2]) == [
            [(0, 0, [1, 2, 3]), (0, 0, [4, 1])],
            [(0, 1, [8, 7, 6])],
            [(1, 1, [5, 4])],
            [(2, 0, [9, 9])],
        ]

    def test_only_the_selected_parts_are_read(self, texts):
        assert partitions(texts, slice=[0], shard=[1]) == [[(0, 1, [8, 7, 6])]]
        assert partitions(texts, slice=[-1]) == [[(-1, 0, [5, 5])]]
        assert partitions(texts, shard=[0], slice=[0, 2]) == [
            [(0, 0, [1, 2, 3]), (0, 0, [4, 1])],
            [(2, 0, [9, 9])],
        ]

    def test_values_that_no_part_has_select_no_rows(self, texts):
        assert partitions(texts, slice=[5]) == []
        assert partitions(texts, slice=[0], shard=[9]) == []

    def test_parts_may_be_selected_by_the_keys_of_a_mapping(self, texts):
        assert partitions(texts, slice={0: "a"}, shard={1: "b"}) == [[(0, 1, [8, 7, 6])]]


class TestReading:
    @pytest.mark.parametrize("files", [1, 3])
    def test_tasks_read_every_row_from_any_number_of_files(self, store, files):
        write(store, "tokens", DOCUMENTS, TOKENS, partitions=files)

        assert rows_of(store.read("tokens", TOKENS)) == sorted(DOCUMENTS)

    def test_columns_that_the_schema_does_not_have_are_left_out(self, spark, store):
        wider = StructType([*TOKENS, StructField("more", IntegerType(), False)])
        write(store, "tokens", [(*row, 1) for row in DOCUMENTS], wider)

        assert store.frame("tokens", TOKENS).columns == TOKENS.fieldNames()
        assert store.collect("tokens", TOKENS).schema.names == TOKENS.fieldNames()
        assert [batch.schema.names for batch in store.batches("tokens", TOKENS)] == [TOKENS.fieldNames()]
        assert rows_of(store.read("tokens", TOKENS)) == sorted(DOCUMENTS)

    def test_some_columns_are_read(self, store):
        write(store, "words", TEN_WORDS, WORDS, partitions=2)

        words = [word for _, word in TEN_WORDS]
        assert sorted(store.collect("words", WORDS, columns=["word"])["word"].to_pylist()) == words
        batches = list(store.batches("words", WORDS, ["word"]))
        assert [batch.schema.names for batch in batches] == [["word"]] * len(batches)
        assert sorted(word for batch in batches for word in batch["word"].to_pylist()) == words

    @pytest.mark.parametrize(
        ("ids", "expected"),
        [
            (range(3, 6), [3, 4, 5]),
            (range(8, 20), [8, 9]),
            (range(4, 4), []),
            (np.array([7, 0, 4], np.int32), [0, 4, 7]),
            (np.array([99], np.int64), []),
            (np.zeros(0, np.int32), []),
        ],
    )
    def test_the_rows_with_some_ids_are_read(self, store, ids, expected):
        write(store, "words", TEN_WORDS, WORDS, partitions=3)

        found = sorted(plain_rows(store.collect("words", WORDS, ids)))

        assert found == [TEN_WORDS[id_] for id_ in expected]

    def test_a_sorted_table_is_read_in_order_a_few_rows_at_a_time(self, spark, store):
        in_two_files = spark.createDataFrame(TEN_WORDS, WORDS).repartitionByRange(2, "id")
        store.write([TaskTable(in_two_files.sortWithinPartitions("id"))], "words", WORDS)

        tables = list(store.in_order("words", WORDS, 10, 3))

        assert max(len(table) for table in tables) <= 3
        assert [row for table in tables for row in plain_rows(table)] == TEN_WORDS

    @pytest.mark.parametrize("rows", [10, 2])
    def test_a_table_that_lacks_ids_is_not_read_as_a_whole_one(self, store, rows):
        write(store, "words", [(0, "a"), (1, "b")], WORDS)

        with pytest.raises(InputError, match=r"words: expected 3 rows, got 2$"):
            list(store.in_order("words", WORDS, 3, rows))


class TestTablesThatCannotBeRead:
    @pytest.fixture(
        params=[
            lambda store, name, schema: store.frame(name, schema),
            lambda store, name, schema: store.collect(name, schema),
            lambda store, name, schema: list(store.batches(name, schema)),
            lambda store, name, schema: list(store.in_order(name, schema, 1, 1)),
            lambda store, name, schema: store.read(name, schema),
        ],
        ids=["frame", "collect", "batches", "in_order", "read"],
    )
    def read(self, request):
        return request.param

    def test_a_missing_table_is_reported_with_its_path(self, store, read):
        with pytest.raises(InputError) as error:
            read(store, "vocabulary", VOCABULARY)

        path = store.files.path("vocabulary")
        assert str(error.value) == f"{path} does not exist; run the stage that writes it"

    def test_missing_parts_are_reported_with_the_path_of_the_table(self, store):
        with pytest.raises(InputError, match=r"/pairs does not exist; run the stage that writes it$"):
            store.read_parts("pairs", TEXTS, TEXTS_BY, COLUMNS, {})

    def test_every_missing_column_is_named(self, store, read):
        write(store, "vocabulary", TEN_WORDS, WORDS)

        with pytest.raises(InputError) as error:
            read(store, "vocabulary", VOCABULARY)

        where, message = str(error.value).split(" does not have the expected columns: ")
        assert where.startswith(store.files.path("vocabulary"))
        assert message.split("; ") == [
            "column count (bigint) is missing",
            "column keep_probability (double) is missing",
            "column noise_probability (double) is missing",
        ]

    def test_a_frame_reports_columns_of_another_type_too(self, spark, store):
        wrong = spark.createDataFrame([("0", "a", 3, 1.0)], "id string, word string, count int, x double")
        store.publish(store.stage_frame(wrong, "vocabulary"), "vocabulary")

        with pytest.raises(InputError) as error:
            store.frame("vocabulary", VOCABULARY)

        where, message = str(error.value).split(" does not have the expected columns: ")
        assert where == f"{store.files.root}/vocabulary"
        assert message.split("; ") == [
            "column id must be int, got string",
            "column count must be bigint, got int",
            "column keep_probability (double) is missing",
            "column noise_probability (double) is missing",
        ]


def test_a_table_that_spark_wrote_is_read_by_tasks_and_the_reverse(spark, tmp_path: Path):
    by_tasks, by_spark = (
        open_store(str(tmp_path), spark, tasks_open_files=open_files) for open_files in (True, False)
    )

    for number, (writer, reader) in enumerate([(by_tasks, by_spark), (by_spark, by_tasks)]):
        write(writer, f"tokens {number}", DOCUMENTS, TOKENS, partitions=2)
        assert rows_of(reader.read(f"tokens {number}", TOKENS)) == sorted(DOCUMENTS)
