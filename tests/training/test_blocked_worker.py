"""Strata of blocked training against a plain loop over the same buckets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from pyspark import Broadcast
from pyspark.errors import PythonException
from pyspark.sql import DataFrame, SparkSession

from vecmill.core import keyed_random
from vecmill.core.blocks import block_rows, blocks
from vecmill.core.buckets import TILE_NOISE, Bucket, part, with_noise
from vecmill.core.kernels import BucketKernel, Tables
from vecmill.core.schedule import learning_rates
from vecmill.examples.buckets import Expected, layout
from vecmill.spark.session import using
from vecmill.storage import checkpoints
from vecmill.storage.schemas import BLOCKS, BUCKETS, METRICS
from vecmill.training.averaging.worker import Metrics
from vecmill.training.blocked.worker import Pass, Strata, initial_blocks, rows_of, train_strata

# A table of two full blocks and a third; a region of 3,000 rows, which are two pieces.
VOCABULARY, DIM, N_REGIONS = 6000, 100, 2
assert block_rows(DIM) == 2621
SEED, EPOCH, SLICE, NEGATIVES = 5, 2, 1, 2

Floats = npt.NDArray[np.float32]
BucketRow = dict[str, Any]


def some_expected() -> Expected:
    weights = 1 / np.arange(1, VOCABULARY + 1)
    return Expected(weights / weights.sum(), np.sqrt(weights) / np.sqrt(weights).sum())


def some_pass() -> Pass:
    of = some_expected()
    return Pass(layout(of, N_REGIONS, NEGATIVES, seed=SEED, epoch=EPOCH, slice_=SLICE), of)


def some_buckets() -> list[BucketRow]:
    """A whole pass from two shards in two parts; in stratum 1 one region has no pairs."""
    rng = np.random.default_rng(0)
    cut = some_pass().layout
    found = []
    for stratum in range(N_REGIONS):
        for region in range(N_REGIONS):
            other = (region + stratum) % N_REGIONS
            for shard in range(2):
                for number in range(2):
                    pairs = 0 if stratum == 1 and region == 0 else int(rng.integers(100, 600))
                    words = rng.choice(cut.words.members(region), pairs)
                    contexts = rng.choice(cut.contexts.members(other), pairs)
                    where = {"stratum": stratum, "word_region": region, "shard": shard, "part": number}
                    ids = {"words": words.tobytes(), "contexts": contexts.tobytes()}
                    found.append({"epoch": EPOCH, "slice": SLICE, **where, "pairs": pairs, **ids})
    return [row for row in found if row["pairs"]]


PASS, ROWS = some_pass(), some_buckets()
PAIRS_OF_PASS = sum(row["pairs"] for row in ROWS)


def plain_kernel() -> BucketKernel:
    """One triple after another. A kernel of `core` asks BLAS, whose bytes depend on its threads."""

    def update(tables: Tables, bucket: Bucket, rates: Floats) -> float:
        W, C, steps, total = tables["W"], tables["C"], len(rates), 0.0
        for step, rate in enumerate(rates):
            pairs, noisy = (part(len(ids), step, steps) for ids in (bucket.words, bucket.noisy))
            triples = [(w, c, 1) for w, c in zip(bucket.words[pairs], bucket.contexts[pairs], strict=True)]
            triples += [(w, n, -1) for w in bucket.noisy[noisy] for n in bucket.noise[step]]
            for w, other, sign in triples:
                score = np.float32(sign) * (W[w] * C[other]).sum()
                gain = np.float32(sign) * rate / (1 + np.exp(score))
                W[w], C[other] = W[w] + gain * C[other], C[other] + gain * W[w]
                total += float(np.logaddexp(0, -score))
        return total

    return update


KERNEL = plain_kernel()


def settings(**changed: Any) -> Strata:
    """The second quarter of a training."""
    return Strata(
        **{
            "kernel": KERNEL,
            "dim": DIM,
            "negatives": NEGATIVES,
            "seed": SEED,
            "epoch": EPOCH,
            "slice_": SLICE,
            "pairs": PAIRS_OF_PASS,
            "strata": range(N_REGIONS),
            "begin": 0.25,
            "end": 0.5,
            "learning_rate": 0.4,
            "min_learning_rate": 0.01,
            **changed,
        }
    )


def start() -> dict[str, Floats]:
    rng = np.random.default_rng(9)
    return {name: rng.normal(0, 0.02, (VOCABULARY, DIM)).astype(np.float32) for name in "WC"}


class Result(NamedTuple):
    """The tables after some strata, what each worker did, and the rows of BLOCKS."""

    tables: dict[str, Floats]
    metrics: dict[int, Metrics]
    raw: list[tuple[Any, ...]]


def by_hand(round_: Strata, rows: list[BucketRow]) -> tuple[dict[str, Floats], dict[int, Metrics]]:
    """The same training without Spark: every bucket in place, one after another."""
    tables = start()
    done = dict.fromkeys(range(N_REGIONS), Metrics(0, 0, 0, 0))
    cut, of = PASS
    for stratum in round_.strata:
        for worker in range(N_REGIONS):
            other = (worker + stratum) % N_REGIONS
            words, contexts = cut.words.members(worker), cut.contexts.members(other)
            mine = [row for row in rows if (row["stratum"], row["word_region"]) == (stratum, worker)]
            mine.sort(key=lambda row: (row["shard"], row["part"]))
            ids = [
                np.frombuffer(b"".join(row[name] for row in mine), np.int32)
                for name in ("words", "contexts")
            ]
            noise = of.noise[contexts]
            due = round_.negatives * round_.pairs * of.pairs[words] * noise.sum() / TILE_NOISE
            bucket = with_noise(
                np.searchsorted(words, ids[0]).astype(np.int32),
                np.searchsorted(contexts, ids[1]).astype(np.int32),
                expected=due,
                noise=noise,
                rng=keyed_random.generator(
                    SEED,
                    keyed_random.Purpose.NOISE,
                    epoch=EPOCH,
                    slice_=SLICE,
                    shard=worker * N_REGIONS + other,
                ),
            )
            steps = len(bucket.noise)
            done_strata = stratum - round_.strata.start + np.arange(steps) / steps
            progress = round_.begin + (round_.end - round_.begin) * (done_strata / len(round_.strata))
            rates = learning_rates(progress, round_.learning_rate, round_.min_learning_rate)
            held = {"W": tables["W"][words], "C": tables["C"][contexts]}
            loss = round_.kernel(held, bucket, rates)
            tables["W"][words], tables["C"][contexts] = held["W"], held["C"]
            pairs, before = len(bucket.words), done[worker]
            done[worker] = Metrics(before.rows + pairs, before.pairs + pairs, before.loss + loss, 0)
    return tables, done


def blocks_of(spark: SparkSession, tables: dict[str, Floats]) -> DataFrame:
    """A checkpoint: BLOCKS of the tables, and a METRICS row of the round before."""
    rows = [
        (name, number, block.stop - block.start, table[block].tobytes())
        for name, table in tables.items()
        for number, block in blocks(table)
    ]
    rows.append((METRICS, 0, 1, np.ones(4).tobytes()))
    columns = zip(*rows, strict=True)
    return spark.createDataFrame(pa.table(dict(zip(BLOCKS.fieldNames(), columns, strict=True))), BLOCKS)


def of_strata(spark: SparkSession, rows: list[BucketRow]) -> Callable[[int], DataFrame]:
    """The buckets of each stratum, in no order."""

    def of_stratum(stratum: int) -> DataFrame:
        mine = [row for row in reversed(rows) if row["stratum"] == stratum]
        return spark.createDataFrame(mine, BUCKETS)

    return of_stratum


def run(
    spark: SparkSession,
    round_: Strata,
    rows: list[BucketRow] = ROWS,
    tables: dict[str, Floats] | None = None,
) -> Result:
    broadcast = spark.sparkContext.broadcast(PASS)
    try:
        begin = blocks_of(spark, start() if tables is None else tables)
        result = train_strata(begin, of_strata(spark, rows), broadcast, round_)
        assert result.schema == BLOCKS
        found = result.toArrow()
    finally:
        broadcast.destroy()
    raw = sorted(tuple(row.values()) for row in found.to_pylist())
    metrics = {
        block: Metrics(*np.frombuffer(values, np.float64))
        for name, block, _, values in raw
        if name == METRICS
    }
    return Result(
        checkpoints.assemble(found).parameters, metrics, [row for row in raw if row[0] != METRICS]
    )


def assert_same_tables(found: dict[str, Floats], expected: dict[str, Floats]) -> None:
    assert set(found) == set(expected)
    for name, table in expected.items():
        np.testing.assert_array_equal(found[name], table)


@pytest.fixture(scope="module")
def whole_pass(spark: SparkSession) -> Result:
    return run(spark, settings())


@pytest.mark.parametrize("stratum", range(N_REGIONS))
def test_a_stratum_trains_its_buckets_to_the_bytes_of_a_plain_loop(spark, stratum):
    round_ = settings(strata=range(stratum, stratum + 1))

    found = run(spark, round_)

    expected, _ = by_hand(round_, ROWS)
    assert np.abs(expected["W"] - start()["W"]).max() > 0.001
    assert_same_tables(found.tables, expected)


def test_a_whole_pass_trains_all_buckets_to_the_bytes_of_a_plain_loop(whole_pass):
    expected, _ = by_hand(settings(), ROWS)

    assert_same_tables(whole_pass.tables, expected)


def test_every_worker_tells_what_it_did_in_all_strata(whole_pass):
    _, expected = by_hand(settings(), ROWS)

    assert set(whole_pass.metrics) == set(range(N_REGIONS))
    for worker, told in whole_pass.metrics.items():
        assert told[:3] == expected[worker][:3]
        assert told.cpu_seconds > 0
    assert sum(told.pairs for told in whole_pass.metrics.values()) == PAIRS_OF_PASS


def test_every_block_comes_once_with_its_number_of_rows(whole_pass):
    places = [row[:3] for row in whole_pass.raw]

    assert places == [(name, *block) for name in "CW" for block in ((0, 2621), (1, 2621), (2, 758))]


def test_strata_can_go_on_from_a_checkpoint_in_the_middle_of_a_pass(spark, whole_pass):
    def share(strata: range) -> Strata:
        return settings(
            strata=strata, begin=0.25 + strata.start / 2 * 0.25, end=0.25 + strata.stop / 2 * 0.25
        )

    first = run(spark, share(range(0, 1)))
    second = run(spark, share(range(1, 2)), tables=first.tables)

    for name, table in whole_pass.tables.items():
        # The rates are the same but for rounding.
        np.testing.assert_allclose(second.tables[name], table, rtol=1e-4, atol=1e-6)


def test_a_stratum_without_any_pair_still_meets_its_noise(spark):
    rows = [row for row in ROWS if row["stratum"] != 1]
    round_ = settings(strata=range(1, 2))

    found = run(spark, round_, rows)

    expected, _ = by_hand(round_, rows)
    assert_same_tables(found.tables, expected)
    assert {told[:2] for told in found.metrics.values()} == {(0, 0)}
    assert (found.tables["W"] != start()["W"]).any()


def test_without_pairs_and_noise_the_parameters_stay_as_they_are(spark):
    found = run(spark, settings(pairs=0), [])

    assert_same_tables(found.tables, start())
    assert {told[:3] for told in found.metrics.values()} == {(0, 0, 0)}


def test_neither_partitions_nor_arrow_batches_change_the_result(spark, whole_pass):
    changed = {
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1",
        "spark.sql.shuffle.partitions": "5",
        "spark.sql.adaptive.enabled": "false",
    }
    with using(spark, changed):
        assert run(spark, settings()).raw == whole_pass.raw


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (VOCABULARY - 1, "worker . needs 3000 rows of W and 3000 of C, got (2999 and|3000 and 2999)"),
        (2621, "worker . needs 3000 rows of W and 3000 of C, got 1... and 1..."),
        (VOCABULARY + 1, "it has a row 6001 of 6000"),
        (3 * 2621, "it has a row 7863 of 6000"),
    ],
)
def test_a_checkpoint_of_another_vocabulary_is_refused(spark, rows, told):
    other = {name: np.zeros((rows, DIM), np.float32) for name in "WC"}

    with pytest.raises(
        PythonException, match=f"ShapeError: the checkpoint is of another vocabulary: {told}"
    ):
        run(spark, settings(strata=range(1)), tables=other)


def test_the_first_parameters_follow_from_the_seed_alone(spark):
    def initial(seed: int, partitions: int) -> dict[str, Floats]:
        found = initial_blocks(spark, VOCABULARY, DIM, seed)
        assert found.schema == BLOCKS
        return checkpoints.assemble(found.coalesce(partitions).toArrow()).parameters

    first = initial(1, partitions=1)

    assert {name: table.shape for name, table in first.items()} == dict.fromkeys("WC", (VOCABULARY, DIM))
    assert not first["C"].any()
    assert np.abs(first["W"]).max() <= 0.5 / DIM
    assert len(np.unique(first["W"], axis=0)) == VOCABULARY, "blocks differ from each other"
    assert_same_tables(initial(1, partitions=2), first)
    assert (initial(2, partitions=1)["W"] != first["W"]).any()


@pytest.fixture
def some_ids(spark: SparkSession) -> Iterator[Callable[..., Broadcast[npt.NDArray[np.int32]]]]:
    made = []

    def broadcast(*ids: int) -> Broadcast[npt.NDArray[np.int32]]:
        made.append(spark.sparkContext.broadcast(np.array(ids, np.int32)))
        return made[-1]

    yield broadcast
    for each in made:
        each.destroy()


def test_rows_of_the_parameters_can_be_had_without_the_others(spark, some_ids):
    ids = [0, 2620, 2621, 5999]

    found = rows_of(blocks_of(spark, start()), some_ids(*ids), DIM)

    assert found.schema == BLOCKS
    checkpoint = checkpoints.assemble(found.toArrow())
    assert_same_tables(checkpoint.parameters, {name: table[ids] for name, table in start().items()})
    np.testing.assert_array_equal(checkpoint.metrics, np.ones((1, 4)))


def test_metrics_can_be_had_without_any_row(spark, some_ids):
    checkpoint = checkpoints.assemble(rows_of(blocks_of(spark, start()), some_ids(), DIM).toArrow())

    assert checkpoint.parameters == {}
    np.testing.assert_array_equal(checkpoint.metrics, np.ones((1, 4)))
