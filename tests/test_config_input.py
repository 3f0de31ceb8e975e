"""The keys of the input and the output that are checked before Spark starts."""

from __future__ import annotations

import pytest

from tests.test_config import faults_of, load
from vecmill.config.reader_options import KNOWN


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (
            ["input.options.whole_text=true"],
            "input.options.whole_text is not an option of Spark's reader of text; did you mean wholetext?",
        ),
        (["input.options.wholetext=yes"], "input.options.wholetext must be 'true' or 'false', got 'yes'"),
        (
            ["input.options.encoding=latin1"],
            "input.options.encoding has no effect on input.format 'text'; use input.encoding = 'latin1'",
        ),
        (["input.format=csv", "input.options.headr=true"], "did you mean header?"),
        (["input.format=json", "input.options.multiline_=true"], "did you mean multiLine?"),
        (
            ["input.format=parquet", "input.options.header=true"],
            "is not an option of Spark's reader of parquet",
        ),
        (["input.format=orc", "input.options.pathGlobfilters=x"], "did you mean pathGlobFilter?"),
        (["input.format=jsonl"], "input.format must be a format of Spark, got 'jsonl'; use 'json'"),
        (
            ["input.format=csv", "input.options.encoding=bogus"],
            "input.options.encoding must be the name of an "
            "encoding, such as ISO-8859-1, windows-1252 or Shift_JIS, got 'bogus'",
        ),
        (["input.encoding=rot13"], "input.encoding must be the name of an encoding"),
        (
            ["input.encoding=UTF-16"],
            "input.encoding: UTF-16 does not contain ASCII as it is, so Spark cannot cut "
            "it into lines; convert the files: iconv -f UTF-16 -t UTF-8 FILE > NEW",
        ),
        (["input.encoding=utf-32-le"], "iconv -f utf-32-le -t UTF-8"),
        (["input.encoding=cp500"], "does not contain ASCII as it is"),
        (
            ["input.format=json", "input.encoding=latin1"],
            "input.encoding is not used if input.format is 'json'; use input.options.encoding",
        ),
        (
            ["input.format=parquet", "input.encoding=latin1"],
            "is not used if input.format is 'parquet'; remove it",
        ),
        (
            ["input.format=csv", "input.encoding=latin1", "input.options.charset=latin1"],
            "are both set; remove one",
        ),
    ],
)
def test_an_unknown_option_or_encoding_of_the_input_is_refused_with_a_remedy(overrides, fault):
    [found] = faults_of(*overrides)

    assert fault in found


@pytest.mark.parametrize(
    "overrides",
    [
        ["input.options.WHOLETEXT=TRUE", "input.options.pathglobfilter=*.txt"],
        ["input.options.textinputformat.record.delimiter=x", "input.options.recursiveFileLookup=false"],
        ["input.format=csv", "input.options.header=true", "input.options.encoding=cp1252"],
        ["input.format=JSON", "input.options.encoding=UTF-16LE", "input.options.lineSep=x"],
        ["input.format=jdbc", "input.options.anything=x"],
        ["input.encoding=utf-8-sig"],
        ["input.encoding=GB18030"],
        ["input.encoding=KOI8-R"],
        ["tokenizer.language=tr"],
    ],
)
def test_options_and_encodings_that_spark_knows_are_accepted(overrides):
    load(*overrides)


def test_the_name_of_a_format_of_spark_may_have_capitals():
    assert load("input.format=JSON").input.format == "json"
    assert load("input.format=com.Example").input.format == "com.Example"


def test_the_known_options_are_those_of_the_installed_spark(spark):
    packages = {
        "text": ["execution.datasources.text.TextOptions"],
        "csv": ["catalyst.csv.CSVOptions"],
        "json": ["catalyst.json.JSONOptions"],
        "parquet": ["execution.datasources.parquet.ParquetOptions"],
        "orc": ["execution.datasources.orc.OrcOptions"],
    }
    for format_, names in packages.items():
        for name in (*names, "execution.datasources.FileIndexOptions"):
            found = spark._jvm.java.lang.Class.forName(f"org.apache.spark.sql.{name}$")
            options = found.getField("MODULE$").get(None).getAllOptions().mkString(",").split(",")
            known = {option.lower() for option in KNOWN[format_]}
            assert {o for o in options if o.lower() not in known and "." not in o} == set(), format_


@pytest.mark.parametrize("path", ["run[1]", "run{a}", "a*b", "what?", "a\\b", "s3a://bucket/run[1]/x"])
def test_an_output_that_spark_would_take_for_a_wildcard_is_refused(path):
    [fault] = faults_of(f"output.path='{path}'")

    assert "output.path must not contain any of * ? [ ] { } \\, which Spark takes for wildcards" in fault


def test_an_output_with_a_colon_in_its_first_part_is_refused_with_the_spelling_to_use():
    [fault] = faults_of("output.path=12:30")

    assert fault.endswith("got '12:30'; write ./12:30")
    for path in ("./12:30", "/data/12:30", "hdfs://host:8020/run", "file:/data", "a/b:c"):
        assert load(f"output.path={path}").output.path == path
