"""Strata of blocked training against a plain loop over the same buckets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.errors import PythonException
from pyspark.sql import DataFrame, SparkSession

from tests.training.trained_blocks import Result, assert_same_tables, collect
from vecmill import models
from vecmill.core import passes
from vecmill.core.arrays import Floats
from vecmill.core.blocks import block_rows
from vecmill.core.buckets import Bucket, part
from vecmill.core.kernels import BucketKernel, Tables
from vecmill.core.passes import Expected, Pass, bucket_rates, draw_bucket
from vecmill.core.regions import context_region
from vecmill.core.schedule import Pace
from vecmill.core.shards import Metrics
from vecmill.models import Size
from vecmill.spark.session import using
from vecmill.storage.checkpoints import block, blocks_of
from vecmill.storage.schemas import BLOCKS, BUCKETS, METRICS
from vecmill.training.blocked.worker import StrataTask, start_blocks, train_strata

# A table has two full blocks and a third; a region has 3,000 rows, which are two pieces.
VOCABULARY, DIM, N_REGIONS = 6000, 100, 2
assert block_rows(DIM) == 2621
SEED, EPOCH, SLICE, NEGATIVES = 5, 2, 1, 2

BucketRow = dict[str, Any]


def make_pass(pairs: int = 0) -> Pass:
    weights = 1 / np.arange(1, VOCABULARY + 1)
    expected = Expected(weights / weights.sum(), np.sqrt(weights) / np.sqrt(weights).sum())
    layout = passes.layout(expected, N_REGIONS, NEGATIVES, seed=SEED, epoch=EPOCH, slice_=SLICE)
    return Pass(SEED, EPOCH, SLICE, NEGATIVES, layout, expected, pairs)


def random_buckets() -> list[BucketRow]:
    """A whole pass from two shards in two parts; in stratum 1 one region has no pairs."""
    rng = np.random.default_rng(0)
    cut = make_pass().layout
    found = []
    for stratum in range(N_REGIONS):
        for region in range(N_REGIONS):
            other = (region + stratum) % N_REGIONS
            for shard in range(2):
                for number in range(2):
                    pairs = 0 if stratum == 1 and region == 0 else int(rng.integers(100, 600))
                    words = rng.choice(cut.words.members(region), pairs)
                    contexts = rng.choice(cut.contexts.members(other), pairs)
                    place = {"stratum": stratum, "word_region": region, "shard": shard, "part": number}
                    ids = {"words": words.tobytes(), "contexts": contexts.tobytes()}
                    found.append({"epoch": EPOCH, "slice": SLICE, **place, "pairs": pairs, **ids})
    return [row for row in found if row["pairs"]]


ROWS = random_buckets()
PASS = make_pass(sum(row["pairs"] for row in ROWS))


def plain_kernel(words: str = "W", contexts: str = "C") -> BucketKernel:
    """One triple after another. A kernel of `core` calls BLAS, whose bytes depend on its threads."""

    def update(tables: Tables, bucket: Bucket, rates: Floats, steps: range) -> float:
        W, C, total = tables[words], tables[contexts], 0.0
        for step in steps:
            pairs, noisy = (part(len(ids), step, len(rates)) for ids in (bucket.words, bucket.noisy))
            triples = [(w, c, 1) for w, c in zip(bucket.words[pairs], bucket.contexts[pairs], strict=True)]
            triples += [(w, n, -1) for w in bucket.noisy[noisy] for n in bucket.noise[step]]
            for w, other, sign in triples:
                score = np.float32(sign) * (W[w] * C[other]).sum()
                gain = np.float32(sign) * rates[step] / (1 + np.exp(score))
                W[w], C[other] = W[w] + gain * C[other], C[other] + gain * W[w]
                total += float(np.logaddexp(0, -score))
        return total

    return update


KERNEL = plain_kernel()


def strata_task(**changed: Any) -> StrataTask:
    """All strata of a pass that is the second quarter of a training."""
    return StrataTask(
        **{
            "kernel": KERNEL,
            "words": "W",
            "contexts": "C",
            "dim": DIM,
            "threads": 1,
            "strata": range(N_REGIONS),
            "pace": Pace(0.25, 0.5, learning_rate=0.4, min_rate=0.01),
            **changed,
        }
    )


def tables_before() -> dict[str, Floats]:
    rng = np.random.default_rng(9)
    return {name: rng.normal(0, 0.02, (VOCABULARY, DIM)).astype(np.float32) for name in "WC"}


def train_by_hand(task: StrataTask, rows: list[BucketRow]) -> tuple[dict[str, Floats], dict[int, Metrics]]:
    """The same training without Spark: every bucket in place, one after another."""
    tables = tables_before()
    done = dict.fromkeys(range(N_REGIONS), Metrics(0, 0, 0))
    layout = PASS.layout
    for stratum in task.strata:
        for worker in range(N_REGIONS):
            other = context_region(worker, stratum, N_REGIONS)
            words, contexts = layout.words.members(worker), layout.contexts.members(other)
            own = [row for row in rows if (row["stratum"], row["word_region"]) == (stratum, worker)]
            own.sort(key=lambda row: (row["shard"], row["part"]))
            of_words, of_contexts = (
                np.frombuffer(b"".join(row[name] for row in own), np.int32)
                for name in ("words", "contexts")
            )
            bucket = draw_bucket(
                PASS,
                worker,
                stratum,
                np.searchsorted(words, of_words).astype(np.int32),
                np.searchsorted(contexts, of_contexts).astype(np.int32),
            )
            rates = bucket_rates(bucket, stratum, task.strata, task.pace)
            held = {"W": tables["W"][words], "C": tables["C"][contexts]}
            loss = task.kernel(held, bucket, rates, range(len(rates)))
            tables["W"][words], tables["C"][contexts] = held["W"], held["C"]
            before = done[worker]
            done[worker] = Metrics(before.pairs + len(bucket.words), before.loss + loss, 0)
    return tables, done


def checkpoint_of(spark: SparkSession, tables: dict[str, Floats]) -> DataFrame:
    """BLOCKS of the tables, and a METRICS row of the round before."""
    batches = [batch for name, table in tables.items() for batch in blocks_of(name, table)]
    batches.append(block(METRICS, 0, np.ones((1, 3))))
    return spark.createDataFrame(pa.Table.from_batches(batches), BLOCKS)


def buckets_of(spark: SparkSession, rows: list[BucketRow]) -> Callable[[int], DataFrame]:
    """The buckets of each stratum, in reverse order."""

    def of_stratum(stratum: int) -> DataFrame:
        own = [row for row in reversed(rows) if row["stratum"] == stratum]
        return spark.createDataFrame(own, BUCKETS)

    return of_stratum


def run(
    spark: SparkSession,
    task: StrataTask,
    rows: list[BucketRow] = ROWS,
    tables: dict[str, Floats] | None = None,
    of_pass: Pass = PASS,
) -> Result:
    broadcast = spark.sparkContext.broadcast(of_pass)
    try:
        before = checkpoint_of(spark, tables_before() if tables is None else tables)
        return collect(train_strata(before, buckets_of(spark, rows), broadcast, task))
    finally:
        broadcast.destroy()


@pytest.fixture(scope="module")
def whole_pass(spark: SparkSession) -> Result:
    return run(spark, strata_task())


@pytest.mark.parametrize("stratum", range(N_REGIONS))
def test_a_stratum_gives_the_bytes_of_a_plain_loop_over_its_buckets(spark, stratum):
    task = strata_task(strata=range(stratum, stratum + 1))

    found = run(spark, task)

    expected, _ = train_by_hand(task, ROWS)
    assert np.abs(expected["W"] - tables_before()["W"]).max() > 0.001
    assert_same_tables(found.tables, expected)


def test_a_whole_pass_gives_the_bytes_of_a_plain_loop_over_all_buckets(whole_pass):
    expected, _ = train_by_hand(strata_task(), ROWS)

    assert_same_tables(whole_pass.tables, expected)


def test_every_worker_reports_what_it_did_in_all_strata(whole_pass):
    _, expected = train_by_hand(strata_task(), ROWS)

    assert set(whole_pass.metrics) == set(range(N_REGIONS))
    for worker, metrics in whole_pass.metrics.items():
        assert metrics[:2] == expected[worker][:2]
        assert metrics.cpu_seconds > 0
    assert sum(metrics.pairs for metrics in whole_pass.metrics.values()) == PASS.pairs


def test_every_block_comes_once_with_its_first_row_and_number_of_rows(whole_pass):
    heads = [row[:3] for row in whole_pass.raw]

    assert heads == [
        (name, *of_block) for name in "CW" for of_block in ((0, 2621), (2621, 2621), (5242, 758))
    ]


def test_training_resumes_from_a_checkpoint_within_a_pass(spark, whole_pass):
    def half(strata: range) -> StrataTask:
        shares = (0.25 + of_pass / 2 * 0.25 for of_pass in (strata.start, strata.stop))
        return strata_task(strata=strata, pace=Pace(*shares, learning_rate=0.4, min_rate=0.01))

    first = run(spark, half(range(0, 1)))
    second = run(spark, half(range(1, 2)), tables=first.tables)

    for name, table in whole_pass.tables.items():
        # The rates are the same except for rounding.
        np.testing.assert_allclose(second.tables[name], table, rtol=1e-4, atol=1e-6)


def test_a_stratum_without_pairs_trains_its_noise(spark):
    rows = [row for row in ROWS if row["stratum"] != 1]
    task = strata_task(strata=range(1, 2))

    found = run(spark, task, rows)

    expected, _ = train_by_hand(task, rows)
    assert_same_tables(found.tables, expected)
    assert {metrics.pairs for metrics in found.metrics.values()} == {0}
    assert (found.tables["W"] != tables_before()["W"]).any()


def test_without_pairs_and_noise_the_parameters_do_not_change(spark):
    found = run(spark, strata_task(), [], of_pass=make_pass(pairs=0))

    assert_same_tables(found.tables, tables_before())
    assert {metrics[:2] for metrics in found.metrics.values()} == {(0, 0)}


def test_neither_partitions_nor_arrow_batches_change_the_result(spark, whole_pass):
    changed = {
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1",
        "spark.sql.shuffle.partitions": "5",
        "spark.sql.adaptive.enabled": "false",
    }
    with using(spark, changed):
        assert run(spark, strata_task()).raw == whole_pass.raw


def test_the_model_names_the_tables(spark):
    names = {"W": "input", "C": "output"}
    renamed = {names[name]: table for name, table in tables_before().items()}
    task = strata_task(
        strata=range(1), kernel=plain_kernel("input", "output"), words="input", contexts="output"
    )

    found = run(spark, task, tables=renamed)

    expected, _ = train_by_hand(strata_task(strata=range(1)), ROWS)
    assert_same_tables(found.tables, {names[name]: table for name, table in expected.items()})


def test_the_threads_of_a_worker_share_the_steps_of_its_bucket(spark):
    def count_calls(tables: Tables, bucket: Bucket, rates: Floats, steps: range) -> float:
        return 1.0

    for threads in (1, 3):
        found = run(spark, strata_task(kernel=count_calls, threads=threads))

        assert {metrics.loss for metrics in found.metrics.values()} == {N_REGIONS * threads}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (VOCABULARY - 1, "worker . needs 3000 rows of W and 3000 of C, got (2999 and|3000 and 2999)"),
        (2621, "worker . needs 3000 rows of W and 3000 of C, got 1... and 1..."),
        (VOCABULARY + 1, "it has a row 6001 of 6000"),
        (3 * 2621, "it has a row 7863 of 6000"),
    ],
)
def test_a_checkpoint_of_another_vocabulary_is_refused(spark, rows, reason):
    other = {name: np.zeros((rows, DIM), np.float32) for name in "WC"}

    with pytest.raises(
        PythonException, match=f"ShapeError: the checkpoint is of another vocabulary: {reason}"
    ):
        run(spark, strata_task(strata=range(1)), tables=other)


@pytest.mark.parametrize(
    ("size", "blocks"), [(Size(VOCABULARY, DIM), 3), (Size(500, 3000), 6), (Size(700, 7), 1)]
)
@pytest.mark.parametrize("partitions", [1, 3])
def test_the_start_blocks_are_the_start_tables_of_every_strategy(spark, size, blocks, partitions):
    model = models.build("sgns", {})

    start = collect(start_blocks(spark, model.tables(size), seed=1).coalesce(partitions))

    assert len(start.raw) == 2 * blocks
    assert_same_tables(start.tables, model.start(size, seed=1))
    assert not start.tables["C"].any()
    assert np.abs(start.tables["W"]).max() <= 0.5 / size.dim
    assert len(np.unique(start.tables["W"], axis=0)) == size.words, "no two rows start the same"
    assert (start.tables["W"] != model.start(size, seed=2)["W"]).any()
