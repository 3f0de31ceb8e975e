"""Input that is no text, has odd names, or does not fit: the right result or a sentence with the remedy."""

from __future__ import annotations

import gzip
import lzma
import re
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.end_to_end.conftest import SMALL, manifest

LINE = "the quick brown fox jumps over the lazy dog\n"
FRENCH = "où êtes-vous allé cet été mon élève\n"


@pytest.fixture
def tokenized(vecmill, tmp_path):
    """Tokenize a path with further settings: the outcome, and the tokens of every document."""

    def run(path: Path | str, **settings: object):
        out = tmp_path / "out"
        named = {key.replace("__", "."): value for key, value in settings.items()}
        outcome = vecmill("tokenize", settings={"input.path": path, "output.path": out, **named})
        files = sorted((out / "tokens").glob("*.parquet"))
        return outcome, sorted(row for file in files for row in pq.read_table(file)["tokens"].to_pylist())

    return run


def test_every_file_below_a_folder_is_read_and_recorded(tokenized, tmp_path):
    for name in ("top.txt", "2020/jan.txt", "2021/deep/feb.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(f"{Path(name).stem}\n")

    outcome, tokens = tokenized(tmp_path / "in")

    assert outcome.code == 0, outcome.output
    assert tokens == [["feb"], ["jan"], ["top"]]
    assert manifest(tmp_path / "out")["input"]["files"] == 3
    assert manifest(tmp_path / "out")["stages"]["tokenize"]["documents"] == 3


@pytest.mark.parametrize(
    "name", ["notes[1].txt", "a{b}.txt", "back\\slash.txt", "my text.txt", "12:30.txt"]
)
def test_a_file_with_an_odd_name_is_read(tokenized, tmp_path, name):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_text("one two\n")

    outcome, tokens = tokenized(tmp_path / "in" / name)

    assert (outcome.code, tokens) == (0, [["one", "two"]])


def test_a_hidden_file_is_refused(tokenized, tmp_path):
    (tmp_path / "_corpus.txt").write_text(LINE)

    outcome, _ = tokenized(tmp_path / "_corpus.txt")

    assert outcome.code == 3
    assert outcome.last_line.endswith("_corpus.txt begins with _, which Spark hides; rename it")


def write_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", LINE * 20)


FILES = {
    "corpus.txt.xz": (
        lambda path: path.write_bytes(lzma.compress(LINE.encode() * 20)),
        "is xz and not text",
    ),
    "corpus.zip": (write_zip, "is zip (also docx, xlsx, odt, epub) and not text"),
    "corpus.txt": (lambda path: path.write_bytes(gzip.compress(LINE.encode())), "rename it to end in .gz"),
    "table": (lambda path: pq.write_table(pa.table({"text": [LINE]}), path), "input.format = 'parquet'"),
    "utf16.txt": (lambda path: path.write_text(LINE * 9, "utf-16"), "iconv -f UTF-16 -t UTF-8 FILE > NEW"),
    "wide.txt": (lambda path: path.write_text(LINE * 9, "utf-16-le"), "iconv -f UTF-16LE"),
    "latin1.txt": (lambda path: path.write_text(FRENCH * 9, "latin-1"), "set input.encoding"),
    "lz4.txt.lz4": (
        lambda path: path.write_bytes(pa.compress(LINE.encode(), "lz4", asbytes=True)),
        "is not in Hadoop's form of .lz4",
    ),
    "snappy.txt.snappy": (
        lambda path: path.write_bytes(pa.compress(LINE.encode() * 9, "snappy", asbytes=True)),
        "is not in Hadoop's form of .snappy",
    ),
    "plain.gz": (lambda path: path.write_text(LINE), "has a name that ends in .gz but other content"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("among_text", [False, True])
def test_a_file_that_is_no_text_is_refused_before_anything_is_written(
    tokenized, tmp_path, name, among_text
):
    write, sentence = FILES[name]
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / name)
    if among_text:
        for number in range(100):
            (folder / f"{number}.txt").write_text(LINE)
    path = folder if among_text else folder / name

    outcome, _ = tokenized(path)

    assert outcome.code == 3
    assert outcome.last_line.startswith(f"vecmill: input.path: file:{folder / name} ")
    assert sentence in outcome.last_line
    assert not (tmp_path / "out" / "tokens").exists()


def test_text_in_latin1_is_read_with_its_encoding(tokenized, tmp_path):
    (tmp_path / "a.txt").write_text(FRENCH, "latin-1")

    outcome, tokens = tokenized(tmp_path / "a.txt", input__encoding="ISO-8859-1")

    assert (outcome.code, tokens) == (0, [["où", "êtes", "vous", "allé", "cet", "été", "mon", "élève"]])


def test_csv_in_windows_1252_is_read_with_its_encoding(tokenized, tmp_path):
    (tmp_path / "a.csv").write_text(f"n,my.text\n1,“{FRENCH.strip()}”\n", "cp1252")
    csv = {"input__format": "csv", "input__options": "{header = 'true'}", "input__column": "my.text"}

    outcome, tokens = tokenized(tmp_path / "a.csv", **csv, input__encoding="windows-1252")

    assert (outcome.code, tokens) == (0, [["où", "êtes", "vous", "allé", "cet", "été", "mon", "élève"]])
    refused, _ = tokenized(tmp_path / "a.csv", **csv)
    assert refused.code == 3
    assert "is not UTF-8" in refused.last_line


def test_foreign_files_among_many_are_found_when_they_are_read(tokenized, tmp_path, monkeypatch):
    monkeypatch.setattr("vecmill.storage.input_checks._LOOKED_AT_HERE", 2)
    (tmp_path / "in").mkdir()
    for name in "abcdef":
        encoding = "latin-1" if name in "bce" else "utf-8"
        (tmp_path / "in" / f"{name}.txt").write_text(FRENCH * 50, encoding)
    # Two that are looked at, whatever the order of the folder.
    monkeypatch.setattr("vecmill.storage.input_checks._from_all_over", sorted)

    outcome, _ = tokenized(tmp_path / "in")

    assert outcome.code == 3
    assert "is not UTF-8" in outcome.last_line


def test_nul_bytes_that_begin_late_are_found(tokenized, tmp_path):
    (tmp_path / "a.txt").write_bytes(LINE.encode() * 2000 + LINE.encode("utf-16-le") * 2000)

    outcome, _ = tokenized(tmp_path / "a.txt")

    assert outcome.code == 3
    assert "NUL characters" in outcome.last_line


def test_single_damaged_documents_are_reported_and_kept(tokenized, tmp_path):
    (tmp_path / "a.txt").write_bytes(
        LINE.encode() * 95 + b"caf\xe9 au lait and so on\n" * 2 + LINE.encode() * 3
    )

    outcome, tokens = tokenized(tmp_path / "a.txt")

    assert outcome.code == 0
    assert len(tokens) == 100
    assert "2 documents have bytes that are not UTF-8, which became U+FFFD" in outcome.output


@pytest.mark.parametrize(
    ("text", "segmenter"),
    [
        ("我们今天去公园散步。他说这本书非常有意思。\n" * 20, "Chinese, .* jieba"),
        ("今日は公園に散歩に行きました。とても面白いと思います。\n" * 20, "Japanese, .* fugashi"),
        ("วันนี้เราไปเดินเล่นที่สวนสาธารณะ\n" * 20, "Thai, .* pythainlp"),
    ],
)
def test_text_without_spaces_between_words_is_reported_with_a_segmenter(
    tokenized, tmp_path, text, segmenter
):
    (tmp_path / "a.txt").write_text(text)

    outcome, _ = tokenized(tmp_path / "a.txt")

    assert outcome.code == 0
    assert re.search(f"most tokens are whole clauses of {segmenter}", outcome.output)


def test_ordinary_text_is_not_reported(tokenized, tmp_path):
    (tmp_path / "a.txt").write_text("हम आज पार्क में टहलने जा रहे हैं\n\u043c\u044b идём гулять\n" + LINE)

    outcome, _ = tokenized(tmp_path / "a.txt")

    assert outcome.code == 0
    assert "whole clauses" not in outcome.output
    assert "UTF-8" not in outcome.output


@pytest.mark.parametrize("wholetext", [False, True])
def test_a_document_that_java_has_no_memory_for_is_refused_at_once(
    tokenized, tmp_path, monkeypatch, wholetext
):
    monkeypatch.setattr("vecmill.pipeline.tokenize._HEAP_PER_DOCUMENT", 1 << 11)
    (tmp_path / "a.txt").write_text("word " * 400_000 + "\n")
    settings = {"input__options": "{wholetext = 'true'}"} if wholetext else {}

    outcome, _ = tokenized(tmp_path / "a.txt", **settings)

    assert outcome.code == 3
    what = "the file" if wholetext else "its first line"
    assert f"input.path: {what} of file:{tmp_path}/a.txt has " in outcome.last_line
    assert "put line breaks between documents, or raise spark.driver.memory" in outcome.last_line


def test_a_long_line_is_named_if_java_has_failed(tokenized, tmp_path, monkeypatch):
    from vecmill.storage.arrow_store import ArrowStore

    def fail(*arguments: object) -> None:
        raise ConnectionRefusedError("Connection refused")

    monkeypatch.setattr("vecmill.pipeline.tokenize._HEAP_PER_DOCUMENT", 1 << 11)
    monkeypatch.setattr(ArrowStore, "stage", fail)
    (tmp_path / "a.txt").write_text(f"{LINE}{LINE}{'word ' * 8_000_000}\n{LINE}")

    outcome, _ = tokenized(tmp_path / "a.txt")

    assert outcome.code == 3
    assert f"input.path: line 3 of file:{tmp_path}/a.txt has more than " in outcome.last_line


@pytest.mark.parametrize(
    ("function", "code", "sentence"),
    [
        ("raise_an_error", 3, "raised ValueError: no words in line 1 and line 2; correct the function"),
        ("return_a_list", 3, "got list"),
        ("return_one_fewer", 3, "one per document, got "),
        ("no_such_function", 2, "cannot be imported (AttributeError: "),
        ("pa", 2, "cannot be imported (TypeError: pa is module and not a function)"),
    ],
)
def test_a_tokenizer_function_that_fails_is_named(tokenized, tmp_path, function, code, sentence):
    (tmp_path / "a.txt").write_text(LINE)
    name = f"tests.corpus.tokenizers:{function}"

    outcome, _ = tokenized(tmp_path / "a.txt", tokenizer__kind="python", tokenizer__pattern=name)

    assert outcome.code == code
    assert outcome.last_line.startswith(f"vecmill: tokenizer.pattern: {name} ")
    assert sentence in outcome.last_line


@pytest.mark.parametrize("options", ["{lineSep = ''}", "{compression = 'x'}"])
def test_a_value_that_an_option_does_not_take_is_refused(tokenized, tmp_path, options):
    (tmp_path / "a.txt").write_text(LINE)

    outcome, _ = tokenized(tmp_path / "a.txt", input__options=options)

    assert outcome.code == 3
    assert outcome.last_line.startswith(f"vecmill: input: cannot read {tmp_path}/a.txt as text: ")


def test_many_equal_documents_are_trained_on(vecmill, tmp_path):
    (tmp_path / "a.txt").write_text(LINE * 200)
    settings = {**SMALL, "input.path": tmp_path / "a.txt", "output.path": tmp_path / "out"}

    outcome = vecmill("run", settings={**settings, "pairs.subsample": 0, "train.holdout": 0.1})

    assert outcome.code == 0, outcome.output
    texts = manifest(tmp_path / "out")["stages"]["texts"]
    assert texts["texts"] == 200
    assert 0 < texts["held_out_words"] < 60 * 9
    assert len(texts["words_of"]) == 4
