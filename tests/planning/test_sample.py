"""A sample of the input has the words and the number of tokens of the whole."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from vecmill.config import Config
from vecmill.errors import InputError
from vecmill.planning import sample_text
from vecmill.planning.sample import Sample, read_sample

LINES = 4000


def lines(count: int = LINES) -> list[str]:
    """Lines of 5 to 15 words whose counts fall as 1 / rank."""
    rng = np.random.default_rng(5)
    share = 1 / np.arange(1, 5001)
    sizes = rng.integers(5, 16, count)
    words = rng.choice(5000, sizes.sum(), p=share / share.sum())
    return [" ".join(f"w{word}" for word in line) for line in np.split(words, np.cumsum(sizes)[:-1])]


TEXT = lines()
TOKENS = sum(len(line.split()) for line in TEXT)
WORDS = len({word for line in TEXT for word in line.split()})


def sample_of(spark: SparkSession, path: Path, *overrides: str) -> Sample:
    return read_sample(spark, Config.load(None, [f"input.path={path}", "output.path=out", *overrides]))


@pytest.fixture
def small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples of a tenth of the text."""
    monkeypatch.setattr(sample_text, "SAMPLE_BYTES", 24_000)
    monkeypatch.setattr(sample_text, "_PLACE_HERE", 1000)
    monkeypatch.setattr(sample_text, "_PLACE_ELSEWHERE", 2000)
    monkeypatch.setattr(sample_text, "_PACKED_BYTES", 2000)


def write_text(folder: Path) -> list[str]:
    for number, part in enumerate(np.array_split(np.array(TEXT), 7)):
        (folder / f"{number}.txt").write_text("\n".join(part) + "\n")
    return []


def write_json(folder: Path) -> list[str]:
    rows = (json.dumps({"n": number, "text": line}) for number, line in enumerate(TEXT))
    (folder / "a.json").write_text("\n".join(rows))
    return ["input.format=json"]


def write_array(folder: Path) -> list[str]:
    rows = (json.dumps({"tokens": line.split()}) for line in TEXT)
    (folder / "a.json").write_text("\n".join(rows))
    return ["input.format=json", "input.column=tokens", "tokenizer.kind=column"]


def write_csv(folder: Path) -> list[str]:
    rows = (f'{number};"{line}"' for number, line in enumerate(TEXT))
    (folder / "a.csv").write_text("n;my.text\n" + "\n".join(rows))
    return ["input.format=csv", "input.options={header='true',sep=';'}", "input.column=my.text"]


def write_csv_without_header(folder: Path) -> list[str]:
    (folder / "a.csv").write_text("\n".join(f"{number},{line}" for number, line in enumerate(TEXT)))
    return ["input.format=csv", "input.column=_c1"]


def write_gzip(folder: Path) -> list[str]:
    for number, part in enumerate(np.array_split(np.array(TEXT), 8)):
        (folder / f"{number}.gz").write_bytes(gzip.compress("\n".join(part).encode()))
    return []


def write_latin1(folder: Path) -> list[str]:
    (folder / "a.txt").write_text("\n".join(line.replace("w", "é") for line in TEXT), "latin-1")
    return ["input.encoding=ISO-8859-1"]


WRITERS = [
    write_text,
    write_json,
    write_array,
    write_csv,
    write_csv_without_header,
    write_gzip,
    write_latin1,
]


@pytest.mark.parametrize("write", WRITERS)
def test_a_small_text_is_read_as_a_whole(spark, tmp_path, write):
    overrides = write(tmp_path)

    found = sample_of(spark, tmp_path, *overrides)

    assert found.is_whole
    assert found.tokens == (TOKENS, TOKENS, TOKENS)
    assert len(found.growth.counts) == WORDS
    assert found.files == len(list(tmp_path.iterdir()))


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("is_here", [True, False])
def test_a_sample_of_many_places_has_the_tokens_of_the_whole_text_in_its_range(
    spark, tmp_path, write, is_here, small_samples, monkeypatch
):
    overrides = write(tmp_path)
    if not is_here:
        monkeypatch.setattr(sample_text, "local_path", lambda path: None)

    found = sample_of(spark, tmp_path, *overrides)

    assert not found.is_whole
    assert found.growth.tokens < 0.4 * TOKENS
    assert found.tokens.low <= TOKENS <= found.tokens.high
    assert found.tokens.high < 2 * found.tokens.low
    words = found.growth.words_at(TOKENS, 1)
    assert words.low <= WORDS <= words.high


@pytest.mark.parametrize("format_", ["parquet", "orc"])
@pytest.mark.parametrize("is_tokens", [False, True])
def test_a_sample_of_tables_is_scaled_by_their_rows(spark, tmp_path, format_, is_tokens, monkeypatch):
    monkeypatch.setattr(sample_text, "_TABLE_ROWS", 100)
    rows = [(line.split() if is_tokens else line,) for line in TEXT]
    kind = "array<string>" if is_tokens else "string"
    table = spark.createDataFrame(rows, f"text {kind}").repartition(4)
    table.write.format(format_).save(str(tmp_path / "table"))
    overrides = ["tokenizer.kind=column"] if is_tokens else []

    found = sample_of(spark, tmp_path / "table", f"input.format={format_}", *overrides)

    assert found.growth.tokens < 0.2 * TOKENS
    assert found.tokens.low <= TOKENS <= found.tokens.high
    assert found.tokens.high < 1.5 * found.tokens.low


def test_json_over_several_lines_is_read_by_spark(spark, tmp_path):
    rows = [{"text": line} for line in TEXT[:300]]
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=1))

    found = sample_of(spark, tmp_path, "input.format=json", "input.options={multiLine='true'}")

    tokens = sum(len(line.split()) for line in TEXT[:300])
    assert found.growth.tokens == tokens
    assert found.tokens.low <= tokens <= found.tokens.high


def test_lines_that_are_cut_are_left_out(spark, tmp_path, small_samples):
    write_text(tmp_path)

    found = sample_of(spark, tmp_path, "tokenizer.kind=whitespace")

    assert len(found.growth.counts) <= WORDS
    # A few are short because they are cut where a line is longer than half of a place.
    assert found.tokens.low <= TOKENS <= found.tokens.high


def test_text_without_tokens_is_refused(spark, tmp_path):
    (tmp_path / "a.txt").write_text("...\n")

    with pytest.raises(InputError, match=r"a sample of .* has no token \(4 bytes of 1 files\)"):
        sample_of(spark, tmp_path)


def test_a_source_without_files_is_refused(spark):
    config = Config.load(None, ["input.format=jdbc", "output.path=out"])

    with pytest.raises(InputError, match="has no files of which a sample could be read"):
        read_sample(spark, config)


def test_the_same_files_give_the_same_sample(spark, tmp_path, small_samples):
    write_text(tmp_path)

    first, second = (sample_of(spark, tmp_path) for _ in range(2))

    assert first.tokens == second.tokens
    np.testing.assert_array_equal(np.sort(first.growth.counts), np.sort(second.growth.counts))
